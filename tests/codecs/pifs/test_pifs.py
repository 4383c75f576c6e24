from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fractour.codecs.pifs.analysis import domains
from fractour.codecs.pifs.synthesis import pyramid, zoom
from fractour.codecs.pifs.synthesis import reconstruction as pifs_synthesis
from fractour.shared.backend import get_array_module
from fractour.shared.codec import Geometry
from fractour.shared.conformance import ArrayPath
from fractour.shared.errors import BackendUnavailableError, BitstreamError, FractourError
from fractour.shared.registry import get_codec
from fractour.shared.tiles.analysis.encoder import LAMBDA
from fractour.shared.tiles.format.syntax import COMP, GRADE, LOG
from fractour.shared.tiles.synthesis import reconstruction
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ("pifs", "pifs-pure")


class Arrays:
    """NumPy under another name, so that no compiled kernel is taken."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def scene(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    """A picture that resembles itself at half its size: fans of edges, (H, W, C) uint8."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(seed)
    angle = np.arctan2(y - height / 2 + 0.3, x - width / 3)
    base = 128 + 70 * np.sign(np.sin((9 + seed % 3) * angle)) + 20 * np.sin(x / 23)
    planes = [base + 10 * c + rng.normal(0, 2, base.shape) for c in range(channels)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def encoded(name: str, image: np.ndarray, step: int) -> tuple[list[bytes], Any, Any, Any]:
    codec = get_codec(name)
    proposal = codec.propose(codec.analyze(image, encoder="search", effort=5), step)
    packets = codec.write(proposal, np.ones(len(proposal), np.bool_))
    symbols = codec.read(proposal.state.tiles.geometry, packets, complete=True)
    return packets, proposal, codec, symbols


@settings(max_examples=12)
@given(
    height=st.integers(1, 100),
    width=st.integers(1, 100),
    channels=st.integers(1, 4),
    step=st.integers(105, 225),
    name=st.sampled_from(NAMES),
)
def test_reads_what_was_written(
    height: int, width: int, channels: int, step: int, name: str
) -> None:
    image = scene(height, width, channels, step)
    _, proposal, codec, symbols = encoded(name, image, step)
    written = proposal.state
    assert np.array_equal(symbols.tiles.leaves, written.tiles.leaves)
    assert np.array_equal(symbols.tiles.levels, written.tiles.levels)
    mapped = written.maps[:, 0] != 0
    assert np.array_equal(symbols.maps[mapped], written.maps[mapped])
    assert not symbols.maps[~mapped, 0].any()
    pixels = codec.synthesize(symbols, xp=np)
    assert pixels.shape == image.shape
    assert np.array_equal(pixels, codec.synthesize(symbols, xp=Arrays()))


@pytest.mark.parametrize("name", NAMES)
def test_the_start_does_not_matter_and_nothing_comes_after_the_seventh_pass(name: str) -> None:
    _, _, _, symbols = encoded(name, scene(192, 256, 3), 168)
    tiles, maps = symbols.tiles, symbols.maps
    mine = (maps[:, 0] != 0) & (tiles.leaves[:, COMP] == 0)
    assert mine.any()
    assert np.abs(maps[mine, 0]).max() > 4  # scales above one are no danger
    known = np.ones(len(tiles.leaves), np.bool_)
    plane = reconstruction.render(np, tiles, known)[0]
    exact = pyramid.attract(np, plane, tiles.leaves[mine], maps[mine])
    rng = np.random.default_rng(1)
    noise = rng.integers(-8192, 8192, plane.shape).astype(np.int32)
    for start in (noise, np.zeros_like(plane), plane[::-1].copy()):
        passes = pyramid.iterate(np, plane, tiles.leaves[mine], maps[mine], start, 8)
        assert not np.array_equal(passes[0][0], exact[0])
        for level in range(pyramid.LEVELS):
            assert np.array_equal(passes[6][level], exact[level])
            assert np.array_equal(passes[7][level], exact[level])


def test_domains_help() -> None:
    image = scene(192, 256, 1)
    costs = {}
    for name in ("tiles", "pifs"):
        codec = get_codec(name)
        proposal = codec.propose(codec.analyze(image, encoder="search", effort=5), 168)
        bits = proposal.overhead_bits + proposal.bits.sum()
        costs[name] = proposal.residual + LAMBDA * 32.0**2 * bits
    assert costs["pifs"] < costs["tiles"]


def test_pure_has_no_harmonics() -> None:
    _, _, _, symbols = encoded("pifs-pure", scene(128, 128, 3), 168)
    assert not symbols.tiles.levels.any()
    assert not symbols.tiles.leaves[:, GRADE].any()
    assert (symbols.maps[:, 0] != 0).any()


def test_search_is_exact() -> None:
    rng = np.random.default_rng(3)
    plane = rng.normal(0, 20, (128, 128)).astype(np.float32)
    half = domains.decimate(plane)
    # Plant a domain's picture in a leaf; it has to be found.
    block = domains.domain_blocks(half, 4, np.array([3]), np.array([5]))[0]
    plane[16:32, 48:64] = -1.5 * (block - block.mean()) + 7
    found = domains.shortlist(plane, 128, 128, 4)
    assert found is not None
    assert found.leaves[11].tolist() == [1, 3]
    assert [3, 5] in found.places[11].tolist()
    assert domains.shortlist(plane, 100, 100, 6) is None


@settings(max_examples=30)
@given(
    data=st.binary(max_size=200),
    complete=st.booleans(),
    channels=st.integers(1, 4),
    name=st.sampled_from(NAMES),
)
def test_any_bytes_are_safe(data: bytes, complete: bool, channels: int, name: str) -> None:
    codec = get_codec(name)
    try:
        symbols = codec.read(Geometry(130, 197, channels), [data], complete=complete)
    except BitstreamError:
        return
    pixels = codec.synthesize(symbols, xp=np)
    assert pixels.shape == (130, 197, channels)
    assert np.array_equal(pixels, codec.synthesize(symbols, xp=Arrays()))


def test_profiles_are_told_apart() -> None:
    packets, proposal, _, _ = encoded("pifs", scene(64, 64, 1), 180)
    geometry = proposal.state.tiles.geometry
    with pytest.raises(BitstreamError, match="profile"):
        get_codec("pifs-pure").read(geometry, packets, complete=True)


def test_planes_of_leaves_without_maps_are_tiles() -> None:
    _, _, _, symbols = encoded("pifs", scene(128, 128, 1), 168)
    plain = reconstruction.render(np, symbols.tiles, symbols.known)[0]
    whole = pifs_synthesis.planes(symbols, np)[0]
    for leaf, fractal in zip(symbols.tiles.leaves, symbols.maps, strict=True):
        side, top, left = 1 << leaf[LOG], leaf[1], leaf[2]
        same = np.array_equal(
            plain[top : top + side, left : left + side], whole[top : top + side, left : left + side]
        )
        assert same or fractal[0]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [2, 4])
