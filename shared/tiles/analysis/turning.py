"""The encoder's side of turns: the way forward, and which turns are worth trying (compiled)."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from ..format.contexts import DIAGONAL_CLASS, TURN_GROUP, TURN_GROUPS, TURNS
from ..format.syntax import CELL_LOG, COMP, LOG, START, TURN
from ..format.turns import MIXED, PLACES, SCALE_BITS, matrices, places
from .prices import Prices

FloatArray = npt.NDArray[np.float32]
TRIED = 2
"""Turns of a tile whose levels are chosen to see what they are worth."""
_SIZE_BITS = np.array([1.3 * np.log2(max(k, 1)) for k in range(64)], np.float32)
"""Bits that a level of this magnitude costs more than a level 1, about."""
_SIGN_AND_MORE = 1.7
_USUAL_SHAPE = 1


@cache
def forward() -> FloatArray:
    """All turns, (TURN_GROUPS, TURNS, MIXED, MIXED) float32: coefficients by levels.

    The inverse of what the decoder does, whose rounded matrices are not quite orthonormal.
    """
    out = np.zeros((TURN_GROUPS, TURNS, MIXED, MIXED), np.float32)
    for group in range(TURN_GROUPS):
        count = len(places(group + CELL_LOG))
        back = matrices()[group, :, :count, :count] / float(1 << SCALE_BITS)
        out[group, :, :count, :count] = np.linalg.inv(back)
    return out


def level_bits(prices: Prices, role: int, log: int) -> FloatArray:
    """Bits that a level 1 costs more than a 0, about, at the places that are mixed."""
    classes = DIAGONAL_CLASS[places(log).sum(1)]
    table = prices.significance[role, log - CELL_LOG, classes, _USUAL_SHAPE]
    out: FloatArray = np.maximum(table[:, 1] - table[:, 0], 0.0) + np.float32(_SIGN_AND_MORE)
    return out


@compiled
def _about(values, count, bits, lmbda, sizes):  # type: ignore[no-untyped-def]
    """Cost of coefficients, about: each is said or lost, whichever is less."""
    total = np.float32(0.0)
    for i in range(count):
        c = abs(values[i])
        total += min(c * c, lmbda * (bits[i] + sizes[min(int(c), 63)]))
    return total


@compiled
def likely_turns(ratio, place, table, bits, stated, lmbda, sizes, found, turned, costs):  # type: ignore[no-untyped-def]
    """Find the turns that promise most for a tile.

    Parameters
    ----------
    ratio : (side * side,) float32
        Coefficients in steps.
    place : (1 + MIXED,) int64
        Row of `PLACES`.
    table : (TURNS, MIXED, MIXED) float32
        Of `forward`.
    bits : (n,) float32
        See `level_bits`.
    stated : (TURNS,) float32
        Bits of saying each turn rather than none.
    lmbda : float
    sizes : (64,) float32
    found : (TRIED,) int64
        Filled with turns, the best one first; 0 where none promises anything.
    turned : (MIXED,) float32
    costs : (TRIED,) float32
        Scratch.
    """
    count = place[0]
    for i in range(count):
        turned[i] = ratio[place[1 + i]]
    plain = _about(turned, count, bits, lmbda, sizes)
    for i in range(len(found)):
        found[i], costs[i] = 0, plain
    for turn in range(len(table)):
        turn_into(ratio, place, table[turn], turned)
        cost = _about(turned, count, bits, lmbda, sizes) + lmbda * stated[turn]
        for i in range(len(found)):
            if cost < costs[i]:
                for j in range(len(found) - 1, i, -1):
                    found[j], costs[j] = found[j - 1], costs[j - 1]
                found[i], costs[i] = turn + 1, cost
                break


@compiled
def turn_into(ratio, place, table, turned):  # type: ignore[no-untyped-def]
    """Turn the coefficients of a tile, `ratio`, into (MIXED,) `turned`."""
    count = place[0]
    for i in range(count):
        turned[i] = 0.0
    for k in range(count):
        c = ratio[place[1 + k]]
        row = table[k]
        for i in range(count):
            turned[i] += c * row[i]


def turn_ratios(
    leaves: npt.NDArray[np.int32], ratios: FloatArray, chosen: npt.NDArray[np.intp] | None = None
) -> None:
    """Turn the coefficients of leaves (of all, or those `chosen`) as they say, in place.

    Parameters
    ----------
    leaves : (n, FIELDS) int32
    ratios : (C, size) float32
        Coefficients in steps, at the places of the levels.
    chosen : (m,) int, optional
    """
    mine = leaves if chosen is None else leaves[chosen]
    mine = mine[mine[:, TURN] > 0]
    for log in np.unique(mine[:, LOG]).tolist():
        count = int(PLACES[log, 0])
        rows = mine[mine[:, LOG] == log]
        table = forward()[TURN_GROUP[log - CELL_LOG], :, :count, :count]
        at = rows[:, START, None].astype(np.int64) + PLACES[log, 1 : 1 + count]
        comp = rows[:, COMP, None]
        turned = np.matmul(ratios[comp, at][:, None], table[rows[:, TURN] - 1])
        ratios[comp, at] = turned[:, 0]


def sizes() -> FloatArray:
    """Return the table that `likely_turns` asks for."""
    return _SIZE_BITS
