"""Tiles to samples: dequantize, inverse transform, deblock. Integers, any array module."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...backend import is_numpy
from ...compiled import compiled
from ..format.means import mean_of
from ..format.stream import TileSet, padded
from ..format.syntax import (
    COMP,
    FRACTION_BITS,
    GRADE,
    LEFT,
    LOG,
    MEAN,
    REACH,
    START,
    STEP_BITS,
    TOP,
)
from ..format.turns import SCALE_BITS
from .dct import BASES, inverse_arrays, inverse_into
from .turning import turned_back

SHIFT = STEP_BITS - FRACTION_BITS + SCALE_BITS
"""Bits by which a turned-back level times a step is finer than a coefficient."""
LIMIT = 1 << 22
Known = npt.NDArray[np.bool_]


@compiled
def _render(leaves, known, levels, steps, bases, out, block, work):  # type: ignore[no-untyped-def]
    for i in range(len(leaves)):
        leaf = leaves[i]
        comp, log = np.int64(leaf[COMP]), np.int64(leaf[LOG])
        top, left, reach = leaf[TOP], leaf[LEFT], np.int64(leaf[REACH])
        side = np.int64(1) << log
        step = steps[comp]
        plane = out[comp]
        if leaf[GRADE] == 0 or not known[i]:
            value = mean_of(leaf[MEAN], log, step)
            for y in range(top, top + side):
                for x in range(left, left + side):
                    plane[y, x] = value
            continue
        row = levels[comp]
        start = np.int64(leaf[START])
        for u in range(min(reach, side - 1) + 1):
            for v in range(min(reach - u, side - 1) + 1):
                level = np.int64(row[start + u * side + v])
                value = (level * step + (1 << (SHIFT - 1))) >> SHIFT
                block[u * side + v] = min(max(value, -LIMIT), LIMIT)
        value = (np.int64(leaf[MEAN]) * (step << SCALE_BITS) + (1 << (SHIFT - 1))) >> SHIFT
        block[0] = min(max(value, -LIMIT), LIMIT)
        inverse_into(block, log, reach, bases, plane, top, left, work)


def _render_arrays(xp: Any, tiles: TileSet, known: Known, out: Any) -> None:
    """Do what `_render` does with array operations, a size and component at a time."""
    turned, _ = turned_back(tiles)
    for comp in range(len(out)):
        levels, step = xp.asarray(turned[comp]), int(tiles.steps[comp])
        for log in range(2, 7):
            side = 1 << log
            chosen = (tiles.leaves[:, COMP] == comp) & (tiles.leaves[:, LOG] == log)
            if not chosen.any():
                continue
            leaves = xp.asarray(tiles.leaves[chosen]).astype(xp.int64)
            detailed = xp.asarray(known[chosen]) & (leaves[:, GRADE] > 0)
            at = leaves[:, START, None] + xp.arange(side * side)[None, :]
            blocks = levels[at].astype(xp.int64)
            blocks[:, 0] = leaves[:, MEAN] << SCALE_BITS
            blocks = (blocks * step + (1 << (SHIFT - 1))) >> SHIFT
            blocks = xp.clip(blocks, -LIMIT, LIMIT).reshape(-1, side, side)
            samples = inverse_arrays(xp, blocks, log)
            flat = (leaves[:, MEAN] * step + (1 << (log + 9))) >> (log + 10)
            flat = xp.clip(flat, -(1 << 20), 1 << 20).astype(xp.int32)
            samples = xp.where(detailed[:, None, None], samples, flat[:, None, None])
            y = leaves[:, TOP, None, None] + xp.arange(side)[None, :, None]
            x = leaves[:, LEFT, None, None] + xp.arange(side)[None, None, :]
            out[comp, y, x] = samples


def render(xp: Any, tiles: TileSet, known: Known) -> Any:
    """Render tiles without deblocking.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    tiles : TileSet
    known : (n,) bool
        Leaves whose levels are known; the others show their mean.

    Returns
    -------
    (C, H', W') int32
        Components padded to whole superblocks, `FRACTION_BITS`.
    """
    geometry = tiles.geometry
    shape = (geometry.channels, padded(geometry.height), padded(geometry.width))
    out = xp.zeros(shape, xp.int32)
    if is_numpy(xp):
        levels, leaves = turned_back(tiles)
        _render(
            leaves,
            known,
            levels,
            tiles.steps,
            BASES,
            out,
            np.zeros(64 * 64, np.int64),
            np.zeros((64, 64), np.int64),
        )
    else:
        _render_arrays(xp, tiles, known, out)
    return out


__all__ = ["render"]
