"""The maps of format version 1, for reading: what `coding.code_maps` does since version 2."""

from __future__ import annotations

from ...shared.compiled import compiled
from ...shared.entropy import ENDED
from ...shared.tiles import contexts as tile_contexts
from ...shared.tiles.syntax import (
    CELL_LOG,
    COMP,
    GRADE,
    LEFT,
    LOG,
    MAPPED,
    MAPS,
    REACH,
    TOP,
    bit_length,
    decide,
    int64,
    starts,
)
from .coding import MAX_SCALE, code_even, domains, far, window

NEAR = 4
"""A near domain's corner is at most this many leaf sides away."""

_FLAG_SIZES = (2 * 5 * 4, 2 * 3 * 3 * 5, 2 * 5 * 9)
_NEAR_SIZES = (2 * 5, 2 * 3 * 3)
_SCALE_SIZES = (2 * 5 * 8, 2 * 4 * 8)
_SIGN_SIZES = (2 * 5, 2 * 4)
FLAG_AT = starts(tile_contexts.CONTEXTS, _FLAG_SIZES)
NEAR_AT = starts(FLAG_AT[-1], _NEAR_SIZES)
SCALE_AT = starts(NEAR_AT[-1], _SCALE_SIZES)
SIGN_AT = starts(SCALE_AT[-1], _SIGN_SIZES)
CONTEXTS = SIGN_AT[-1]

_FLAG_ROW = tile_contexts.WEIGHTS
_FLAG_ROW2 = _FLAG_ROW + 2 * 3
_NEAR_ROW = _FLAG_ROW2 + 5 * 3
_NEAR_ROW2 = _NEAR_ROW + 2 * 2
_SCALE_ROW = _NEAR_ROW2 + 5 * 2
_SCALE_ROW2 = _SCALE_ROW + 2 * 2
_SIGN_ROW = _SCALE_ROW2 + 5 * 2
_SIGN_ROW2 = _SIGN_ROW + 2 * 2
WEIGHTS = _SIGN_ROW2 + 5 * 2


@compiled
def code_maps(m, height, width, leaves, maps, owner, smallest, marks, spent):  # type: ignore[no-untyped-def]
    """Code the maps of all leaves.

    Parameters
    ----------
    m : tuple
        Coder bundle, see `shared.tiles.syntax`.
    height, width : int
        Pixels.
    leaves : (n, FIELDS) int32
        `MAPPED` is filled with 0 or 1.
    maps : (n, 3) int32
        Scale in quarters (0: no map), top and left of the domain; read or filled.
    owner : (C, rows + 2, columns + 2) int32
    smallest : (C,) int64
        Logarithm of the smallest leaf that may have a map, by component.
    marks : (n,) int64
        Filled with the coder's shifts after each leaf (writing).
    spent : (n,) float64
        Filled with the bits of each leaf's map.
    """
    rc, buf, ctx, bits = m[0], m[1], m[2], m[8]
    for index in range(len(leaves)):
        leaf = leaves[index]
        comp, log = int64(leaf[COMP]), int64(leaf[LOG])
        leaf[MAPPED] = 0
        rows, columns = domains(height, log), domains(width, log)
        truth = int64(maps[index, 0])
        maps[index, 0] = 0
        marks[index] = rc[9]
        if log < smallest[comp] or rows == 0 or columns == 0:
            continue
        before = bits[MAPS]
        role = 1 if comp in (1, 2) else 0
        k = log - CELL_LOG
        top, left = int64(leaf[TOP]), int64(leaf[LEFT])
        cy, cx = top >> CELL_LOG, left >> CELL_LOG
        west, north = owner[comp, cy + 1, cx], owner[comp, cy, cx + 1]
        a = 1 + int64(leaves[west, MAPPED]) if west >= 0 else int64(0)
        b = 1 + int64(leaves[north, MAPPED]) if north >= 0 else int64(0)
        grade = min(int64(leaf[GRADE]), 3)
        reach = bit_length(int64(leaf[REACH])) if leaf[GRADE] else int64(0)
        ctx[0] = FLAG_AT[0] + (role * 5 + k) * 4 + grade
        ctx[1] = FLAG_AT[1] + ((role * 3 + a) * 3 + b) * 5 + k
        ctx[2] = FLAG_AT[2] + (role * 5 + k) * 9 + reach
        if not decide(m, MAPS, 1 if truth else 0, 3, _FLAG_ROW + role * 3, _FLAG_ROW2 + k * 3)[0]:
            spent[index] = bits[MAPS] - before
            marks[index] = rc[9]
            continue
        place_y, place_x = top >> log, left >> log
        dy, dx = int64(maps[index, 1]) >> log, int64(maps[index, 2]) >> log
        near_y, near_x = window(place_y, rows, NEAR), window(place_x, columns, NEAR)
        inside = near_y[0] <= dy < near_y[1] and near_x[0] <= dx < near_x[1]
        ctx[0] = NEAR_AT[0] + role * 5 + k
        ctx[1] = NEAR_AT[1] + (role * 3 + a) * 3 + b
        inside = decide(m, MAPS, 1 if inside else 0, 2, _NEAR_ROW + role * 2, _NEAR_ROW2 + k * 2)[0]
        if not inside:
            near_y = window(place_y, rows, far(log))
            near_x = window(place_x, columns, far(log))
        dy = near_y[0] + code_even(rc, buf, bits, dy - near_y[0], near_y[1] - near_y[0])
        dx = near_x[0] + code_even(rc, buf, bits, dx - near_x[0], near_x[1] - near_x[0])
        size = int64(1)
        while size < MAX_SCALE:
            ctx[0] = SCALE_AT[0] + (role * 5 + k) * 8 + size
            ctx[1] = SCALE_AT[1] + (role * 4 + grade) * 8 + size
            if not decide(
                m,
                MAPS,
                1 if abs(truth) > size else 0,
                2,
                _SCALE_ROW + role * 2,
                _SCALE_ROW2 + k * 2,
            )[0]:
                break
            size += 1
        ctx[0] = SIGN_AT[0] + role * 5 + k
        ctx[1] = SIGN_AT[1] + role * 4 + grade
        negative = decide(
            m, MAPS, 1 if truth < 0 else 0, 2, _SIGN_ROW + role * 2, _SIGN_ROW2 + k * 2
        )[0]
        if rc[ENDED]:
            # Whether all of it was there is unknown: the map is not used.
            return index
        leaf[MAPPED] = 1
        maps[index, 0] = -size if negative else size
        maps[index, 1], maps[index, 2] = dy << log, dx << log
        spent[index] = bits[MAPS] - before
        marks[index] = rc[9]
    return len(leaves)
