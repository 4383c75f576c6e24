"""Compact files and small pictures on the command line."""

from __future__ import annotations

from pathlib import Path

import fractour
import numpy as np
from fractour.eval.cli import run as command
from fractour.shared.conformance import sample_picture
from PIL import Image


def run(*arguments: object) -> int:
    return command([str(argument) for argument in arguments])


def test_compact_and_reduce(tmp_path: Path) -> None:
    source, file, small = (tmp_path / name for name in ("in.png", "a.frc", "small.png"))
    Image.fromarray(sample_picture(60, 90, 3)).save(source)
    assert run("encode", source, file, "--codec", "tiles", "--budget", 200, "--compact") == 0
    data = file.read_bytes()
    assert fractour.info(data)["checksum_bytes"] == 0
    assert run("decode", file, small, "--reduce", 4) == 0
    assert np.array_equal(np.asarray(Image.open(small)), fractour.decode(data, reduce=4))
    assert run("decode", file, small, "--reduce", 3, "--force") == 2
