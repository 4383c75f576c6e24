"""Levels of turned leaves to what they say of the cosines, before they are dequantized."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from ..format.contexts import TURN_GROUP
from ..format.stream import TileSet
from ..format.syntax import CELL_LOG, COMP, GRADE, LOG, REACH, START, TURN
from ..format.turns import EXTENT, MIXED, PLACES, SCALE_BITS, matrices

LIMIT = 1 << 24
"""More than any turn of levels that an encoder writes; times a step it is below ``2**52``."""


@compiled
def mixed_back(own, start, place, table, sums):  # type: ignore[no-untyped-def]
    """Fill `sums` with what the levels from `start` on say of the places that a turn mixes."""
    count = place[0]
    for i in range(count):
        sums[i] = 0
    for k in range(count):
        level = np.int64(own[start + place[1 + k]])
        if level:
            row = table[k]
            for i in range(count):
                sums[i] += level * row[i]
    for i in range(count):
        sums[i] = min(max(sums[i], -LIMIT), LIMIT)


@compiled
def _turn_back(leaves, levels, turns, places, extent, out, sums):  # type: ignore[no-untyped-def]
    """Fill `out`, zeros, and widen the reaches; `sums` is (MIXED,) int64 scratch.

    What no leaf with detail holds is not touched, and so takes no memory.
    """
    for n in range(len(leaves)):
        leaf = leaves[n]
        if not leaf[GRADE]:
            continue
        log, start = np.int64(leaf[LOG]), np.int64(leaf[START])
        own, target, place = levels[leaf[COMP]], out[leaf[COMP]], places[log]
        for i in range(start, start + (1 << 2 * log)):
            target[i] = np.int64(own[i]) << SCALE_BITS
        if not leaf[TURN]:
            continue
        mixed_back(own, start, place, turns[TURN_GROUP[log - CELL_LOG], leaf[TURN] - 1], sums)
        for i in range(place[0]):
            target[start + place[1 + i]] = sums[i]
        leaf[REACH] = max(np.int64(leaf[REACH]), extent[log])


def turned_back(tiles: TileSet) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Turn the levels of leaves back.

    Returns
    -------
    levels : (C, size) int32
        With `turns.SCALE_BITS` fractional bits, at most ``2**24`` in magnitude.
    leaves : (n, FIELDS) int32
        Their reaches with it; the same array where no leaf is turned.
    """
    levels = np.zeros(tiles.levels.shape, np.int32)
    turned = bool(tiles.leaves[:, TURN].any())
    leaves = tiles.leaves.copy() if turned else tiles.leaves
    sums = np.zeros(MIXED, np.int64)
    _turn_back(leaves, tiles.levels, matrices(), PLACES, EXTENT, levels, sums)
    return levels, leaves
