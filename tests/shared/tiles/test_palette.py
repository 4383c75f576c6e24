"""Blocks of few colours: coding, hiding, search."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import fractour
import numpy as np
import pytest
from fractour.codecs.tiles.format import initial_tables
from fractour.shared.codec import Geometry
from fractour.shared.error.importance import OCTAVES, Importance
from fractour.shared.errors import BitstreamError
from fractour.shared.picture import color
from fractour.shared.registry import get_codec
from fractour.shared.tiles.analysis import palette as search
from fractour.shared.tiles.analysis import spectra as spectral
from fractour.shared.tiles.analysis.screen import screen_of
from fractour.shared.tiles.format import palette, palette_coding
from fractour.shared.tiles.format.stream import Coder, TileSet, capacity, component_steps
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(fractour.__file__).parent
TEXT = (ROOT / "codecs/tiles/FORMAT.md").read_text("utf-8")


def made(geometry: Geometry, colours: int, seed: int, share: float = 0.6) -> palette.Palette:
    """Blocks, colours and runs of indices at random."""
    rng = np.random.default_rng(seed)
    out = palette.Palette.room(geometry.height, geometry.width, geometry.channels)
    values = rng.integers(-128, 128, (colours, geometry.channels)).astype(np.int32)
    out.colours = np.concatenate([values[:1], values[1:][np.argsort(values[1:, 0])]])
    inside = out.blocks[1:-1, 1:-1]
    inside[...] = rng.random(inside.shape) < share
    runs = rng.integers(0, colours, (geometry.height, geometry.width))
    runs = np.where(rng.random(runs.shape) < 0.7, runs[:, :1], runs)
    shown = np.kron(inside, np.ones((8, 8), np.uint8))[: geometry.height, : geometry.width]
    out.indices[3:-3, 3:-3] = runs * shown
    return out


def written(geometry: Geometry, found: palette.Palette) -> bytes:
    from fractour.shared import entropy

    coder = Coder(initial_tables(), capacity=capacity(geometry))
    coder.palettes(
        TileSet.blank(geometry, component_steps(100, 3, geometry.channels), palette=found)
    )
    return entropy.finish(coder.state)


def read(geometry: Geometry, data: bytes, *, complete: bool = True) -> palette.Palette | None:
    tiles = TileSet.blank(geometry, component_steps(100, 3, geometry.channels))
    Coder(initial_tables(), data=data, complete=complete).palettes(tiles)
    return tiles.palette


def text(height: int, width: int, seed: int = 3) -> np.ndarray:
    """Lines of few signs on a flat ground, (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    signs = rng.integers(0, 3, (8, 9, 6))
    inks = np.array([(250, 250, 248), (20, 20, 30), (130, 132, 140)], np.uint8)
    out = np.empty((height, width, 3), np.uint8)
    out[...] = inks[0]
    for top in range(4, height - 12, 12):
        for left in range(4, width - 8, 8):
            out[top : top + 9, left : left + 6] = inks[signs[rng.integers(len(signs))]]
    return out


@settings(deadline=None, max_examples=25)
@given(
    height=st.integers(1, 70), width=st.integers(1, 70), channels=st.integers(1, 4),
    colours=st.sampled_from([1, 2, 3, 17, 256]), seed=st.integers(0, 99),
)  # fmt: skip
def test_reads_what_was_written(
    height: int, width: int, channels: int, colours: int, seed: int
) -> None:
    geometry = Geometry(height, width, channels)
    found = made(geometry, colours, seed)
    again = read(geometry, written(geometry, found))
    assert again is not None
    for name in ("colours", "blocks", "indices"):
        assert np.array_equal(getattr(again, name), getattr(found, name)), name


def test_a_prefix_shows_the_rows_that_arrived() -> None:
    geometry = Geometry(64, 64, 3)
    found = made(geometry, 17, 4, share=1.0)
    data = written(geometry, found)
    before = -1
    for size in range(0, len(data), 97):
        again = read(geometry, data[:size], complete=False)
        if again is None or not again.blocks.any():
            continue
        wrong = np.nonzero((again.indices != found.indices).ravel())[0]
        first = int(wrong[0]) if len(wrong) else again.indices.size
        assert first >= before
        assert not again.indices.ravel()[first + 1 :].any()
        before = first
    assert before > 0


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=300), complete=st.booleans(), channels=st.integers(1, 4))
def test_any_bytes_are_safe(data: bytes, complete: bool, channels: int) -> None:
    geometry = Geometry(37, 50, channels)
    with contextlib.suppress(BitstreamError):
        # A stream that begins with zeros has palettes.
        found = read(geometry, b"\0" + data, complete=complete)
        assert found is None or found.indices.max() < len(found.colours)
        codec = get_codec("tiles")
        symbols = codec.read(geometry, [b"\x60\x0b\0" + data], complete=complete)
        assert codec.synthesize(symbols, xp=np).shape == (37, 50, channels)


@settings(deadline=None, max_examples=25)
@given(height=st.integers(1, 150), width=st.integers(1, 150), seed=st.integers(0, 99))
def test_encoder_and_format_hide_the_same(height: int, width: int, seed: int) -> None:
    found = made(Geometry(height, width, 1), 2, seed, share=0.8)
    for log in range(3, 7):
        grid = found.hidden(log)
        for row in range(-(-height >> log)):
            for column in range(-(-width >> log)):
                place = row << log, column << log
                told = palette.covered(found.blocks, *place, log, height, width)
                assert bool(told) == bool(grid[row, column])


