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
WAYS = TURNS + 1
"""All turns, and none."""
HOPED = 6.0
"""Bits by which a turn may look dearer than none, and is tried."""
_GROWTH = np.float32(1.9)
"""Bits that a level costs more than a level 1, about, by the square root of its magnitude."""
_SIGN_AND_MORE = 1.7
_TURNED, _USUAL_SHAPE = 2, 1
_LEAST = np.float32(0.3)
"""Smaller coefficients, in steps, are left out where turns are compared."""
LEAST_BITS = 14
"""Tiles that cost less, as they are, are not turned: a turn and a level are about as dear."""


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


@cache
def beside() -> FloatArray:
    """Lay all turns, and none, beside each other: (TURN_GROUPS, MIXED, MIXED * WAYS) float32."""
    out = np.zeros((TURN_GROUPS, MIXED, MIXED, WAYS), np.float32)
    out[..., :TURNS] = forward().transpose(0, 2, 3, 1)
    out[..., TURNS] = np.eye(MIXED)
    return out.reshape(TURN_GROUPS, MIXED, -1)


def level_bits(prices: Prices, log: int) -> FloatArray:
    """Bits that a level 1 costs more than a 0, about, at the places that are mixed."""
    classes = DIAGONAL_CLASS[places(log).sum(1)]
    table = prices.significance[_TURNED, log - CELL_LOG, classes, _USUAL_SHAPE]
    out: FloatArray = np.maximum(table[:, 1] - table[:, 0], 0.0) + np.float32(_SIGN_AND_MORE)
    return out


@compiled
def likely_turns(ratio, place, table, bits, stated, lmbda, found, values, totals):  # type: ignore[no-untyped-def]
    """Find the turns that promise most for a tile.

    A coefficient costs its square, or about the bits of saying it, whichever is less.

    Parameters
    ----------
    ratio : (side * side,) float32
        Coefficients in steps.
    place : (1 + MIXED,) int64
        Row of `PLACES`.
    table : (MIXED, MIXED * WAYS) float32
        Of `beside`: all turns, and none, at once.
    bits : (n,) float32
        See `level_bits`.
    stated : (WAYS,) float32
        Bits of saying each turn; for none what is hoped for.
    lmbda : float
    found : (TRIED,) int64
        Filled with turns, the best one first; 0 where none promises anything.
    values : (MIXED * WAYS,) float32
    totals : (WAYS,) float32
        Scratch.
    """
    count = place[0]
    for j in range(count * WAYS):
        values[j] = 0.0
    for k in range(count):
        c = ratio[place[1 + k]]
        if abs(c) >= _LEAST:
            row = table[k]
            for j in range(count * WAYS):
                values[j] += c * row[j]
    lmbda = np.float32(lmbda)
    for way in range(WAYS):
        totals[way] = lmbda * stated[way]
    growth = lmbda * _GROWTH
    for i in range(count):
        said = lmbda * bits[i] - growth
        mine = values[i * WAYS : (i + 1) * WAYS]
        for way in range(WAYS):
            size = abs(mine[way])
            square = size * size
            cost = said + growth * np.sqrt(max(size, np.float32(1.0)))
            totals[way] += square if square < cost else cost
    for n in range(len(found)):
        best = TURNS
        for turn in range(TURNS):
            if totals[turn] < totals[best]:
                best = turn
        found[n] = best + 1 if best < TURNS else 0
        totals[best] = np.float32(np.inf) if best < TURNS else totals[best]


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
