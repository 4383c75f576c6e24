"""Outlines to pixels: rings to polygons, polygons to exact coverage, coverage to samples. Integers.

Each polygon edge adds to the pixels it passes the part of them that lies right of it, with the
sign of its direction; the sum along a row is how much of each pixel its rings run around. So rings
are drawn one after the other into one plane per fill, in any order, holes and all.

References
----------
R. Levien, "Inside the fastest font renderer in the world", 2016: the accumulation buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.backend import is_numpy
from ....shared.compiled import compiled
from ..format.outlines import (
    CORNER,
    DOWN,
    LEFT,
    NODES,
    PHASES,
    RIGHT,
    RINGS,
    SOFT,
    SOURCE,
    START,
    TOP,
    VALUE,
    W_AMOUNT,
    W_COMP,
    W_DOWN,
    W_PHASE,
    W_RIGHT,
    WAVE,
    WAVE_FIELDS,
    WAVES,
    Outlines,
)
from .windows import COSINES

FULL_LOG = 17
"""Binary logarithm of the coverage of a pixel that lies inside once."""
_FLAT_LOG = 5
"""Binary logarithm of the most lines that a curved piece is drawn as."""


@compiled
def add_edge(y0, x0, y1, x1, acc, top, left):  # type: ignore[no-untyped-def]
    """Add an edge's coverage differences to an accumulation buffer.

    Parameters
    ----------
    y0, x0, y1, x1 : int
        Ends in 256ths of a pixel.
    acc : (rows, columns + 1) int32
        Differences along rows of twice the 256 * 256ths of a pixel that lie inside.
    top, left : int
        Pixel of the buffer's first corner. What lies left of it counts as at its edge, what lies
        right of it has no effect.
    """
    if y0 == y1:
        return
    sign = np.int64(-1)
    if y0 > y1:
        y0, x0, y1, x1 = y1, x1, y0, x0
        sign = np.int64(1)
    rows, columns = acc.shape[0], acc.shape[1] - 1
    y0, y1 = y0 - top * 256, y1 - top * 256
    x0, x1 = x0 - left * 256, x1 - left * 256
    right = np.int64(columns) * 256
    for row in range(max(y0 >> 8, 0), min((y1 + 255) >> 8, rows)):
        ya, yb = max(y0, row * 256), min(y1, row * 256 + 256)
        xa = x0 + (x1 - x0) * (ya - y0) // (y1 - y0)
        xb = x0 + (x1 - x0) * (yb - y0) // (y1 - y0)
        xa, xb = min(max(xa, 0), right), min(max(xb, 0), right)
        if xa > xb:
            xa, xb = xb, xa
        high = yb - ya
        column, last = xa >> 8, xb >> 8
        if column == last:
            part = high * ((xa & 255) + (xb & 255))
            acc[row, column] += sign * (512 * high - part)
            if column < columns:
                acc[row, column + 1] += sign * part
            continue
        done = np.int64(0)
        at = xa
        while at < xb:
            end = min((column + 1) * 256, xb)
            reach = high * (end - xa) // (xb - xa)
            step = reach - done
            part = step * ((at - column * 256) + (end - column * 256))
            acc[row, column] += sign * (512 * step - part)
            acc[row, column + 1] += sign * part
            done, at = reach, end
            column += 1


@compiled
def add_piece(ya, xa, y, x, yb, xb, corner, acc, top, left):  # type: ignore[no-untyped-def]
    """Add the way from (ya, xa) to (yb, xb) round the node (y, x), all in 256ths of a pixel."""
    if corner:
        add_edge(ya, xa, y, x, acc, top, left)
        add_edge(y, x, yb, xb, acc, top, left)
        return
    # Four times the distance of the curve's middle from the chord decides how many lines.
    bend = max(abs(ya - 2 * y + yb), abs(xa - 2 * x + xb))
    log = np.int64(0)
    while log < _FLAT_LOG and bend >> (6 + 2 * log):
        log += 1
    n = np.int64(1) << log
    half = (n * n) >> 1
    y0, x0 = ya, xa
    for t in range(1, n + 1):
        a, b, c = (n - t) * (n - t), 2 * t * (n - t), t * t
        y1 = (a * ya + b * y + c * yb + half) >> (2 * log)
        x1 = (a * xa + b * x + c * xb + half) >> (2 * log)
        add_edge(y0, x0, y1, x1, acc, top, left)
        y0, x0 = y1, x1


@compiled
def add_ring(nodes, first, count, y, x, scale, acc, top, left):  # type: ignore[no-untyped-def]
    """Add a ring, whose first node lies at (y, x) sixteenths of a pixel.

    Parameters
    ----------
    nodes : (n, NODE_FIELDS) int32
    first, count : int
        Rows that are the ring's.
    scale : int
        Magnification.
    acc, top, left
        See `add_edge`.
    """
    unit = 16 * scale
    end = first + count - 1
    yp, xp = (y + np.int64(nodes[end, DOWN])) * unit, (x + np.int64(nodes[end, RIGHT])) * unit
    yc, xc = (y + np.int64(nodes[first, DOWN])) * unit, (x + np.int64(nodes[first, RIGHT])) * unit
    for i in range(first, first + count):
        j = first if i == end else i + 1
        yn, xn = (y + np.int64(nodes[j, DOWN])) * unit, (x + np.int64(nodes[j, RIGHT])) * unit
        add_piece(
            (yp + yc) >> 1, (xp + xc) >> 1, yc, xc, (yc + yn) >> 1, (xc + xn) >> 1,
            nodes[i, CORNER], acc, top, left,
        )  # fmt: skip
        yp, xp, yc, xc = yc, xc, yn, xn


@compiled
def add_rings(rings, nodes, first, count, scale, acc, top, left):  # type: ignore[no-untyped-def]
    """Add rings `first` and the `count` - 1 after it to a buffer, see `add_edge`."""
    for i in range(first, first + count):
        shape = i if rings[i, SOURCE] < 0 else rings[i, SOURCE]
        start, length = np.int64(rings[shape, START]), np.int64(rings[shape, NODES])
        y, x = np.int64(rings[i, TOP]), np.int64(rings[i, LEFT])
        add_ring(nodes, start, length, y, x, scale, acc, top, left)


@compiled
def sum_rows(acc):  # type: ignore[no-untyped-def]
    """Turn differences into coverage, in place."""
    for y in range(acc.shape[0]):
        total = np.int64(0)
        for x in range(acc.shape[1]):
            total += acc[y, x]
            acc[y, x] = total


@compiled
def soften(cover, passes):  # type: ignore[no-untyped-def]
    """Blur with [1 2 1] / 4 along both axes, `passes` times, the border repeated; in place."""
    rows, columns = cover.shape
    for _ in range(passes):
        for y in range(rows):
            before = np.int64(cover[y, 0])
            for x in range(columns):
                here = np.int64(cover[y, x])
                after = np.int64(cover[y, min(x + 1, columns - 1)])
                cover[y, x] = (before + 2 * here + after + 2) >> 2
                before = here
        for x in range(columns):
            before = np.int64(cover[0, x])
            for y in range(rows):
                here = np.int64(cover[y, x])
                after = np.int64(cover[min(y + 1, rows - 1), x])
                cover[y, x] = (before + 2 * here + after + 2) >> 2
                before = here


@compiled
def box_of(rings, nodes, first, count, box):  # type: ignore[no-untyped-def]
    """Fill the box (top, left, bottom, right) of all nodes of rings, sixteenths of a pixel."""
    for i in range(first, first + count):
        shape = i if rings[i, SOURCE] < 0 else rings[i, SOURCE]
        for j in range(rings[shape, START], rings[shape, START] + rings[shape, NODES]):
            y, x = rings[i, TOP] + nodes[j, DOWN], rings[i, LEFT] + nodes[j, RIGHT]
            if i == first and j == rings[shape, START]:
                box[0], box[1], box[2], box[3] = y, x, y, x
            box[0], box[1] = min(box[0], y), min(box[1], x)
            box[2], box[3] = max(box[2], y), max(box[3], x)


@compiled
def _paint(cover, value, plane):  # type: ignore[no-untyped-def]
    half = np.int64(1) << (FULL_LOG - 1)
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            here = np.int64(cover[y, x])
            if here:
                plane[y, x] += (here * value + half) >> FULL_LOG


@compiled
def _paint_waves(cover, value, fill, comp, down, right, cosine, plane):  # type: ignore[no-untyped-def]
    half = np.int64(1) << (FULL_LOG - 1)
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            here = np.int64(cover[y, x])
            if here == 0:
                continue
            total = value
            for i in range(fill[WAVES]):
                at = WAVE + WAVE_FIELDS * i
                if fill[at + W_COMP] == comp:
                    turn = down[i, y] + right[i, x]
                    total += (np.int64(fill[at + W_AMOUNT]) * np.int64(cosine[turn & 1023])) >> 8
            plane[y, x] += (here * total + half) >> FULL_LOG


def box_at(outlines: Outlines, fill: int) -> npt.NDArray[np.int64]:
    """Top, left, bottom, right of the nodes of a fill's rings, sixteenths of a pixel, (4,)."""
    box = np.zeros(4, np.int64)
    first, count = int(outlines.fills[:fill, RINGS].sum()), int(outlines.fills[fill, RINGS])
    box_of(outlines.rings, outlines.nodes, first, count, box)
    return box


