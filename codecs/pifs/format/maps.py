"""The part of the syntax that tiles do not have: which leaf maps which domain, how strongly.

One source for writing, reading and pricing (compiled by Numba). Between the two stages of the
tiles come the maps of all leaves that may have one, in coding order. A place is said in one of
two ways: as one close by (adaptive: straight edges resemble themselves, so the domains that hold
their own leaf are the usual ones), or as any.
"""

from __future__ import annotations

from ....shared.compiled import compiled
from ....shared.entropy import CONTEXT, ENDED, SHIFTS, bits_of, code_bit, decide, starts
from ....shared.tiles.format import contexts as tile_contexts
from ....shared.tiles.format.syntax import (
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
    int64,
)

MAX_SCALE = 8
"""Largest scale, in quarters."""
SCALE_BITS = 2
_REACH_PIXELS = 512
_SMALL_REACH = 16
NEAR = 4
"""Along each axis a near domain is -4 .. 3 leaf sides away; -1 and 0 hold the leaf."""

_FLAG_SIZES = (2 * 5 * 4, 2 * 3 * 3 * 3 * 5, 2 * 5 * 9)
_NEAR_SIZES = (2 * 5, 2 * 3 * 3)
_FOLD_SIZES = (2 * 5 * 2 * 3, 5 * 2 * 5 * 3)
_SIDE_SIZES = (2 * 5 * 2, 2 * 3 * 4)
_SCALE_SIZES = (2 * 5 * 8, 2 * 4 * 8, 3 * 8)
_SIGN_SIZES = (2 * 5, 2 * 4, 3 * 3)
FLAG_AT = starts(tile_contexts.CONTEXTS, _FLAG_SIZES)
NEAR_AT = starts(FLAG_AT[-1], _NEAR_SIZES)
FOLD_AT = starts(NEAR_AT[-1], _FOLD_SIZES)
SIDE_AT = starts(FOLD_AT[-1], _SIDE_SIZES)
SCALE_AT = starts(SIDE_AT[-1], _SCALE_SIZES)
SIGN_AT = starts(SCALE_AT[-1], _SIGN_SIZES)
CONTEXTS = SIGN_AT[-1]

_FLAG_ROW = tile_contexts.WEIGHTS
_FLAG_ROW2 = _FLAG_ROW + 2 * 3
_SCALE_ROW = _FLAG_ROW2 + 5 * 3
_SCALE_ROW2 = _SCALE_ROW + 2 * 3
_SIGN_ROW = _SCALE_ROW2 + 5 * 3
_SIGN_ROW2 = _SIGN_ROW + 2 * 3
_NEAR_ROW = _SIGN_ROW2 + 5 * 3
_NEAR_ROW2 = _NEAR_ROW + 2 * 2
_FOLD_ROW = _NEAR_ROW2 + 5 * 2
_FOLD_ROW2 = _FOLD_ROW + 2 * 2
_SIDE_ROW = _FOLD_ROW2 + 5 * 2
_SIDE_ROW2 = _SIDE_ROW + 2 * 2
WEIGHTS = _SIDE_ROW2 + 5 * 2
WEIGHT_INPUTS = ((_FLAG_ROW, _NEAR_ROW, 3), (_NEAR_ROW, WEIGHTS, 2))


@compiled
def window(place, count, reach):  # type: ignore[no-untyped-def]
    """First and one past the last domain along one axis.

    Parameters
    ----------
    place : int
        Of the leaf, in units of its side.
    count : int
        Domains along the axis, at least 1.
    reach : int
        Domains that lie at most this far away count.
    """
    return max(0, min(place, count) - reach), min(count, place + reach + 1)


@compiled
def far(log):  # type: ignore[no-untyped-def]
    """Leaf sides that a domain's corner may lie away from its leaf's corner."""
    return _REACH_PIXELS >> log if log > CELL_LOG else _SMALL_REACH


@compiled
def domains(length, log):  # type: ignore[no-untyped-def]
    """Domains along one axis of `length` pixels, wholly inside it, on the grid of the leaf."""
    return max((int64(length) >> log) - 1, 0)


