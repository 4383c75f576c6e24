"""Contour layers: what is written is read, and both drawing paths give the same integers."""

from __future__ import annotations

import numpy as np
import pytest
from contour_layers import STEPS, some_layers
from fractour.codecs.contour import priors
from fractour.codecs.contour.analysis.windows import matching
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.format import stream as syntax
from fractour.codecs.contour.format.contexts import KINDS
from fractour.codecs.contour.synthesis import curves, windows
from fractour.shared import entropy
from fractour.shared.codec import Geometry
from fractour.shared.conformance import ArrayPath
from fractour.shared.tiles.format.stream import Coder


@pytest.mark.parametrize(("height", "width", "count"), [(131, 203, 150), (64, 256, 40), (9, 7, 3)])
def test_layers_come_back(height: int, width: int, count: int) -> None:
    rng = np.random.default_rng(count)
    layers = some_layers(rng, count, height, width)
    base = np.cumsum(rng.integers(-3, 4, (3, -(-height // 32), -(-width // 32))), 2).astype(
        np.int32
    )
    geometry = Geometry(height, width, 3)
    ground = syntax.Ground(geometry, STEPS, 1, base.copy(), layers.copy())
    writer = Coder(priors.untrained(), capacity=200000, kinds=KINDS)
    syntax.code_ground(writer, ground, *syntax.bucket_range(layers))
    np.testing.assert_array_equal(ground.layers, layers)
    data = entropy.finish_encoder(writer.rc, writer.buf)
    reader = Coder(priors.untrained(), data=data, kinds=KINDS)
    room = np.zeros((count + 7, layout.FIELDS), np.int32)
    found = syntax.Ground(geometry, STEPS, 1, np.zeros_like(base), room)
    marks = syntax.code_ground(reader, found, *syntax.bucket_range(layers))
    entropy.check_ended(reader.rc)
    assert len(marks) - 1 == count
    np.testing.assert_array_equal(found.base, base)
    np.testing.assert_array_equal(found.layers[:count], layers)


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("loud", [0, 9], ids=["quiet", "loud"])
def test_array_path_draws_the_same(scale: int, loud: int) -> None:
    layers = some_layers(np.random.default_rng(5), 60, 70, 90)
    layers[:, layout.BUCKET] -= loud  # sums that do not fit into 32 bits
    flat = np.nonzero(layers[:, layout.KIND] == layout.WINDOW)[0]
    drawn = np.nonzero(layers[:, layout.KIND] != layout.WINDOW)[0]
    one, other = np.zeros((2, 3, 70 * scale, 90 * scale), np.int32)
    windows.draw(layers, flat, STEPS, scale, one)
    curves.draw(layers, drawn, STEPS, scale, one)
    assert np.any(one)
    xp = ArrayPath()
    rows = windows.prepared(layers[flat], STEPS, scale)
    assert len({windows.is_narrow(p) for p in rows}) == 1 + (loud > 0)
    windows.draw_arrays(xp, rows, other, scale)
    rows = windows.prepared(layers[drawn], STEPS, scale)
    curves.draw_arrays(xp, layers[drawn], rows, other, scale)
    np.testing.assert_array_equal(one, other)


def test_float_twin_follows_the_integers() -> None:
    layers = some_layers(np.random.default_rng(6), 80, 96, 96)
    layers[:, layout.CUTS] = 0
    layers = layers[layers[:, layout.KIND] == layout.WINDOW]
    for index in range(len(layers)):
        exact = np.zeros((3, 96, 96), np.int32)
        windows.draw(layers, np.array([index]), STEPS, 1, exact)
        twin = np.zeros((3, 96, 96), np.float32)
        comp = layers[index, layout.COMP]
        matching.add((twin,), layers[index], STEPS[comp] / STEPS, 1.0, *matching.scratch()[3:])
        twin *= (STEPS / 1024.0)[:, None, None].astype(np.float32)
        peak = max(np.abs(exact).max(), 64)
        assert np.abs(exact - twin).max() <= 0.03 * peak + 8
