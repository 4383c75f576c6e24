"""Contour layers: what is written is read, and both drawing paths give the same integers."""

from __future__ import annotations

import numpy as np
import pytest
from fractour.codecs.contour import curves, layout, matching, training, windows
from fractour.codecs.contour import format as syntax
from fractour.codecs.contour.contexts import KINDS
from fractour.codecs.contour.points import arrange
from fractour.shared import entropy
from fractour.shared.codec import Geometry
from fractour.shared.conformance import ArrayPath
from fractour.shared.tiles.stream import NEUTRAL_CHROMA, Coder, component_steps

STEPS = component_steps(180, NEUTRAL_CHROMA, 3)


def some_layers(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Layers of all kinds, as precise as the format allows."""
    out = np.zeros((count, layout.FIELDS), np.int32)
    for row in out:
        kind = int(rng.choice(3, p=[0.6, 0.2, 0.2]))
        bucket, scale = int(rng.integers(10, 26)), int(rng.integers(0, 11))
        row[layout.KIND], row[layout.BUCKET], row[layout.SCALE] = kind, bucket, scale
        row[layout.COMP] = rng.choice(3, p=[0.8, 0.1, 0.1])
        grid = layout.grid_log(bucket, scale)
        row[layout.TOP] = rng.integers(0, (height * 16 - 1 >> grid) + 1) << grid
        row[layout.LEFT] = rng.integers(0, (width * 16 - 1 >> grid) + 1) << grid
        row[layout.ASPECT] = rng.integers(0, 10) if kind != layout.STROKE else 0
        wavy = bool(rng.integers(0, 2))
        row[layout.FREQUENCY] = rng.integers(1, 8) if wavy else 0
        bits = layout.angle_log(
            bucket, scale, int(row[layout.ASPECT]), wavy or kind == layout.CONTOUR
        )
        bits = 6 if kind == layout.STROKE else bits
        row[layout.ANGLE] = rng.integers(0, 1 << bits) << (6 - bits) if bits else 0
        bits = layout.phase_log(bucket, scale)
        row[layout.PHASE] = rng.integers(0, 1 << bits) << (6 - bits)
        if not wavy:
            row[layout.PHASE] = 32 * rng.integers(0, 2)
        bits = layout.fine_log(bucket, scale)
        row[layout.FINE] = ((2 * rng.integers(0, 1 << bits) + 1) << (3 - bits)) >> 1
        row[layout.BLUE] = rng.integers(-8, 9) if row[layout.COMP] == 0 else 0
        row[layout.RED] = rng.integers(-8, 9) if row[layout.COMP] < 2 else 0
        row[layout.MORE] = rng.integers(0, layout.MOST_EXTRA + 1)
        for i in range(row[layout.MORE]):
            at = layout.EXTRA + 3 * i
            row[at], row[at + 2] = rng.integers(0, 16), rng.integers(0, 8)
            bits = layout.phase_log(bucket + int(row[at + 2]), scale)
            row[at + 1] = rng.integers(0, 1 << bits) << (6 - bits)
            if row[at] == 0:
                row[at + 1] = 32 * rng.integers(0, 2)
        if kind == layout.WINDOW:
            row[layout.CUTS] = rng.integers(0, layout.MOST_CUTS + 1)
            for i in range(row[layout.CUTS]):
                at = layout.CUT + 4 * i
                row[at : at + 4] = rng.integers([0, -8, 0, -4], [16, 8, 4, 4])
            continue
        count = int(rng.integers(6, 17))
        row[layout.COUNT] = count
        if kind == layout.CONTOUR:
            row[layout.NODE : layout.NODE + count] = rng.integers(0, 16, count)
            row[layout.SOFTNESS] = rng.integers(0, 4)
        else:
            row[layout.NODE + 1 : layout.NODE + count] = rng.integers(-7, 8, count - 1)
            row[layout.SOFTNESS], row[layout.TAPER] = rng.integers(0, 8), rng.integers(0, 5)
    return out[arrange(out, height, width)]


@pytest.mark.parametrize(("height", "width", "count"), [(131, 203, 150), (64, 256, 40), (9, 7, 3)])
def test_layers_come_back(height: int, width: int, count: int) -> None:
    rng = np.random.default_rng(count)
    layers = some_layers(rng, count, height, width)
    base = np.cumsum(rng.integers(-3, 4, (3, -(-height // 32), -(-width // 32))), 2).astype(
        np.int32
    )
    geometry = Geometry(height, width, 3)
    ground = syntax.Ground(geometry, STEPS, 1, base.copy(), layers.copy())
    writer = Coder(training.untrained(), capacity=200000, kinds=KINDS)
    syntax.code_ground(writer, ground, *syntax.bucket_range(layers))
    np.testing.assert_array_equal(ground.layers, layers)
    data = entropy.finish_encoder(writer.rc, writer.buf)
    reader = Coder(training.untrained(), data=data, kinds=KINDS)
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
