"""Places as sets: how many points lie in each half of a rectangle, down to single grid cells.

A set of n points in G cells costs about ``n (log2(G / n) + 1.44)`` bits this way, ``log2 n!``
less than n places one after the other: the order within a group of layers is free. Where
earlier layers are dense, later ones are likely; that is what the contexts say.

References
----------
O. Devillers, P.-M. Gandoin, "Geometric compression for interactive transmission", IEEE
Visualization 2000, doi:10.1109/VISUAL.2000.885711.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled
from ....shared.entropy import CONTEXT, DECODING, decide
from ....shared.tiles.format.syntax import int64
from .binarization import code_between
from .contexts import (
    FIRST_AT,
    LENGTHS,
    PLACES,
    R_EIGHTH,
    R_SIDE,
    R_SPLIT,
    ROW,
    ROW_STRIDE,
    SECOND_AT,
    SHARED_ROW,
)
from .layout import BUCKET, COMP, LEFT, SCALE, TOP, grid_log

RINGS_ROLE = 2
"""Role of the places of rings, beside 0 and 1 of windows."""
_FEW = 8
_MARGIN = 8
_CELL_LOG = 4


@compiled
def cells(length, grid):  # type: ignore[no-untyped-def]
    """Grid cells along a side of `length` pixels."""
    return ((int64(length) << 4) + (int64(1) << grid) - 1) >> grid


@compiled
def _mass(density, y0, x0, y1, x1):  # type: ignore[no-untyped-def]
    """Layers so far in a rectangle of pixels."""
    total = int64(0)
    for y in range(max(y0 >> _CELL_LOG, 0), min(((y1 - 1) >> _CELL_LOG) + 1, density.shape[0])):
        for x in range(max(x0 >> _CELL_LOG, 0), min(((x1 - 1) >> _CELL_LOG) + 1, density.shape[1])):
            total += density[y, x]
    return total


@compiled
def _lean(low, high):  # type: ignore[no-untyped-def]
    """Compare the masses of two halves: 0 nearly all in the second .. 6 in the first."""
    a, b = 2 * low + 1, 2 * high + 1
    if a == b:
        return int64(3)
    if a > b:
        return int64(6) if a >= 4 * b else (int64(5) if a >= 2 * b else int64(4))
    return int64(0) if b >= 4 * a else (int64(1) if b >= 2 * a else int64(2))


@compiled
def _run_bit(m, symbol, bit, first, second, i):  # type: ignore[no-untyped-def]
    length = LENGTHS[symbol]
    m[CONTEXT] = FIRST_AT[symbol] + first * length + i
    m[CONTEXT + 1] = SECOND_AT[symbol] + second * length + i
    row = ROW + ROW_STRIDE * symbol + 2 * min(i, 3)
    return decide(m, PLACES, bit, 2, row, SHARED_ROW + 2 * symbol)[0]


@compiled
def _code_part(m, value, count, lean, level, role):  # type: ignore[no-untyped-def]
    """Code how many of `count` points lie in the first half."""
    other = 1 if role == RINGS_ROLE else 0
    if count == 1:
        first = (other * 7 + lean) * 16 + level
        return int64(_run_bit(m, R_SIDE, value, first, lean * 3 + role, 0))
    if count <= _FEW:
        size = int64(0)
        while size < count:
            more = 1 if value > size else 0
            first = (other * 9 + count) * 7 + lean
            if not _run_bit(m, R_SPLIT, more, first, count * 3 + role, min(size, 7)):
                break
            size += 1
        return size
    low, high = int64(0), int64(count + 1)
    node = int64(0)
    for _ in range(3):
        middle = (low + high) >> 1
        bit = _run_bit(m, R_EIGHTH, 1 if value >= middle else 0, other * 7 + lean, role, node)
        node = 2 * node + 1 + bit
        if bit:
            low = middle
        else:
            high = middle
    return code_between(m, PLACES, value, low, high)


@compiled
def code_places(m, places, count, grid, height, width, role, density, stack):  # type: ignore[no-untyped-def]
    """Code the places of a group of layers, or of the rings of a fill.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    places : (n, 2) int32
        Top and left, read in the order of `path_keys`, or filled.
    count : int
    grid : int
        Binary logarithm of the grid in sixteenths of a pixel.
    height, width : int
        Pixels.
    role : int
        1 for windows of chroma, `RINGS_ROLE` for rings.
    density : (rows, columns) int32
        Layers so far by cell of 16 pixels.
    stack : (64, 6) int64
        Scratch: the first 40 rows.
    """
    decoding = m[DECODING]
    stack[0, 0], stack[0, 1] = 0, 0
    stack[0, 2], stack[0, 3] = cells(height, grid), cells(width, grid)
    stack[0, 4] = count
    depth = int64(1)
    at = int64(0)
    while depth:
        depth -= 1
        y0, x0, y1, x1 = stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3]
        n = stack[depth, 4]
        if n == 0:
            continue
        tall = y1 - y0 >= x1 - x0
        if y1 - y0 == 1 and x1 - x0 == 1:
            for _ in range(n):
                places[at, 0], places[at, 1] = y0 << grid, x0 << grid
                at += 1
            continue
        # In pixels, as the map of density has them.
        top, left = (y0 << grid) >> 4, (x0 << grid) >> 4
        bottom, right = max((y1 << grid) >> 4, top + 1), max((x1 << grid) >> 4, left + 1)
        if tall:
            middle = (y0 + y1) >> 1
            cut = (middle << grid) >> 4
            low = _mass(density, top - _MARGIN, left, max(cut, top - _MARGIN + 1), right)
            high = _mass(density, cut, left, bottom + _MARGIN, right)
        else:
            middle = (x0 + x1) >> 1
            cut = (middle << grid) >> 4
            low = _mass(density, top, left - _MARGIN, bottom, max(cut, left - _MARGIN + 1))
            high = _mass(density, top, cut, bottom, right + _MARGIN)
        inside = int64(0)
        if not decoding:
            axis = 0 if tall else 1
            while inside < n and places[at + inside, axis] >> grid < middle:
                inside += 1
        level = int64(0)
        span = (y1 - y0) * (x1 - x0)
        while span > 1 and level < 15:
            span >>= 1
            level += 1
        part = _code_part(m, inside, n, _lean(low, high), level, role)
        if tall:
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = middle, x0, y1
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = y0, x0, middle
            stack[depth, 3], stack[depth + 1, 3] = x1, x1
        else:
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = y0, middle, y1
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = y0, x0, y1
            stack[depth, 3], stack[depth + 1, 3] = x1, middle
        stack[depth, 4], stack[depth + 1, 4] = n - part, part
        depth += 2


@compiled
def path_keys(places, grids, height, width, keys):  # type: ignore[no-untyped-def]
    """Path of each place (n, 2) through the halves of its grid, as a number."""
    for i in range(len(places)):
        grid = int64(grids[i])
        y, x = int64(places[i, 0]) >> grid, int64(places[i, 1]) >> grid
        y0, x0, y1, x1 = int64(0), int64(0), cells(height, grid), cells(width, grid)
        key, bit_at = int64(0), int64(61)
        while y1 - y0 > 1 or x1 - x0 > 1:
            if y1 - y0 >= x1 - x0:
                middle = (y0 + y1) >> 1
                bit = 1 if y >= middle else 0
                y0, y1 = (middle, y1) if bit else (y0, middle)
            else:
                middle = (x0 + x1) >> 1
                bit = 1 if x >= middle else 0
                x0, x1 = (middle, x1) if bit else (x0, middle)
            key |= int64(bit) << bit_at
            bit_at -= 1
        keys[i] = key


@compiled
def _grids(layers, grids):  # type: ignore[no-untyped-def]
    for i in range(len(layers)):
        grids[i] = grid_log(int64(layers[i, BUCKET]), int64(layers[i, SCALE]))


def arrange(layers: npt.NDArray[np.int32], height: int, width: int) -> npt.NDArray[np.intp]:
    """Order in which layers are coded: bucket, component, scale, then place.

    Returns
    -------
    (n,) int
        Rows of `layers`.
    """
    keys, grids = np.zeros((2, len(layers)), np.int64)
    _grids(layers, grids)
    path_keys(layers[:, TOP : LEFT + 1], grids, height, width, keys)
    return np.lexsort((keys, layers[:, SCALE], layers[:, COMP], layers[:, BUCKET]))
