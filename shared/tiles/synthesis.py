"""Tiles to samples: dequantize, inverse transform. Integers, any array module."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from ..backend import is_numpy
from .cosine import BASES, inverse_arrays, inverse_into
from .partition import mean_of
from .stream import TileSet, padded
from .syntax import CELL_LOG, COMP, FRACTION_BITS, GRADE, LEFT, LOG, MEAN, REACH, STEP_BITS, START, TOP

_SHIFT = STEP_BITS - FRACTION_BITS
_LIMIT = 1 << 24


@numba.njit(cache=True)
def _render(leaves, known, levels, steps, bases, out):  # type: ignore[no-untyped-def]
    block = np.zeros(64 * 64, np.int64)
    work = np.zeros((64, 64), np.int64)
    for i in range(len(leaves)):
        leaf = leaves[i]
        comp, log = np.int64(leaf[COMP]), np.int64(leaf[LOG])
        top, left, reach = leaf[TOP], leaf[LEFT], np.int64(leaf[REACH])
        side = np.int64(1) << log
        step = steps[comp]
        plane = out[comp]
        if leaf[GRADE] == 0 or not known[i]:
            plane[top : top + side, left : left + side] = mean_of(leaf[MEAN], log, step)
            continue
        row = levels[comp]
        start = np.int64(leaf[START])
        for u in range(min(reach, side - 1) + 1):
            for v in range(min(reach - u, side - 1) + 1):
                level = np.int64(row[start + u * side + v])
                value = (level * step + (1 << (_SHIFT - 1))) >> _SHIFT
                block[u * side + v] = min(max(value, -_LIMIT), _LIMIT)
        value = (np.int64(leaf[MEAN]) * step + (1 << (_SHIFT - 1))) >> _SHIFT
        block[0] = min(max(value, -_LIMIT), _LIMIT)
        inverse_into(block, log, reach, bases, plane, top, left, work)


def render(tiles: TileSet, known: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Render tiles to padded components (C, H', W') int32 with `FRACTION_BITS`, compiled."""
    geometry = tiles.geometry
    shape = (geometry.channels, padded(geometry.height), padded(geometry.width))
    out = np.zeros(shape, np.int32)
    _render(tiles.leaves, known, tiles.levels, tiles.steps, BASES, out)
    return out


__all__ = ["render", "is_numpy", "inverse_arrays", "CELL_LOG", "Any"]
