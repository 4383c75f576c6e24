"""Files of every format version decode to the recorded pixels, on every backend, for ever."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.shared import container
from fractour.shared.conformance import ArrayPath
from fractour.shared.registry import codec_by_number, codec_names, get_codec

FOLDER = Path(__file__).resolve().parent / "golden"
INDEX = json.loads((FOLDER / "golden.json").read_text())


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


@pytest.mark.parametrize("file", sorted(INDEX))
def test_golden_file_decodes_to_the_recorded_pixels(file: str) -> None:
    data = (FOLDER / file).read_bytes()
    pixels = fractour.decode(data)
    assert _digest(pixels) == INDEX[file]
    frame = container.unpack(data, max_pixels=1 << 20)
    codec = codec_by_number(frame.codec_number, frame.version)
    symbols = codec.read(frame.geometry, frame.packets, complete=frame.complete)
    other = codec.synthesize(symbols, xp=ArrayPath()).reshape(pixels.shape)
    assert np.array_equal(other, pixels)


def test_every_codec_version_has_golden_files() -> None:
    for name in codec_names():
        for version in range(1, get_codec(name).version + 1):
            assert any(file.startswith(f"{name}-v{version}-") for file in INDEX), (name, version)


def test_no_golden_file_is_forgotten() -> None:
    assert {path.name for path in FOLDER.glob("*.frc")} == set(INDEX)
