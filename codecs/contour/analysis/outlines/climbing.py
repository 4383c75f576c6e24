"""Steps from one outline to the next, for strokes, contours and cut windows, and the way uphill.

Encoder.
"""

from __future__ import annotations

import numpy as np

from .....shared.compiled import compiled
from ...format.layout import (
    ANGLE,
    ANGLES,
    ASPECT,
    ASPECTS,
    BUCKET,
    CONTOUR,
    COUNT,
    CUT,
    CUTS,
    KIND,
    LEFT,
    MOST_NODES,
    NODE,
    SCALE,
    SCALES,
    SOFTNESS,
    STROKE,
    TAPER,
    TOP,
    grid_log,
    radius_of,
)
from ..windows.matching import copy, move
from .masks import appraise, settle

_BENT = 7
_WIDEST = 7
_CUT_MOVES = 8
_OUTLINE_MOVES = 12
_PATH_MOVES = 18


@compiled
def _shove(layer, which):  # type: ignore[no-untyped-def]
    """Move the start or centre by one cell of the grid."""
    grid = 1 << max(grid_log(np.int64(layer[BUCKET]), np.int64(layer[SCALE])), 3)
    layer[TOP if which < 2 else LEFT] += grid if which & 1 else -grid


@compiled
def _walk(layer, sign, cosine):  # type: ignore[no-untyped-def]
    """Move a stroke's start along its first step."""
    length = radius_of(8 + 2 * np.int64(layer[SOFTNESS])) * sign
    phi = np.int64(layer[ANGLE]) * 16
    layer[TOP] += (length * np.int64(cosine[(phi - 256) & 1023])) >> 14
    layer[LEFT] += (length * np.int64(cosine[phi & 1023])) >> 14


@compiled
def _step_path(layer, which, cosine):  # type: ignore[no-untyped-def]
    count = np.int64(layer[COUNT])
    sign = 1 if which & 1 else -1
    if which < 4:
        _shove(layer, which)
    elif which < 6:
        layer[ANGLE] = (layer[ANGLE] + sign) % ANGLES
    elif which < 8:
        layer[SCALE] += sign
    elif which < 10:
        layer[SOFTNESS] += sign
    elif which < 12:
        layer[COUNT] += sign
        if sign > 0 and count < MOST_NODES:
            layer[NODE + count] = 0
    elif which == 12:
        # The first step goes.
        if count < 2:
            return False
        _walk(layer, 1, cosine)
        layer[ANGLE] = (layer[ANGLE] + 2 * layer[NODE + 1]) % ANGLES
        for i in range(1, count - 1):
            layer[NODE + i] = layer[NODE + i + 1]
        layer[COUNT] -= 1
    elif which == 13:
        # A step before the first.
        if count >= MOST_NODES:
            return False
        _walk(layer, -1, cosine)
        for i in range(count, 1, -1):
            layer[NODE + i] = layer[NODE + i - 1]
        layer[NODE + 1] = 0
        layer[COUNT] += 1
    elif which < 16:
        layer[TAPER] += sign
    elif which < 18:
        # The first step turns, the others go on as they did.
        if count < 2:
            return False
        layer[ANGLE] = (layer[ANGLE] + 2 * sign) % ANGLES
        layer[NODE + 1] -= sign
    else:
        node = 1 + (which - _PATH_MOVES) // 4
        layer[NODE + node] += sign
        if which & 2:
            if node + 1 >= count:
                return False
            layer[NODE + node + 1] -= sign
    for i in range(1, min(layer[COUNT], MOST_NODES)):
        if abs(layer[NODE + i]) > _BENT:
            return False
    return (
        0 <= layer[SCALE] <= _WIDEST
        and 0 <= layer[SOFTNESS] < 8
        and 1 <= layer[COUNT] <= MOST_NODES
        and 0 <= layer[TAPER] < 5
    )


@compiled
def _step_outline(layer, which):  # type: ignore[no-untyped-def]
    sign = 1 if which & 1 else -1
    if which < 4:
        _shove(layer, which)
    elif which < 6:
        layer[ANGLE] = (layer[ANGLE] + 4 * sign) % ANGLES
    elif which < 8:
        layer[ASPECT] += sign
    elif which < 10:
        layer[SCALE] += sign
    elif which < 12:
        layer[SOFTNESS] += sign
    else:
        node = NODE + (which - _OUTLINE_MOVES) // 2
        layer[node] += sign
        if not 0 <= layer[node] < 16:
            return False
    return 0 <= layer[ASPECT] < ASPECTS and 0 <= layer[SCALE] < SCALES and 0 <= layer[SOFTNESS] < 4


@compiled
def _step_cut(layer, which):  # type: ignore[no-untyped-def]
    if which >= _CUT_MOVES * layer[CUTS]:
        return move(layer, which - _CUT_MOVES * layer[CUTS])
    at = CUT + 4 * (which // _CUT_MOVES)
    part = which % _CUT_MOVES
    sign = 1 if part & 1 else -1
    if part < 2:
        layer[at] = (layer[at] + sign) & 15
    else:
        layer[at + (part >> 1)] += sign
    return -8 <= layer[at + 1] < 8 and 0 <= layer[at + 2] < 4 and -4 <= layer[at + 3] < 4


@compiled
def moves_of(layer):  # type: ignore[no-untyped-def]
    """How many steps there are from an outline."""
    if layer[KIND] == STROKE:
        return _PATH_MOVES + 4 * (np.int64(layer[COUNT]) - 1)
    if layer[KIND] == CONTOUR:
        return _OUTLINE_MOVES + 2 * np.int64(layer[COUNT])
    return np.int64(14 + _CUT_MOVES * layer[CUTS])


@compiled
def step(layer, which, cosine):  # type: ignore[no-untyped-def]
    """Change an outline by one step of the format; False if there is no such outline."""
    if layer[KIND] == STROKE:
        return _step_path(layer, which, cosine)
    if layer[KIND] == CONTOUR:
        return _step_outline(layer, which)
    return _step_cut(layer, which)


@compiled
def descend(pyramid, layer, rounds, lmbda, prices, room, work):  # type: ignore[no-untyped-def]
    """Move an outline uphill in worth, then round it to the format; return its worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residual without this layer.
    layer : (FIELDS,) int32
        Changed in place.
    rounds : int
        Times that all steps are tried, at most.
    room : tuple
        See `masks.masked_room`.
    work : (1,) int64
        Pixels that may still be looked at.
    """
    cosine, trial = room[3], room[7]
    top = appraise(pyramid, layer, lmbda, prices, room, work)
    for _ in range(rounds):
        before = top
        which = np.int64(0)
        while which < moves_of(layer) and work[0] > 0:
            for _ in range(8):
                copy(layer, trial)
                if not step(trial, which, cosine):
                    break
                worth = appraise(pyramid, trial, lmbda, prices, room, work)
                if worth <= top + 1e-6:
                    break
                copy(trial, layer)
                top = worth
                if which >= moves_of(layer):
                    break
            which += 1
        if top <= before + 1e-6:
            break
    return settle(pyramid, layer, lmbda, prices, room, work)
