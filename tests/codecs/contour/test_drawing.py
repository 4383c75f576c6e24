"""Contour layers: what is written is read, and both drawing paths give the same integers."""

from __future__ import annotations

import numpy as np
import pytest
from contour_layers import STEPS, some_layers, some_outlines
from fractour.codecs.contour import priors
from fractour.codecs.contour.analysis.windows import matching
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.format import stream as syntax
from fractour.codecs.contour.format.outlines import FILL_FIELDS, RINGS, Outlines
from fractour.codecs.contour.synthesis import coverage, windows
from fractour.shared import entropy
from fractour.shared.codec import Geometry
from fractour.shared.conformance import ArrayPath


@pytest.mark.parametrize(("height", "width", "count"), [(131, 203, 150), (64, 256, 40), (9, 7, 3)])
def test_layers_come_back(height: int, width: int, count: int) -> None:
    rng = np.random.default_rng(count)
    layers = some_layers(rng, count, height, width)
    base = np.cumsum(rng.integers(-3, 4, (3, -(-height // 32), -(-width // 32))), 2).astype(
        np.int32
    )
    outlines = some_outlines(rng, 6, height, width, STEPS)
    geometry = Geometry(height, width, 3)
    ground = syntax.Ground(geometry, STEPS, 1, base.copy(), layers.copy(), outlines)
    before = [table.copy() for table in (outlines.fills, outlines.rings, outlines.nodes)]
    written = syntax.write(priors.untrained(), ground, None)
    data = entropy.finish(written.coder.state)
    start = syntax.head(180, 2, 0, ground, pure=True)
    found = read_with(priors.untrained(), geometry, start + data)
    np.testing.assert_array_equal(found.base, base)
    np.testing.assert_array_equal(found.layers, layers)
    tables = (found.outlines.fills, found.outlines.rings, found.outlines.nodes)
    for mine, theirs in zip(before, tables, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    # Nothing of what was given has changed, and every ring has a price.
    np.testing.assert_array_equal(before[1], outlines.rings)
    assert (written.outlined > 0).all()


def read_with(tables: entropy.Tables, geometry: Geometry, data: bytes) -> syntax.Ground:
    """Read a file with tables of one's own."""
    patch = pytest.MonkeyPatch()
    patch.setattr(syntax, "initial_tables", lambda: tables)
    try:
        return syntax.read(geometry, [data], complete=True, pure=True).ground
    finally:
        patch.undo()


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("loud", [0, 9], ids=["quiet", "loud"])
def test_array_path_draws_the_same(scale: int, loud: int) -> None:
    rng = np.random.default_rng(5)
    layers = some_layers(rng, 60, 70, 90)
    outlines = some_outlines(rng, 8, 70, 90, STEPS)
    layers[:, layout.BUCKET] -= loud  # sums that do not fit into 32 bits
    one, other = np.zeros((2, 3, 70 * scale, 90 * scale), np.int32)
    windows.draw(layers, STEPS, scale, one)
    coverage.draw(np, outlines, one, scale)
    assert np.any(one)
    xp = ArrayPath()
    rows = windows.prepared(layers, STEPS, scale)
    assert len({windows.is_narrow(p) for p in rows}) == 1 + (loud > 0)
    windows.draw_arrays(xp, rows, other, scale)
    coverage.draw(xp, outlines, other, scale)
    np.testing.assert_array_equal(one, other)


def test_cover_is_the_area_inside() -> None:
    """A square of corners covers what it covers; turned the other way round it is a hole."""
    nodes = np.array([[8, 8, 1], [8, 40, 1], [44, 40, 1], [44, 8, 1]], np.int32)
    for turned in (False, True):
        way = nodes[::-1] if turned else nodes
        fills = np.zeros((1, FILL_FIELDS), np.int32)
        fills[0, RINGS] = 1
        ring = np.array([[way[0, 0], way[0, 1], 0, 4, -1]], np.int32)
        square = Outlines(fills, ring, (way - [way[0, 0], way[0, 1], 0]).astype(np.int32))
        part, top, left = coverage.coverage(square, 0, (4, 4), 1)
        assert (top, left) == (0, 0)
        cover = np.zeros((4, 4))
        cover[: part.shape[0], : part.shape[1]] = part / (1 << coverage.FULL_LOG)
        rows, columns = np.array([0.5, 1, 0.75, 0]), np.array([0.5, 1, 0.5, 0])
        exact = rows[:, None] * columns[None, :]
        np.testing.assert_array_equal(cover, -exact if turned else exact)


def test_rings_may_go_and_repeats_inherit() -> None:
    rng = np.random.default_rng(8)
    outlines = some_outlines(rng, 6, 60, 60, STEPS)
    keep = rng.random(len(outlines.rings)) < 0.6
    fewer = outlines.subset(keep)
    assert len(fewer.rings) == keep.sum()
    for old, new in zip(np.nonzero(keep)[0], range(len(fewer.rings)), strict=True):
        np.testing.assert_array_equal(outlines.nodes_of(int(old)), fewer.nodes_of(new))
        np.testing.assert_array_equal(outlines.rings[old, :2], fewer.rings[new, :2])
    assert not len(outlines.subset(np.zeros(len(keep), np.bool_)).fills)


def test_float_twin_follows_the_integers() -> None:
    layers = some_layers(np.random.default_rng(6), 80, 96, 96)
    for index in range(len(layers)):
        exact = np.zeros((3, 96, 96), np.int32)
        windows.draw(layers[index : index + 1], STEPS, 1, exact)
        twin = np.zeros((3, 96, 96), np.float32)
        comp = layers[index, layout.COMP]
        matching.add((twin,), layers[index], STEPS[comp] / STEPS, 1.0, *matching.scratch()[3:])
        twin *= (STEPS / 1024.0)[:, None, None].astype(np.float32)
        peak = max(np.abs(exact).max(), 64)
        assert np.abs(exact - twin).max() <= 0.03 * peak + 8