@compiled
def code_even(m, value, count):  # type: ignore[no-untyped-def]
    """Code an integer that is 0 .. `count` - 1 with equal chances."""
    low = int64(0)
    high = int64(count)
    while high - low > 1:
        middle = (low + high) >> 1
        p = min(max(((high - middle) << 16) // (high - low), 1), 65535)
        if m[ENDED]:
            return low
        if code_bit(m, MAPS, 1 if value >= middle else 0, p):
            low = middle
        else:
            high = middle
    return low


@compiled
def fold(away):  # type: ignore[no-untyped-def]
    """Distance of a domain's middle from its leaf's: 0 for -1 and 0, 1 for -2 and 1, .."""
    return away if away >= 0 else -1 - away


@compiled
def _code_near(m, away, role, k, axis, other):  # type: ignore[no-untyped-def]
    """Code -4 .. 3; `other` is what the first axis said, 1 + folded and 1 or 2 for the side."""
    size = fold(away)
    value = int64(0)
    while value < NEAR - 1:
        m[CONTEXT] = FOLD_AT[0] + ((role * 5 + k) * 2 + axis) * 3 + value
        m[CONTEXT + 1] = FOLD_AT[1] + ((other[0] * 2 + role) * 5 + k) * 3 + value
        row, row2 = _FOLD_ROW + axis * 2, _FOLD_ROW2 + k * 2
        if not decide(m, MAPS, 1 if size > value else 0, 2, row, row2)[0]:
            break
        value += 1
    m[CONTEXT] = SIDE_AT[0] + (role * 5 + k) * 2 + axis
    m[CONTEXT + 1] = SIDE_AT[1] + (axis * 3 + other[1]) * 4 + value
    row, row2 = _SIDE_ROW + axis * 2, _SIDE_ROW2 + k * 2
    before = decide(m, MAPS, 1 if away < 0 else 0, 2, row, row2)[0]
    return -1 - value if before else value


@compiled
def _code_scale(m, truth, role, k, grade, kind):  # type: ignore[no-untyped-def]
    """Code a scale in quarters that is not 0; `kind` tells how the place was said."""
    size = int64(1)
    while size < MAX_SCALE:
        m[CONTEXT] = SCALE_AT[0] + (role * 5 + k) * 8 + size
        m[CONTEXT + 1] = SCALE_AT[1] + (role * 4 + grade) * 8 + size
        m[CONTEXT + 2] = SCALE_AT[2] + kind * 8 + size
        row, row2 = _SCALE_ROW + role * 3, _SCALE_ROW2 + k * 3
        if not decide(m, MAPS, 1 if abs(truth) > size else 0, 3, row, row2)[0]:
            break
        size += 1
    m[CONTEXT] = SIGN_AT[0] + role * 5 + k
    m[CONTEXT + 1] = SIGN_AT[1] + role * 4 + grade
    m[CONTEXT + 2] = SIGN_AT[2] + kind * 3 + min(size >> 1, 2)
    row, row2 = _SIGN_ROW + role * 3, _SIGN_ROW2 + k * 3
    negative = decide(m, MAPS, 1 if truth < 0 else 0, 3, row, row2)[0]
    return -size if negative else size


@compiled
def _code_place(m, y, x, place, size, log, role, k, a, b):  # type: ignore[no-untyped-def]
    """Code a domain's place in leaf sides; return it and how it was said.

    Parameters
    ----------
    m : State
    y, x : int
        The domain.
    place, size : (int, int)
        The leaf, and how many domains there are.
    log, role, k : int
    a, b : int
        0 unknown, 1 without, 2 with a map: left, above.

    Returns
    -------
    y, x, kind : int, int, int
        0 far, 1 near, 2 near and holding the leaf.
    """
    dy, dx = int64(y) - place[0], int64(x) - place[1]
    inside = 1 if fold(dy) < NEAR and fold(dx) < NEAR else 0
    m[CONTEXT] = NEAR_AT[0] + role * 5 + k
    m[CONTEXT + 1] = NEAR_AT[1] + (role * 3 + a) * 3 + b
    if decide(m, MAPS, inside, 2, _NEAR_ROW + role * 2, _NEAR_ROW2 + k * 2)[0]:
        dy = _code_near(m, dy, role, k, 0, (int64(0), int64(0)))
        other = 1 + fold(dy), int64(1) if dy < 0 else int64(2)
        dx = _code_near(m, dx, role, k, 1, other)
        kind = int64(2) if fold(dy) + fold(dx) == 0 else int64(1)
        # Only the first and last leaves can say a place that does not exist.
        y = min(max(place[0] + dy, 0), size[0] - 1)
        x = min(max(place[1] + dx, 0), size[1] - 1)
        return y, x, kind
    low_y, high_y = window(place[0], size[0], far(log))
    low_x, high_x = window(place[1], size[1], far(log))
    y = low_y + code_even(m, y - low_y, high_y - low_y)
    x = low_x + code_even(m, x - low_x, high_x - low_x)
    return y, x, int64(0)


@compiled
def _around(leaves, index, owner, height, width):  # type: ignore[no-untyped-def]
    """Leaves to the left, above, and of the component before at the same place, or -1."""
    leaf = leaves[index]
    comp, log = int64(leaf[COMP]), int64(leaf[LOG])
    cy, cx = int64(leaf[TOP]) >> CELL_LOG, int64(leaf[LEFT]) >> CELL_LOG
    half = (int64(1) << (log - CELL_LOG)) >> 1
    my = min(cy + half, ((int64(height) + 3) >> CELL_LOG) - 1)
    mx = min(cx + half, ((int64(width) + 3) >> CELL_LOG) - 1)
    before = int64(owner[comp - 1, my + 1, mx + 1]) if comp == 1 or comp == 2 else int64(-1)
    return int64(owner[comp, cy + 1, cx]), int64(owner[comp, cy, cx + 1]), before


@compiled
def _state(leaves, index):  # type: ignore[no-untyped-def]
    """0 no leaf, 1 without, 2 with a map."""
    return 1 + int64(leaves[index, MAPPED]) if index >= 0 else int64(0)


@compiled
def code_maps(m, height, width, leaves, maps, owner, smallest, marks, spent):  # type: ignore[no-untyped-def]
    """Code the maps of all leaves.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
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
    for index in range(len(leaves)):
        leaf = leaves[index]
        comp, log = int64(leaf[COMP]), int64(leaf[LOG])
        leaf[MAPPED] = 0
        rows, columns = domains(height, log), domains(width, log)
        truth = int64(maps[index, 0])
        maps[index, 0] = 0
        marks[index] = m[SHIFTS]
        if log < smallest[comp] or rows == 0 or columns == 0:
            continue
        before = bits_of(m, MAPS)
        role = 1 if comp in (1, 2) else 0
        k = log - CELL_LOG
        west, north, before_it = _around(leaves, index, owner, height, width)
        a, b, c = _state(leaves, west), _state(leaves, north), int64(0)
        if role:
            c = _state(leaves, before_it)
        grade = min(int64(leaf[GRADE]), 3)
        reach = bit_length(int64(leaf[REACH])) if leaf[GRADE] else int64(0)
        m[CONTEXT] = FLAG_AT[0] + (role * 5 + k) * 4 + grade
        m[CONTEXT + 1] = FLAG_AT[1] + (((role * 3 + a) * 3 + b) * 3 + c) * 5 + k
        m[CONTEXT + 2] = FLAG_AT[2] + (role * 5 + k) * 9 + reach
        if not decide(m, MAPS, 1 if truth else 0, 3, _FLAG_ROW + role * 3, _FLAG_ROW2 + k * 3)[0]:
            spent[index] = bits_of(m, MAPS) - before
            marks[index] = m[SHIFTS]
            continue
        place = int64(leaf[TOP]) >> log, int64(leaf[LEFT]) >> log
        y, x = int64(maps[index, 1]) >> log, int64(maps[index, 2]) >> log
        y, x, kind = _code_place(m, y, x, place, (rows, columns), log, role, k, a, b)
        scale = _code_scale(m, truth, role, k, grade, kind)
        if m[ENDED]:
            # Whether all of it was there is unknown: the map is not used.
            return index
        leaf[MAPPED] = 1
        maps[index, 0] = scale
        maps[index, 1], maps[index, 2] = y << log, x << log
        spent[index] = bits_of(m, MAPS) - before
        marks[index] = m[SHIFTS]
    return len(leaves)
