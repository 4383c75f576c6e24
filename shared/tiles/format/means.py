"""Means of leaves: prediction, levels, and the coding of what remains (compiled)."""

from __future__ import annotations

import numpy as np

from ...compiled import compiled
from ...entropy import CONTEXT, decide
from .contexts import (
    MEAN_MORE_AT,
    MEAN_MORE_ROW,
    MEAN_MORE_ROW2,
    MEAN_SIGN_AT,
    MEAN_SIGN_ROW,
    MEAN_SIGN_ROW2,
    MEAN_UNARY,
    MEAN_ZERO_AT,
    MEAN_ZERO_ROW,
    MEAN_ZERO_ROW2,
)
from .syntax import CELL_LOG, MEANS, bit_length, code_escape, int64


@compiled
def _edges(means, top, left, side, rows, columns):  # type: ignore[no-untyped-def]
    """Mean along the left and the top neighbours, and of the corner cell."""
    cy, cx, span = top >> CELL_LOG, left >> CELL_LOG, side >> CELL_LOG
    west = int64(0)
    north = int64(0)
    n = min(span, rows - cy)
    for i in range(n):
        west += means[cy + 1 + i, cx]
    west = (west + (n >> 1)) // n
    n = min(span, columns - cx)
    for i in range(n):
        north += means[cy, cx + 1 + i]
    north = (north + (n >> 1)) // n
    return west, north, int64(means[cy, cx])


@compiled
def predict_mean(means, top, left, side, rows, columns):  # type: ignore[no-untyped-def]
    """Predict the mean of a leaf from its left and top neighbours.

    Returns
    -------
    prediction, spread : int, int
        With `FRACTION_BITS`; how far the neighbours lie apart.
    """
    if top == 0 and left == 0:
        return int64(0), int64(0)
    west, north, corner = _edges(means, top, left, side, rows, columns)
    if top == 0:
        return west, int64(0)
    if left == 0:
        return north, int64(0)
    low, high = min(west, north), max(west, north)
    planar = min(max(west + north - corner, low), high)
    return (west + north + 2 * planar + 2) >> 2, high - low


@compiled
def level_of(mean, log, step):  # type: ignore[no-untyped-def]
    """Nearest mean level of a mean with `FRACTION_BITS`."""
    return (2 * (int64(mean) << (log + 10)) + step) // (2 * step)


@compiled
def mean_of(level, log, step):  # type: ignore[no-untyped-def]
    """Mean, `FRACTION_BITS`, that a mean level stands for."""
    value = (int64(level) * step + (int64(1) << (log + 9))) >> (log + 10)
    return min(max(value, -(1 << 20)), 1 << 20)


@compiled
def code_residue(m, residue, comp_class, log, spread, near, twin, twin2):  # type: ignore[no-untyped-def]
    """Code the difference of a mean level to its prediction.

    `near` are the residues of the left and top leaf, `twin` and `twin2` those of luma and of
    the first chroma component at the same place.
    """
    role = 1 if comp_class else 0
    k = log - CELL_LOG
    west, north = near
    size = abs(residue)
    a, b = min(abs(west), 3), min(abs(north), 3)
    c, d = min(bit_length(abs(twin)), 3), min(bit_length(abs(twin2)), 3)
    m[CONTEXT] = MEAN_ZERO_AT[0] + (role * 5 + k) * 6 + spread
    m[CONTEXT + 1] = MEAN_ZERO_AT[1] + ((role * 5 + k) * 4 + a) * 4 + b
    m[CONTEXT + 2] = MEAN_ZERO_AT[2] + ((comp_class * 5 + k) * 4 + c) * 4 + d
    if not decide(
        m,
        MEANS,
        1 if size else 0,
        3,
        MEAN_ZERO_ROW + (role * 5 + k) * 3,
        MEAN_ZERO_ROW2 + spread * 3,
    )[0]:
        return int64(0)
    value = int64(1)
    ab = min(a + b, 3)
    while value <= MEAN_UNARY:
        i = value - 1
        m[CONTEXT] = MEAN_MORE_AT[0] + (role * 14 + i) * 5 + k
        m[CONTEXT + 1] = MEAN_MORE_AT[1] + (role * 14 + i) * 6 + spread
        m[CONTEXT + 2] = MEAN_MORE_AT[2] + ((role * 14 + i) * 4 + ab) * 4 + c
        if not decide(
            m,
            MEANS,
            1 if size > value else 0,
            3,
            MEAN_MORE_ROW + role * 3,
            MEAN_MORE_ROW2 + min(i, 3) * 3,
        )[0]:
            break
        value += 1
    if value > MEAN_UNARY:
        value += code_escape(m, MEANS, size - value)
    s, t = int64(np.sign(twin)) + 1, int64(np.sign(twin2)) + 1
    u, v = int64(np.sign(west)) + 1, int64(np.sign(north)) + 1
    m[CONTEXT] = MEAN_SIGN_AT[0] + (role * 3 + s) * 5 + k
    m[CONTEXT + 1] = MEAN_SIGN_AT[1] + (comp_class * 3 + s) * 3 + t
    m[CONTEXT + 2] = MEAN_SIGN_AT[2] + (role * 3 + u) * 3 + v
    negative = decide(
        m, MEANS, 1 if residue < 0 else 0, 3, MEAN_SIGN_ROW + role * 3, MEAN_SIGN_ROW2 + k * 3
    )[0]
    return -value if negative else value
