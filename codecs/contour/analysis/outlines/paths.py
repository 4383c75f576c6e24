"""Parts of rings: what they cost, and what changing them does to what is left of the picture.

Encoder. A change of some nodes is exact: the pieces of curve that go are taken from an accumulation
buffer, those that come are added to it, and the difference of coverage meets the residual there.
So the work does not grow with the ring, and thousands of nodes are no matter.
"""

from __future__ import annotations

import numpy as np

from .....shared.compiled import compiled
from .....shared.tiles.format.syntax import bit_length
from ...format.outlines import REACH_LOG
from ...format.rings import around
from ...synthesis.coverage import add_piece

# Columns of the table of a ring's nodes while it is fitted.
Y, X, CORNER, BEFORE, AFTER, CHANGED = range(6)
LINK_FIELDS = 6
MOST_PATH = 8
_FULL = 1.0 / (1 << 17)


@compiled
def vector_bits(py, px, dy, dx, start, end, prices):  # type: ignore[no-untyped-def]
    """Bits of a step between nodes, grid units, after the step (py, px) or, if 0, any.

    Parameters
    ----------
    start, end : int
        Whether the nodes it joins are corners.
    prices : tuple
        See `prices.node_prices`.
    """
    lengths, rests, turns, corners = prices
    n = max(abs(dy), abs(dx))
    if n == 0:
        return 1e6
    before = max(abs(py), abs(px))
    log = bit_length(n) - 1
    if log > REACH_LOG:
        return 1e6
    bits = lengths[min(bit_length(before), 12), min(log, 12)] + rests[min(log, 12)]
    bits += corners[start, end]
    if before == 0:
        return bits + 3.0 + log
    turn = (around(dy, dx) - around(py, px) * n // before) % (8 * n)
    sector = turn * 8 // n
    inside = ((sector + 1) * n + 7) // 8 - (sector * n + 7) // 8
    bits += turns[start, min(log, 11), sector]
    if inside > 1:
        bits += np.log2(float(inside))
    return bits


@compiled
def path_bits(path, count, grid, prices):  # type: ignore[no-untyped-def]
    """Bits of the steps along `path` (n, 3) of (y, x, corner) from its second node on."""
    total = 0.0
    py, px = np.int64(0), np.int64(0)
    for i in range(1, count):
        dy = (path[i, 0] - path[i - 1, 0]) >> grid
        dx = (path[i, 1] - path[i - 1, 1]) >> grid
        bits = vector_bits(py, px, dy, dx, path[i - 1, 2], path[i, 2], prices)
        if i > 1:
            total += bits
        elif dy == 0 and dx == 0:
            return 1e6
        py, px = dy, dx
    return total


@compiled
def _add_path(path, count, sign, acc, top, left):  # type: ignore[no-untyped-def]
    for i in range(1, count - 1):
        y, x = path[i, 0] * 16, path[i, 1] * 16
        ya, xa = (path[i - 1, 0] * 16 + y) >> 1, (path[i - 1, 1] * 16 + x) >> 1
        yb, xb = (path[i + 1, 0] * 16 + y) >> 1, (path[i + 1, 1] * 16 + x) >> 1
        if sign > 0:
            add_piece(ya, xa, y, x, yb, xb, path[i, 2], acc, top, left)
        else:
            add_piece(yb, xb, y, x, ya, xa, path[i, 2], acc, top, left)


@compiled
def _box(old, n_old, new, n_new, height, width, box):  # type: ignore[no-untyped-def]
    y0, x0, y1, x1 = old[0, 0], old[0, 1], old[0, 0], old[0, 1]
    for i in range(n_old):
        y0, y1 = min(y0, old[i, 0]), max(y1, old[i, 0])
        x0, x1 = min(x0, old[i, 1]), max(x1, old[i, 1])
    for i in range(n_new):
        y0, y1 = min(y0, new[i, 0]), max(y1, new[i, 0])
        x0, x1 = min(x0, new[i, 1]), max(x1, new[i, 1])
    box[0], box[1] = max(y0 >> 4, 0), max(x0 >> 4, 0)
    box[2], box[3] = min((y1 >> 4) + 1, height), min((x1 >> 4) + 1, width)


@compiled
def change(residual, value, old, n_old, new, n_new, acc, box):  # type: ignore[no-untyped-def]
    """Squared error that is gained or lost if the new path takes the old one's place.

    Parameters
    ----------
    residual : (C, H, W) float32
        In steps.
    value : (C,) float64
        What the ring's inside adds, in steps.
    old, new : (n, 3) int64
        First and last nodes alike.
    acc : (H, W + 1) int32
        Scratch, left with the differences of coverage in the box.
    box : (4,) int64
        Filled.
    """
    comps, height, width = residual.shape
    _box(old, n_old, new, n_new, height, width, box)
    top, left, rows, columns = box[0], box[1], box[2] - box[0], box[3] - box[1]
    if rows <= 0 or columns <= 0:
        box[2], box[3] = box[0], box[1]
        return 0.0
    part = acc[:rows, : columns + 1]
    for y in range(rows):
        for x in range(columns + 1):
            part[y, x] = 0
    _add_path(old, n_old, -1, part, top, left)
    _add_path(new, n_new, 1, part, top, left)
    norm = 0.0
    for comp in range(comps):
        norm += value[comp] * value[comp]
    total = 0.0
    for y in range(rows):
        run = np.int64(0)
        for x in range(columns):
            run += part[y, x]
            if run == 0:
                continue
            d = run * _FULL
            product = 0.0
            for comp in range(comps):
                product += value[comp] * residual[comp, top + y, left + x]
            total += d * (d * norm - 2.0 * product)
    return total


@compiled
def apply(residual, value, acc, box):  # type: ignore[no-untyped-def]
    """Take the change that `change` looked at last from the residual."""
    for y in range(box[2] - box[0]):
        run = np.int64(0)
        for x in range(box[3] - box[1]):
            run += acc[y, x]
            if run == 0:
                continue
            d = run * _FULL
            for comp in range(residual.shape[0]):
                residual[comp, box[0] + y, box[1] + x] -= value[comp] * d


@compiled
def cover(links, start, count, acc, box):  # type: ignore[no-untyped-def]
    """Fill a buffer and its box with a whole ring's differences of coverage."""
    y0, x0, y1, x1 = links[start, Y], links[start, X], links[start, Y], links[start, X]
    node = start
    for _ in range(count):
        y0, y1 = min(y0, links[node, Y]), max(y1, links[node, Y])
        x0, x1 = min(x0, links[node, X]), max(x1, links[node, X])
        node = links[node, AFTER]
    height, width = acc.shape[0], acc.shape[1] - 1
    box[0], box[1] = max(y0 >> 4, 0), max(x0 >> 4, 0)
    box[2] = max(min((y1 >> 4) + 1, height), box[0])
    box[3] = max(min((x1 >> 4) + 1, width), box[1])
    part = acc[: box[2] - box[0], : box[3] - box[1] + 1]
    for y in range(part.shape[0]):
        for x in range(part.shape[1]):
            part[y, x] = 0
    for _ in range(count):
        before, after = links[node, BEFORE], links[node, AFTER]
        y, x = links[node, Y] * 16, links[node, X] * 16
        add_piece(
            (links[before, Y] * 16 + y) >> 1, (links[before, X] * 16 + x) >> 1, y, x,
            (links[after, Y] * 16 + y) >> 1, (links[after, X] * 16 + x) >> 1,
            links[node, CORNER], part, box[0], box[1],
        )  # fmt: skip
        node = after


@compiled
def take(residual, value, links, start, count, room):  # type: ignore[no-untyped-def]
    """Take a whole ring from the residual."""
    acc, box = room[3], room[4]
    cover(links, start, count, acc, box)
    apply(residual, value, acc, box)


@compiled
def projected(residual, links, start, count, room, products):  # type: ignore[no-untyped-def]
    """Products of a residual's components with a ring's coverage; return the coverage's norm.

    Parameters
    ----------
    products : (C,) float64
        Filled.
    """
    acc, box = room[3], room[4]
    cover(links, start, count, acc, box)
    norm = 0.0
    products[:] = 0.0
    for y in range(box[2] - box[0]):
        run = np.int64(0)
        for x in range(box[3] - box[1]):
            run += acc[y, x]
            if run == 0:
                continue
            d = run * _FULL
            norm += d * d
            for comp in range(residual.shape[0]):
                products[comp] += d * residual[comp, box[0] + y, box[1] + x]
    return norm


@compiled
def ring_bits(links, start, count, grid, prices):  # type: ignore[no-untyped-def]
    """Bits of all steps around a ring, about."""
    total = 0.0
    node = start
    py, px = np.int64(0), np.int64(0)
    for _ in range(count - 1):
        after = links[node, AFTER]
        dy, dx = (
            (links[after, Y] - links[node, Y]) >> grid,
            (links[after, X] - links[node, X]) >> grid,
        )
        total += vector_bits(py, px, dy, dx, links[node, CORNER], links[after, CORNER], prices)
        py, px = dy, dx
        node = after
    return total