def test_colours_far_from_each_other_and_all_near_one() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(0, 3, (500, 3)).astype(np.float32)
    chosen = search._chosen(vectors, np.ones(500, np.int64))
    apart = ((vectors[chosen][:, None] - vectors[chosen][None]) ** 2).sum(2)
    assert (apart[~np.eye(len(chosen), dtype=bool)] > search._APART**2).all()
    near = search._nearest(vectors, vectors[chosen])
    exact = ((vectors[:, None] - vectors[chosen][None]) ** 2).sum(2)
    assert np.allclose(exact[np.arange(500), near], exact.min(1), atol=1e-3)


def test_what_is_hidden_continues_what_is_seen() -> None:
    y, x = np.mgrid[:100, :130]
    plane = (x + y).astype(np.float32)
    hidden = np.zeros(plane.shape, np.bool_)
    hidden[40:56, 64:80] = True
    filled = search.fill(plane, hidden)
    assert np.array_equal(filled[~hidden], plane[~hidden])
    assert np.abs(filled - plane).max() < 20
    assert np.isfinite(search.fill(plane, np.ones_like(hidden))).all()


@pytest.mark.parametrize("codec", ["tiles", "pifs", "contour"])
def test_text_is_worth_palettes(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = text(96, 160)
    image[:32, :64] = np.indices((32, 64)).sum(0)[..., None]

    def error() -> float:
        data = fractour.encode(image, codec=codec, budget=800)
        assert len(data) <= 800
        palettes = fractour.info(data)["bits"].get("palettes", 0.0)
        shown = fractour.decode(data).astype(float)
        return float(((shown - image) ** 2).mean()) if palettes > 800 else np.inf

    with_palettes = error()
    for module in ("tiles", "pifs.analysis.search", "contour.analysis.search"):
        monkeypatch.setattr(f"fractour.codecs.{module}.screen_of", lambda image: None)
    data = fractour.encode(image, codec=codec, budget=800)
    without = float(((fractour.decode(data).astype(float) - image) ** 2).mean())
    assert with_palettes < without / 4


def test_photographs_are_left_alone() -> None:
    rng = np.random.default_rng(2)
    noisy = rng.normal(120, 6, (80, 90, 3)).clip(0, 255).astype(np.uint8)
    assert screen_of(noisy) is None
    assert screen_of(noisy[:, :1]) is None
    assert screen_of(text(40, 60)) is not None


def test_residual_is_the_error_of_the_picture() -> None:
    image = text(96, 128)
    image[:48, :48] = np.random.default_rng(0).normal(99, 40, (48, 48, 1)).clip(0, 255)
    codec = get_codec("tiles")
    proposal = codec.propose(codec.analyze(image, encoder="search", effort=5), 150)
    state = replace(proposal.state, postfilter=0)
    assert state.choice.tiles.palette is not None
    packets = codec.write(replace(proposal, state=state), np.ones(len(proposal), np.bool_))
    symbols = codec.read(Geometry(96, 128, 3), packets, complete=True)
    shown = codec.synthesize(symbols, xp=np).astype(float)
    assert proposal.residual == pytest.approx(((shown - image) ** 2).sum(), rel=0.05)
    bits = 8 * sum(map(len, packets))
    priced = proposal.overhead_bits + proposal.bits.sum()
    assert priced == pytest.approx(bits, rel=0.03)


def test_importance_moves_bits() -> None:
    image = text(96, 128)
    planes = color.to_components(image)
    spectra = spectral.transform(planes, None, screen_of(image))
    found = search.painted(spectra, 200, initial_tables())
    assert found.palette is not None
    assert spectra.found
    map_ = Importance(np.zeros((2, OCTAVES, 12, 16), np.float32))
    other = spectra.reweighted(map_)
    assert not other.found
    again = search.painted(other, 200, initial_tables())
    assert again.palette is not None


@pytest.mark.parametrize("codec", ["pifs", "contour"])
def test_magnified_pixels_are_squares(codec: str) -> None:
    image = text(64, 96)
    data = fractour.encode(image, codec=codec, budget=900)
    small, large = fractour.decode(data), fractour.decode(data, scale=2)
    hidden = (np.abs(small.astype(int) - image) <= 1).all(2)
    assert hidden.mean() > 0.5
    wide = hidden.repeat(2, 0).repeat(2, 1)
    assert np.array_equal(large[wide], small.repeat(2, 0).repeat(2, 1)[wide])


def test_text_of_the_format_names_the_tables() -> None:
    tables: Any = np.load(ROOT / "shared/tiles/palettes.npz")
    for name, kind in (("probability", "<u2"), ("confidence", "u1"), ("weights", "<i4")):
        digest = hashlib.sha256(tables[name].astype(kind).tobytes()).hexdigest()
        assert digest in TEXT, name
    assert len(tables["probability"]) == palette_coding.TRAINED == 832
    assert len(tables["weights"]) == palette_coding.WEIGHTS == 115
    places = (palette_coding.HIT_AT, palette_coding.AGAIN_AT, palette_coding.TREE_AT)
    assert places == (32, 544, 576)
    rows = (
        palette_coding.HIT_ROW,
        palette_coding.HIT_ROW2,
        palette_coding.AGAIN_ROW,
        palette_coding.AGAIN_ROW2,
    )
    assert rows == (4, 24, 64, 76)
    assert (palette_coding.TREE_ROW, palette_coding.TREE_ROW2) == (79, 103)
