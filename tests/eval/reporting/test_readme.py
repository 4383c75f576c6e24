"""README and results page say what the committed results say, and their commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from fractour.eval.reporting import readme


@pytest.fixture(params=["README.md", "eval/results/README.md"])
def page(root: Path, request: pytest.FixtureRequest) -> Path:
    return root / str(request.param)


def test_tables_are_those_of_the_results(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- results:" in text
    assert readme.update(text) == text, "run python -m fractour.eval.reporting.readme"


def test_every_table_of_the_readme_is_made(root: Path) -> None:
    blocks = re.findall(r"results:(\w+)", (root / "README.md").read_text(encoding="utf-8"))
    assert blocks == ["glance", "contour_outlines", "encoders", "at_target"]
    assert "<!-- results:kodak -->" in (root / "eval/results/README.md").read_text(encoding="utf-8")
    glance = readme.block("glance")
    assert "| jpeg2000 | 0.0 | 0.0 | 0.0 | 0.0 | 1.0 | 1.0 |" in glance


def test_every_picture_of_a_page_exists(page: Path) -> None:
    links = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert len(links) >= 2
    for link in links:
        assert (page.parent / link).is_file(), link


def test_every_command_of_a_page_parses(page: Path) -> None:
    import typer
    from fractour.eval.cli import app

    group = typer.main.get_command(app)
    text = page.read_text(encoding="utf-8").replace("\n--", " --")
    lines = re.findall(r"fractour [a-z][^\n`#]*", text)
    checked = 0
    for line in lines:
        words = shlex.split(line.split("&&")[0])[1:]
        command = group.commands.get(words[0])  # type: ignore[attr-defined]
        if command is None:
            continue
        known = {
            option
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for word in words[1:]:
            if word.startswith("--"):
                assert word in known, f"{line}: {word}"
        checked += 1
    assert checked >= 10


@pytest.mark.parametrize("link", ["LICENSE", "CONTRIBUTING.md", "shared/FORMAT.md"])
def test_linked_files_exist(root: Path, link: str) -> None:
    assert (root / link).is_file()
