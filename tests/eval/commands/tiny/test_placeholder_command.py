"""``fractour placeholder``: the URI on stdout, the file beside it, errors in one line."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.codecs.tiles.javascript.page import page
from fractour.eval.cli import run as command
from fractour.shared.conformance import sample_picture
from fractour.shared.pillow_plugin import MIME
from PIL import Image

HEAD = f"data:{MIME};base64,"


def run(*arguments: object) -> int:
    return command([str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(sample_picture(60, 90, 3)).save(path)
    return path


def test_the_uri_is_printed_and_the_file_written(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.frc"
    assert run("placeholder", source, file, "--budget", 90, "--codec", "tiles") == 0
    uri = capsys.readouterr().out.strip()
    data = file.read_bytes()
    assert len(data) <= 90
    assert base64.b64decode(uri.removeprefix(HEAD), validate=True) == data
    assert np.array_equal(fractour.decode(data).shape, (60, 90, 3))
    assert run("placeholder", source, file, "--codec", "tiles") == 1  # it exists


def test_a_page_is_written_that_holds_the_file(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, file = tmp_path / "a.html", tmp_path / "a.frc"
    assert run("placeholder", source, file, "--html", target, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["html"], report["codec"]) == (str(target), "tiles")
    assert target.read_text("utf-8") == page(file.read_bytes())
    assert run("placeholder", source, "--html", target) == 1  # it exists
    assert run("placeholder", source, "--html", target, "--force") == 0


def test_the_report_says_what_was_chosen(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--json", "--checksum", "--codec", "wavelet", "--budget", 100)
    assert run("placeholder", source, *options) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["codec"], report["checksum_bytes"], report["budget_bytes"]) == (
        "wavelet",
        2,
        100,
    )
    assert report["uri"].startswith(HEAD)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--codec", "nothing"), 2, "nothing"),
        (("--codec", ""), 2, "at least one format"),
        (("--budget", 0), 2, "budget"),
        (("--codec", "wavelet", "--html", "a.html"), 2, "leave out --codec"),
        (("--budget", 2, "--codec", "tiles"), 1, "smallest file possible"),
    ],
)
def test_errors_are_one_line(
    source: Path,
    options: tuple[object, ...],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("placeholder", source, *options) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