def test_zoom_is_the_same_on_every_path(name: str, channels: int, scale: int) -> None:
    image = scene(70, 133, channels)
    _, _, codec, symbols = encoded(name, image, 168)
    large = codec.synthesize(symbols, xp=np, scale=scale)
    assert large.dtype == np.uint8
    assert large.shape == (70 * scale, 133 * scale, channels)
    assert np.array_equal(large, codec.synthesize(symbols, xp=ArrayPath(), scale=scale))
    # Made small again it is about the picture itself, but it is not that picture enlarged.
    small = codec.synthesize(symbols, xp=np).astype(float)
    mean = large.reshape(70, scale, 133, scale, channels).mean((1, 3))
    assert np.abs(mean - small).mean() < 4
    assert np.abs(large - small.repeat(scale, 0).repeat(scale, 1)).mean() > 1


def test_zoom_by_nothing_is_the_decoder() -> None:
    _, _, _, symbols = encoded("pifs", scene(100, 133, 3), 150)
    plain = reconstruction.render(np, symbols.tiles, symbols.known)
    assert np.array_equal(zoom.render(np, symbols.tiles, symbols.known, 0), plain)


def test_zoom_goes_on_with_the_maps() -> None:
    _, _, _, symbols = encoded("pifs", scene(192, 256, 1), 168)
    flat = zoom.render(np, symbols.tiles, symbols.known, 2)[0]
    tiles, maps = zoom.enlarged(symbols.tiles, symbols.maps, 2)
    mine = maps[:, 0] != 0
    levels = pyramid.attract(np, flat, tiles.leaves[mine], maps[mine], 2)
    assert len(levels) == pyramid.LEVELS + 2
    # Below a pixel of the picture, too, a leaf is its domain made small.
    leaf, (s, top, left) = tiles.leaves[mine][0], maps[mine][0].tolist()
    side, y, x = 1 << int(leaf[LOG]), int(leaf[1]), int(leaf[2])
    domain = levels[1][top // 2 : top // 2 + side, left // 2 : left // 2 + side].astype(int)
    cells = levels[leaf[LOG]][top // side : top // side + 2, left // side : left // side + 2]
    change = (s * (domain - ((int(cells.sum()) + 2) >> 2)) + 2) >> 2
    area = slice(y, y + side), slice(x, x + side)
    assert np.array_equal(levels[0][area], flat[area] + change)


def test_other_scales_are_refused() -> None:
    _, _, codec, symbols = encoded("pifs", scene(32, 32, 1), 180)
    with pytest.raises(FractourError, match="scale 1, 2 or 4, not 3"):
        codec.synthesize(symbols, xp=np, scale=3)


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_cupy_gives_the_same_pixels(name: str) -> None:
    try:
        xp = get_array_module("cupy")
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    _, _, codec, symbols = encoded(name, scene(128, 190, 3), 168)
    assert np.array_equal(codec.synthesize(symbols, xp=xp).get(), codec.synthesize(symbols, xp=np))
