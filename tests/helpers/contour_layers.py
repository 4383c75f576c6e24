"""Windows and outlines, drawn by lot."""

from __future__ import annotations

import numpy as np
from fractour.codecs.contour.format import layout, outlines
from fractour.codecs.contour.format.outlines import Outlines
from fractour.codecs.contour.format.point_sets import arrange, path_keys
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps

STEPS = component_steps(180, NEUTRAL_CHROMA, 3)
"""Of the three components, for drawing."""


def some_layers(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Windows, as precise as the format allows."""
    out = np.zeros((count, layout.FIELDS), np.int32)
    for row in out:
        bucket, scale = int(rng.integers(10, 26)), int(rng.integers(0, 11))
        row[layout.BUCKET], row[layout.SCALE] = bucket, scale
        row[layout.COMP] = rng.choice(3, p=[0.8, 0.1, 0.1])
        grid = layout.grid_log(bucket, scale)
        row[layout.TOP] = rng.integers(0, (height * 16 - 1 >> grid) + 1) << grid
        row[layout.LEFT] = rng.integers(0, (width * 16 - 1 >> grid) + 1) << grid
        row[layout.ASPECT] = rng.integers(0, 10)
        wavy = bool(rng.integers(0, 2))
        row[layout.FREQUENCY] = rng.integers(1, 8) if wavy else 0
        bits = layout.angle_log(bucket, scale, int(row[layout.ASPECT]), wavy)
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
    return out[arrange(out, height, width)]


def some_outlines(
    rng: np.random.Generator, fills: int, height: int, width: int, steps: np.ndarray
) -> Outlines:
    """Outlines with everything that the format has, most of them far from round."""
    comps = len(steps)
    table = np.zeros((fills, outlines.FILL_FIELDS), np.int32)
    rings, nodes, phases = [], [], []
    for fill in table:
        fill[outlines.COARSE], fill[outlines.SOFT] = rng.integers(0, 4, 2)
        values = rng.integers(-255, 256, comps) * rng.integers(0, 2, comps)
        fill[outlines.VALUE : outlines.VALUE + comps] = values
        fill[outlines.WAVES] = rng.choice([0, 0, 1, 3, outlines.MOST_WAVES])
        for i in range(fill[outlines.WAVES]):
            at = outlines.WAVE + outlines.WAVE_FIELDS * i
            wave = rng.integers([0, 0, -7, 0, 0], [comps, 8, 8, 16, 512])
            fill[at : at + outlines.WAVE_FIELDS] = wave
        grid = int(outlines.node_grid(fill, steps, comps))
        count = int(rng.integers(1, 9))
        places = (rng.integers(0, [height, width], (count, 2)) << 4).astype(np.int32)
        keys = np.zeros(count, np.int64)
        path_keys(places, np.full(count, 4), height, width, keys)
        for top, left in places[np.argsort(keys, kind="stable")]:
            row = np.zeros(outlines.RING_FIELDS, np.int32)
            originals = [i for i, ring in enumerate(rings) if ring[outlines.SOURCE] < 0]
            if originals and rng.random() < 0.4:
                source = int(rng.choice(originals))
                row[outlines.SOURCE], phase = source, phases[source]
            else:
                row[outlines.SOURCE] = -1
                phase = (rng.integers(0, 16, 2) >> grid << grid).astype(np.int32)
                number = int(rng.integers(3, 12))
                row[outlines.START] = sum(map(len, nodes))
                row[outlines.NODES] = number
                way = np.zeros((number, outlines.NODE_FIELDS), np.int32)
                far = 16 * int(rng.choice([4, 40, 200]))
                way[1:, :2] = rng.integers(-far, far + 1, (number - 1, 2)) >> grid << grid
                for i in range(1, number):
                    if (way[i, :2] == way[i - 1, :2]).all():
                        way[i, 0] += 1 << grid
                way[:, 2] = rng.integers(0, 2, number)
                nodes.append(way)
            row[outlines.TOP], row[outlines.LEFT] = top + phase[0], left + phase[1]
            rings.append(row)
            phases.append(phase)
        fill[outlines.RINGS] = count
    return Outlines(table, np.stack(rings), np.concatenate(nodes))
