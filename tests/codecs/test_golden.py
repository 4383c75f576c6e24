"""Files of every format decode to the recorded pixels, on every backend."""

from __future__ import annotations

import hashlib
import json

import fractour
import numpy as np
import pytest
from fractour.shared import container
from fractour.shared.conformance import ArrayPath
from fractour.shared.errors import UnsupportedVersionError
from fractour.shared.picture.scaling import enlarged
from fractour.shared.registry import codec_by_number, codec_names, get_codec
from places import GOLDEN

INDEX = json.loads((GOLDEN / "golden.json").read_text())


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


@pytest.mark.parametrize("file", sorted(INDEX))
def test_golden_file_decodes_to_the_recorded_pixels(file: str) -> None:
    data = (GOLDEN / file).read_bytes()
    pixels = fractour.decode(data)
    assert _digest(pixels) == INDEX[file]
    frame = container.unpack(data, max_pixels=1 << 20)
    codec = codec_by_number(frame.codec_number, frame.version)
    symbols = codec.read(frame.coded, frame.packets, complete=frame.complete)
    other = codec.synthesize(symbols, xp=ArrayPath())
    whole = (frame.geometry.height, frame.geometry.width)
    other = enlarged(other, *whole, frame.header.reduction, ArrayPath()).reshape(pixels.shape)
    assert np.array_equal(other, pixels)


def test_golden_files_are_of_the_versions_that_are_read() -> None:
    read = {f"{name}-v{get_codec(name).version}" for name in codec_names()}
    assert {file.rpartition("-")[0] for file in INDEX} == read


def test_a_replaced_version_is_named_with_its_remedy() -> None:
    old = get_codec("pifs").version - 1
    with pytest.raises(UnsupportedVersionError, match="replaced; encode the picture again"):
        codec_by_number(get_codec("pifs").number, old)
    with pytest.raises(UnsupportedVersionError, match="upgrade fractour"):
        codec_by_number(get_codec("pifs").number, old + 2)


def test_reduced_and_compact_frames_are_among_them() -> None:
    """A compact file of each codec; a reduced one where the encoder found that better."""
    for name in codec_names():
        codec = get_codec(name)
        start = f"{name}-v{codec.version}"
        compact = fractour.info((GOLDEN / f"{start}-compact.frc").read_bytes())
        assert compact["checksum_bytes"] == 0
        if name in {"tiles", "wavelet", "pifs"} or f"{start}-reduced.frc" in INDEX:
            reduced = fractour.info((GOLDEN / f"{start}-reduced.frc").read_bytes())
            assert reduced["reduction"] > 1
            assert reduced["checksum_bytes"] > 0


def test_no_golden_file_is_forgotten() -> None:
    assert {path.name for path in GOLDEN.glob("*.frc")} == set(INDEX)
