"""Rings to the tables of the format: fills by contrast, in each the rings by place. Encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...format.outlines import (
    COARSE,
    FILL_FIELDS,
    LEFT,
    MOST_COARSE,
    NODES,
    RING_FIELDS,
    RINGS,
    SOURCE,
    START,
    TOP,
    VALUE,
    WAVE,
    WAVES,
    Outlines,
)
from ...format.point_sets import path_keys
from ...format.rings import UNIT_LOG
from .tracing import Tracing, grid_at


def gather(traced: Tracing) -> tuple[Outlines, list[int]]:
    """Put rings into the tables of the format: fills by contrast, in each the rings by place.

    Returns
    -------
    outlines : Outlines
    numbers : list of int
        Which of the rings each of them is.
    """
    picture = traced.residual.shape[1:]
    by_value: dict[tuple[Any, ...], list[int]] = {}
    for number, ring in enumerate(traced.rings):
        if ring.kept:
            alone = number if ring.waves else -1
            key = (tuple(ring.value.tolist()), ring.waves, alone)
            by_value.setdefault(key, []).append(number)
    order = sorted(by_value, key=lambda key: (-max(abs(v) for v in key[0]), key))
    fills = np.zeros((len(order), FILL_FIELDS), np.int32)
    rows: list[npt.NDArray[np.int32]] = []
    nodes, numbers, at = [], [], 0
    known: dict[bytes, int] = {}
    for k, key in enumerate(order):
        value, waves, _ = key
        mine = [_started(traced.rings[i].nodes(), picture) for i in by_value[key]]
        places = np.array([n[0, :2] for n in mine], np.int32)
        keys = np.zeros(len(mine), np.int64)
        path_keys(places, np.full(len(mine), UNIT_LOG), *picture, keys)
        fills[k, VALUE : VALUE + len(value)] = value
        fills[k, RINGS], fills[k, WAVES] = len(mine), len(waves)
        grid = grid_at(np.array(value), traced.steps)
        every = np.bitwise_or.reduce(np.concatenate(mine)[:, :2].ravel() >> grid)
        # Outlines on whole pixels need no finer grid.
        while fills[k, COARSE] < MOST_COARSE and not every >> int(fills[k, COARSE]) & 1:
            fills[k, COARSE] += 1
        flat = [number for wave in waves for number in wave]
        fills[k, WAVE : WAVE + len(flat)] = flat
        for i in np.argsort(keys, kind="stable").tolist():
            row = np.zeros(RING_FIELDS, np.int32)
            row[TOP], row[LEFT] = places[i]
            shape = mine[i] - np.append(mine[i][0, :2], 0)
            form = shape.tobytes() + (mine[i][0, :2] & 15).tobytes()
            source = known.get(form, -1)
            row[SOURCE] = source
            if source < 0:
                known[form] = len(rows)
                row[START], row[NODES] = at, len(shape)
                nodes.append(shape)
                at += len(shape)
            rows.append(row)
            numbers.append(by_value[key][i])
    if not rows:
        return Outlines.none(), []
    table = np.concatenate(nodes).astype(np.int32)
    return Outlines(fills, np.stack(rows), table), numbers


def _started(nodes: npt.NDArray[np.int64], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Turn a ring so that its first node lies in the picture."""
    inside = (nodes[:, :2] >= 0).all(axis=1) & (nodes[:, :2] < 16 * np.array(shape)).all(axis=1)
    return np.roll(nodes, -int(inside.argmax()), axis=0)
