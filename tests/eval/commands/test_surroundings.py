"""What a command finds around it: closed streams, poor terminals, missing parts, long names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.eval.measuring.store import RUN_FILE, RunError, load_run
from fractour.shared import registry
from PIL import Image


@pytest.fixture
def photo(tmp_path: Path, picture: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from fractour.shared.network import weights

    monkeypatch.setattr(weights, "has_torch", lambda: False)


@pytest.mark.usefixtures("no_torch")
def test_encode_says_which_encoder_made_the_file(
    cli: Callable, photo: Path, tmp_path: Path
) -> None:
    ended = cli(
        "encode", photo, tmp_path / "a.frc", "--bytes", 300, "--encoder", "network", "--json"
    )
    assert ended.code == 0
    assert ended.json["encoder"] == "search"
    assert "needs torch" in ended.err


@pytest.mark.usefixtures("no_torch")
@pytest.mark.parametrize(
    "way",
    [
        ("--encoders", "search,network"),
        ("--codec", "wavelet:encoder=network"),
        ("--encoders", "search,network", "--at-target", "0.5"),
    ],
)
def test_compare_refuses_an_encoder_that_is_not_at_hand(
    cli: Callable, photo: Path, tmp_path: Path, way: tuple[str, ...]
) -> None:
    out = tmp_path / "run"
    ended = cli("compare", "--corpus", photo.parent, "--anchors", "", "--out", out, *way)
    assert ended.code == 4
    assert "fractour[neural]" in ended.err
    assert not out.exists()


def _command(*arguments: str, redirect: str, **variables: str) -> subprocess.CompletedProcess[str]:
    line = f'exec "$0" -m fractour "$@" {redirect}'
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **variables},
    )


def test_no_standard_error_is_no_error(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.frc"
    way = ("--codec", "template", "--bytes", "300")
    ended = _command("encode", str(photo), str(out), *way, redirect="2>&-")
    assert ended.returncode == 0
    assert fractour.info(out.read_bytes())["width"] == 64
    assert _command("info", "nothing.frc", redirect="2>&-").returncode == 3


def test_a_terminal_that_lacks_a_sign_shows_another() -> None:
    code = (
        "import sys\n"
        "from fractour.eval import cli\n"
        "cli.run = lambda arguments: print('1 \u00b1 2') or 0\n"
        "cli.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert (ended.returncode, ended.stdout) == (0, "1 ? 2\n"), ended.stderr


def test_the_longest_name_is_a_name(cli: Callable, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / ("x" * 250 + ".frc")
    assert cli("encode", photo, out, "--codec", "template", "--bytes", 300).code == 0
    assert out.exists()


def test_an_empty_run_file_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).touch()
    with pytest.raises(RunError, match="--fresh"):
        load_run(tmp_path)


def test_doctor_lists_a_plugin_that_does_not_load(
    cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        name, value = "acme.broken", "acme:Codec"

        def load(self) -> None:
            raise ImportError("no module named acme")

    entries = {**registry._entries(), "acme.broken": Broken()}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    ended = cli("doctor", "--json")
    assert ended.code == 0
    rows = {row["name"]: row for row in ended.json["codecs"]}
    assert "acme" in rows["acme.broken"]["reason"]
    assert rows["template"]["available"]
