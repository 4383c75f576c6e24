"""Layers of all kinds, drawn by lot."""

from __future__ import annotations

import numpy as np
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.format.point_sets import arrange
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps

STEPS = component_steps(180, NEUTRAL_CHROMA, 3)
"""Of the three components, for drawing."""


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
