"""What the neighbourhood says about a level: templates, other tiles, means (compiled)."""

from __future__ import annotations

from ...compiled import compiled
from .contexts import (
    DIAGONAL_CLASS,
    DIAGONALS,
    EIGHT,
    MORE_AT,
    SIG_AT,
    TEMPLATE_CLASS,
    TEMPLATES,
)
from .syntax import CELL_LOG, LEFT, LOG, TOP, int64


@compiled
def cap(value, limit):  # type: ignore[no-untyped-def]
    """Magnitude, at most `limit`."""
    return min(abs(int64(value)), limit)


@compiled
def higher_sum(levels, at, u, v, side, limit):  # type: ignore[no-untyped-def]
    """Sum of the magnitudes, each at most `limit`, of the five neighbours of higher frequency."""
    total = int64(0)
    if u + 1 < side:
        total += cap(levels[at + side], limit)
        if v + 1 < side:
            total += cap(levels[at + side + 1], limit)
        if u + 2 < side:
            total += cap(levels[at + 2 * side], limit)
    if v + 1 < side:
        total += cap(levels[at + 1], limit)
        if v + 2 < side:
            total += cap(levels[at + 2], limit)
    return total


@compiled
def template(levels, at, u, v, side):  # type: ignore[no-untyped-def]
    """Class of the five neighbours of higher frequency, and their capped sum."""
    total = higher_sum(levels, at, u, v, side, 3)
    return TEMPLATE_CLASS[total], total


@compiled
def more_template(levels, at, u, v, side):  # type: ignore[no-untyped-def]
    """Class of the sum of the five neighbours' magnitudes."""
    return EIGHT[higher_sum(levels, at, u, v, side, 15)]


@compiled
def sig_context(manner, k, diagonal, shape):  # type: ignore[no-untyped-def]
    """First context of significance: also what the encoder's prices go by.

    `manner` is 2 of a turned leaf, else its role.
    """
    return SIG_AT[0] + ((manner * 5 + k) * DIAGONALS + DIAGONAL_CLASS[diagonal]) * TEMPLATES + shape


@compiled
def more_context(manner, i, shape, diagonal):  # type: ignore[no-untyped-def]
    """First context of "is the magnitude larger than i": also what prices go by."""
    place = 0 if diagonal == 1 else (1 if diagonal < 5 else 2)
    return MORE_AT[0] + ((manner * 6 + min(i, 6) - 1) * 8 + shape) * 3 + place


@compiled
def magnitude(flat, base, shift, log, u, v):  # type: ignore[no-untyped-def]
    """Magnitude at the frequency (u, v) of this tile in a tile `shift` times larger.

    `base` is the other tile's place in the flat levels, `log` the logarithm of its side.
    """
    if shift <= 0:
        uu, vv = u >> -shift, v >> -shift
        return abs(int64(flat[base + (uu << log) + vv])) if uu + vv else int64(0)
    at = base + (u << (shift + log)) + (v << shift)
    value = max(abs(int64(flat[at])), abs(int64(flat[at + 1])))
    return max(value, abs(int64(flat[at + (int64(1) << log)])))


@compiled
def sign_of(value):  # type: ignore[no-untyped-def]
    """Sign as -1, 0 or 1."""
    return 1 if value > 0 else (-1 if value < 0 else 0)


@compiled
def _mean_at(means, owner, cy, cx, own):  # type: ignore[no-untyped-def]
    """Mean of a cell, or `own` outside the picture."""
    return int64(means[cy + 1, cx + 1]) if owner[cy + 1, cx + 1] >= 0 else own


@compiled
def expect_low(means, owner, leaf, step, out):  # type: ignore[no-untyped-def]
    """Guess the lowest levels of a leaf from the means around it.

    Parameters
    ----------
    means, owner : (rows + 2, columns + 2) int32
    leaf : (FIELDS,) int32
    step : int
    out : (6,) int64
        Filled for (0, 1), (1, 0), (1, 1), (0, 2), (2, 0) at 1 .. 5 with eighths of a level.
    """
    log = int64(leaf[LOG])
    cy, cx = int64(leaf[TOP]) >> CELL_LOG, int64(leaf[LEFT]) >> CELL_LOG
    span = int64(1) << (log - CELL_LOG)
    own = int64(means[cy + 1, cx + 1])
    west = int64(0)
    east = int64(0)
    north = int64(0)
    south = int64(0)
    for i in range(span):
        west += _mean_at(means, owner, cy + i, cx - 1, own)
        east += _mean_at(means, owner, cy + i, cx + span, own)
        north += _mean_at(means, owner, cy - 1, cx + i, own)
        south += _mean_at(means, owner, cy + span, cx + i, own)
    shift = log - CELL_LOG
    west, east, north, south = west >> shift, east >> shift, north >> shift, south >> shift
    twist = _mean_at(means, owner, cy - 1, cx - 1, own) + _mean_at(
        means, owner, cy + span, cx + span, own
    )
    twist -= _mean_at(means, owner, cy - 1, cx + span, own) + _mean_at(
        means, owner, cy + span, cx - 1, own
    )
    # Ratios for a linear and a quadratic surface through means one side apart, times 256;
    # eighths of a level; FRACTION_BITS of the means against STEP_BITS of the step.
    scale = int64(1) << (log + 10 + 3 - 8)
    out[1] = (west - east) * 37 * scale // step
    out[2] = (north - south) * 37 * scale // step
    out[3] = twist * 5 * scale // step
    out[4] = (west + east - 2 * own) * 9 * scale // step
    out[5] = (north + south - 2 * own) * 9 * scale // step


@compiled
def guess_class(value):  # type: ignore[no-untyped-def]
    """Class 0 .. 4 of the magnitude of a guess in eighths of a level."""
    size = abs(value)
    return 0 if size < 2 else (1 if size < 4 else (2 if size < 8 else (3 if size < 16 else 4)))
