from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from fractour.shared.backend import get_array_module
from fractour.shared.codec import Geometry
from fractour.shared.errors import BackendUnavailableError, BitstreamError
from fractour.shared.picture import color
from fractour.shared.registry import get_codec
from fractour.shared.tiles.analysis import spectra
from fractour.shared.tiles.format import stream
from fractour.shared.tiles.format.syntax import GRADE
from fractour.shared.tiles.synthesis import dct, deblocking, reconstruction
from hypothesis import given, settings
from hypothesis import strategies as st

CODEC = "tiles"


class Arrays:
    """NumPy under another name, so that no compiled kernel is taken."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def scene(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    """A picture with slopes, an edge, texture and noise, (H, W, C) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    base = 90 + 60 * np.sin(x / 17 + seed) + 40 * np.cos(y / 11) + 50 * (x + y > width)
    base = base + 12 * np.sin(x * y / 50)
    planes = [
        base + 20 * np.sin(x / (9 + c)) + rng.normal(0, 4, base.shape) for c in range(channels)
    ]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def encoded(image: np.ndarray, step: int) -> tuple[list[bytes], Any, Any]:
    codec = get_codec(CODEC)
    proposal = codec.propose(codec.analyze(image, encoder="search", effort=5), step)
    return codec.write(proposal, np.ones(len(proposal), np.bool_)), proposal, codec


@pytest.mark.parametrize("log", range(2, 7))
def test_inverse_is_the_cosine_transform(log: int) -> None:
    side = 1 << log
    rng = np.random.default_rng(log)
    plane = rng.integers(-128, 128, (64, 64)).astype(np.float32)
    tiles = dct.forward(plane, log)
    blocks = np.rint(tiles.reshape(-1, side, side) * 64).astype(np.int64)
    arrays = dct.inverse_arrays(np, blocks, log)
    expected = dct.to_tiles(plane, log).reshape(-1, side, side)
    assert np.abs(arrays / 64 - expected).max() < 0.25
    out, work = np.zeros((side, side), np.int32), np.zeros((64, 64), np.int64)
    for block, same in zip(blocks, arrays, strict=True):
        dct.inverse_into(block.ravel(), log, 2 * side - 2, dct.BASES, out, 0, 0, work)
        assert np.array_equal(out, same)


@settings(max_examples=25)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    channels=st.integers(1, 4),
    step=st.integers(45, stream.STEPS - 1),
    seed=st.integers(0, 99),
)
def test_reads_what_was_written(
    height: int, width: int, channels: int, step: int, seed: int
) -> None:
    image = scene(height, width, channels, seed)
    packets, proposal, codec = encoded(image, step)
    geometry = proposal.state.choice.tiles.geometry
    symbols = codec.read(geometry, packets, complete=True)
    written = proposal.state.choice.tiles
    assert np.array_equal(symbols.tiles.leaves, written.leaves)
    assert np.array_equal(symbols.tiles.levels, written.levels)
    assert np.array_equal(symbols.known, written.leaves[:, GRADE] > 0)
    pixels = codec.synthesize(symbols, xp=np)
    assert pixels.shape == image.shape
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, codec.synthesize(symbols, xp=Arrays()))


def test_priced_like_the_file() -> None:
    packets, proposal, _ = encoded(scene(128, 128, 3), 165)
    bits = proposal.overhead_bits + proposal.bits.sum()
    assert abs(8 * sum(map(len, packets)) - bits) < 0.01 * bits + 64


def test_residual_is_the_error_of_the_decoder_before_deblocking() -> None:
    image = scene(64, 128, 1)
    _, proposal, _ = encoded(image, 150)
    choice = proposal.state.choice
    known = np.ones(len(choice.tiles.leaves), np.bool_)
    planes = reconstruction.render(np, choice.tiles, known)
    error = ((planes[0] / 64 - color.to_components(image)[0]) ** 2).sum()
    assert abs(error - proposal.residual) < 0.02 * error


def test_fine_steps_are_nearly_lossless() -> None:
    image = scene(70, 50, 3)
    packets, proposal, codec = encoded(image, 12)
    symbols = codec.read(proposal.state.choice.tiles.geometry, packets, complete=True)
    assert np.abs(codec.synthesize(symbols, xp=np).astype(int) - image).max() <= 3


@settings(max_examples=30)
@given(data=st.binary(max_size=200), complete=st.booleans(), channels=st.integers(1, 4))
def test_any_bytes_are_safe(data: bytes, complete: bool, channels: int) -> None:
    codec = get_codec(CODEC)
    try:
        symbols = codec.read(Geometry(70, 37, channels), [data], complete=complete)
    except BitstreamError:
        return
    pixels = codec.synthesize(symbols, xp=np)
    assert pixels.shape == (70, 37, channels)
    assert np.array_equal(pixels, codec.synthesize(symbols, xp=Arrays()))


@settings(max_examples=25)
@given(where=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_flipped_bits_are_safe(where: int, bit: int) -> None:
    codec = get_codec(CODEC)
    packets, proposal, _ = _FLIPPED
    data = bytearray(b"".join(packets))
    data[where % len(data)] ^= 1 << bit
    with contextlib.suppress(BitstreamError):
        symbols = codec.read(proposal.state.choice.tiles.geometry, [bytes(data)], complete=True)
        codec.synthesize(symbols, xp=np)


_FLIPPED = encoded(scene(90, 120, 3), 165)


def test_seams_are_softened_and_edges_are_not() -> None:
    geometry = spectra.transform([np.zeros((64, 128))]).geometry
    steps = stream.component_steps(168, stream.NEUTRAL_CHROMA, 1)
    step = int(steps[0]) / 65536
    for height, softened in ((0.1 * step, True), (20 * step, False)):
        tiles = stream.TileSet.blank(geometry, steps)
        tiles.owner[0, 1:17, 1:17], tiles.owner[0, 1:17, 17:33] = 0, 1
        tiles.logs[0, 1:-1, 1:-1] = 6
        planes = np.zeros((1, 64, 128), np.int32)
        planes[0, :, 64:] = round(height * 64)
        before = planes.copy()
        after = deblocking.smooth(np, tiles, planes.copy())
        assert (np.abs(np.diff(after[0])).max() < np.abs(np.diff(before[0])).max()) == softened


@pytest.mark.gpu
def test_cupy_gives_the_same_pixels() -> None:
    try:
        xp = get_array_module("cupy")
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    packets, proposal, codec = encoded(scene(100, 130, 3), 165)
    symbols = codec.read(proposal.state.choice.tiles.geometry, packets, complete=True)
    assert np.array_equal(codec.synthesize(symbols, xp=xp).get(), codec.synthesize(symbols, xp=np))
