"""``fractour compare --tiny``: tables, the document, and what does not go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fractour.eval.cli import run as command
from fractour.shared.conformance import sample_picture
from PIL import Image


def run(*arguments: object) -> int:
    return command([str(argument) for argument in arguments])


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(sample_picture(90, 130, 3)).save(folder / "a.png")
    return folder


def test_tables_rows_and_document(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ("--corpus", corpus, "--out", out, "--codec", "wavelet,webp", "--jobs", 1)
    assert run("compare", "--tiny", *options) == 0
    printed = capsys.readouterr().out
    assert "bytes used, %" in printed
    document = json.loads((out / "tiny.json").read_text(encoding="utf-8"))
    assert document["groups"] == {"pictures": ["a"]} or list(document["groups"]) == ["pictures"]
    assert document["markdown"].startswith("**The best of ours")
    assert len((out / "rows.jsonl").read_text(encoding="utf-8").splitlines()) == 12
    assert run("compare", "--tiny", *options, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["tables"] == document["tables"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--codec", "jpeg2000"), "--tiny compares"),
        (("--budgets", "0.1"), "its own sizes"),
        (("--at-target", "0.2"), "its own sizes"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    corpus: Path, options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", "--tiny", "--corpus", corpus, *options) == 2
    assert words in capsys.readouterr().err