def coverage(
    outlines: Outlines, fill: int, shape: tuple[int, int], scale: int
) -> tuple[npt.NDArray[np.int32], int, int]:
    """How much of each pixel the rings of a fill run around.

    Returns
    -------
    cover : (h, w) int32
        In 2 ** -`FULL_LOG`, of the part of the picture where it is not 0.
    top, left : int
        The part's corner.
    """
    first, count = int(outlines.fills[:fill, RINGS].sum()), int(outlines.fills[fill, RINGS])
    soft = int(outlines.fills[fill, SOFT])
    y0, x0, y1, x1 = (box_at(outlines, fill) * scale >> 4).tolist()
    # Softness reaches as many pixels beyond the curve; at the picture's own border it repeats.
    top, left = max(y0 - soft, 0), max(x0 - soft, 0)
    rows = max(min(y1 + 1 + soft, shape[0]) - top, 0)
    columns = max(min(x1 + 1 + soft, shape[1]) - left, 0)
    if not rows or not columns:
        return np.zeros((0, 0), np.int32), 0, 0
    acc = np.zeros((rows, columns + 1), np.int32)
    add_rings(outlines.rings, outlines.nodes, first, count, scale, acc, top, left)
    sum_rows(acc)
    cover = acc[:, :-1]
    soften(cover, soft)
    return cover, top, left


