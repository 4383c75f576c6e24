"""The README says what the committed results say, and its commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from fractour.eval import readme


def test_tables_are_those_of_the_results(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    assert "<!-- results:kodak -->" in text
    assert readme.update(text) == text, "run python -m fractour.eval.readme"


def test_every_command_of_the_readme_parses(root: Path) -> None:
    import typer
    from fractour.eval.cli import app

    group = typer.main.get_command(app)
    text = (root / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"fractour [a-z][^\n`#]*", text)
    checked = 0
    for line in lines:
        words = shlex.split(line.split("&&")[0])[1:]
        command = group.commands.get(words[0])  # type: ignore[attr-defined]
        if command is None:
            continue
        known = {option for parameter in command.params for option in parameter.opts}
        for word in words[1:]:
            if word.startswith("--"):
                assert word in known, f"{line}: {word}"
        checked += 1
    assert checked >= 10


@pytest.mark.parametrize("link", ["LICENSE", "CONTRIBUTING.md", "shared/FORMAT.md"])
def test_linked_files_exist(root: Path, link: str) -> None:
    assert (root / link).is_file()