def turns(
    outlines: Outlines, fill: int, corner: tuple[int, int], shape: tuple[int, ...], scale: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Turns of the harmonics of a fill down the rows and along the columns, 1024ths of a cycle.

    Of the part of the picture with this corner and shape.

    Returns
    -------
    down, right : (waves, H), (waves, W) int64
        The phase is in `down`.
    """
    row = outlines.fills[fill]
    box = box_at(outlines, fill)
    waves = row[WAVE:].reshape(-1, WAVE_FIELDS)[: row[WAVES]].astype(np.int64)
    out = []
    for axis, field in ((0, W_DOWN), (1, W_RIGHT)):
        low, high = box[axis] * scale, box[axis + 2] * scale
        place = 16 * (corner[axis] + np.arange(shape[axis], dtype=np.int64)) + 8 - low
        out.append(place[None, :] * (512 * waves[:, field, None]) // max(int(high - low), 1))
    out[0] += 1024 // PHASES * waves[:, W_PHASE, None]
    return out[0], out[1]


def draw(xp: Any, outlines: Outlines, planes: Any, scale: int) -> None:
    """Add all fills to planes, in place; coverage is made here, the samples where they are.

    Parameters
    ----------
    xp : module
    outlines : Outlines
    planes : (C, H * scale, W * scale) int32, of `xp`
        6 fractional bits.
    scale : int
    """
    for k, fill in enumerate(outlines.fills):
        if not fill[RINGS]:
            continue
        cover, top, left = coverage(outlines, k, planes.shape[1:], scale)
        down, right = turns(outlines, k, (top, left), cover.shape, scale)
        part = planes[:, top : top + cover.shape[0], left : left + cover.shape[1]]
        comps = fill[WAVE:].reshape(-1, WAVE_FIELDS)[: fill[WAVES], W_COMP].tolist()
        for comp in range(len(planes)):
            value = int(fill[VALUE + comp]) << 6
            if not is_numpy(xp):
                _paint_arrays(xp, cover, fill, comp, down, right, part[comp])
            elif comp in comps:
                _paint_waves(cover, value, fill, comp, down, right, COSINES, part[comp])
            elif value:
                _paint(cover, value, part[comp])


def _paint_arrays(
    xp: Any, cover: Any, fill: Any, comp: int, down: Any, right: Any, plane: Any
) -> None:
    """Do what `_paint` and `_paint_waves` do, with array operations."""
    cosine = xp.asarray(COSINES).astype(xp.int64)
    total: Any = int(fill[VALUE + comp]) << 6
    for i, wave in enumerate(fill[WAVE:].reshape(-1, WAVE_FIELDS)[: fill[WAVES]].tolist()):
        if wave[W_COMP] == comp:
            turn = xp.asarray(down[i])[:, None] + xp.asarray(right[i])[None, :]
            total = total + (wave[W_AMOUNT] * cosine[turn & 1023] >> 8)
    half = 1 << (FULL_LOG - 1)
    plane += ((xp.asarray(cover).astype(xp.int64) * total + half) >> FULL_LOG).astype(xp.int32)
