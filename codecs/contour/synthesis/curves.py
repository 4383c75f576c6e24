"""Closed contours and strokes: outlines to masks, masks to samples. Integers.

A closed contour is a ring of 6 to 16 radii around its centre, joined by a quadratic B-spline
and filled by exact coverage along x on eight lines a pixel row; a stroke is a path of equal
steps with a turn at each, drawn as the distance to it. Both carry the harmonics and the chroma
of a window.

References
----------
The sums of signed coverage are those of anti-aliased font rasterisers, e.g. R. Levien,
"Inside the fastest font renderer in the world", 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled
from ..format.layout import (
    ANGLE,
    ASPECT,
    COUNT,
    KIND,
    LEFT,
    MOST_NODES,
    NODE,
    SCALE,
    SLOPE_LOG,
    SOFTNESS,
    STROKE,
    TAPER,
    TOP,
    UNIT,
    radii,
    radius_of,
)
from .windows import (
    COSINES,
    P_BLUE,
    P_COMP,
    P_COUNT,
    P_LEFT,
    P_RED,
    P_TOP,
    P_UX,
    P_UY,
    P_VX,
    P_VY,
    P_WAVES,
    PREPARED,
    prepare,
)

_LINES = 8
"""Lines a pixel row at which coverage is measured."""
_FULL = 256 * _LINES
_PART = 8
"""Points of an outline a node."""
MOST_POINTS = _PART * MOST_NODES + 1
_WAVE = 4
_TURN = 32
"""Unit of a stroke's turns, in 1024ths of a full turn."""
_FAR = 1 << 30


@compiled
def outline(layer, scale, points, cosine):  # type: ignore[no-untyped-def]
    """Points of a closed contour, in 256ths of an output pixel; return how many there are.

    Parameters
    ----------
    layer : (FIELDS,) int32
    scale : int
    points : (MOST_POINTS, 2) int64
        Filled with y, x; the last repeats the first.
    cosine : (1024,) int32
    """
    count = np.int64(layer[COUNT])
    major, minor = radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))
    major, minor = major * scale, minor * scale
    turn = np.int64(layer[ANGLE]) * 8
    c, s = np.int64(cosine[turn & 1023]), np.int64(cosine[(turn - 256) & 1023])
    top, left = np.int64(layer[TOP]) * scale * 16, np.int64(layer[LEFT]) * scale * 16
    n = count * _PART
    for j in range(n):
        node, t = j // _PART, j % _PART
        before = np.int64(layer[NODE + (node + count - 1) % count])
        here = np.int64(layer[NODE + node])
        after = np.int64(layer[NODE + (node + 1) % count])
        a, b = (_PART - t) * (_PART - t), t * t
        radius = a * before + (128 - a - b) * here + b * after + 128
        phi = ((2 * j - _PART) * 512) // n
        u = (radius * major * np.int64(cosine[phi & 1023])) >> 20
        v = (radius * minor * np.int64(cosine[(phi - 256) & 1023])) >> 20
        points[j, 0] = top + ((u * s + v * c) >> 14)
        points[j, 1] = left + ((u * c - v * s) >> 14)
    points[n, 0], points[n, 1] = points[0, 0], points[0, 1]
    return n + 1


@compiled
def path(layer, scale, points, cosine):  # type: ignore[no-untyped-def]
    """Points of a stroke, in 256ths of an output pixel; return how many there are.

    The corners that steps and turns give are the control points of a quadratic B-spline.
    """
    count = np.int64(layer[COUNT])
    length = radius_of(8 + 2 * np.int64(layer[SOFTNESS])) * scale * 16
    phi = np.int64(layer[ANGLE]) * 16
    y, x = np.int64(layer[TOP]) * scale * 16, np.int64(layer[LEFT]) * scale * 16
    points[0, 0], points[0, 1] = y, x
    at = np.int64(1)
    for i in range(count):
        if i:
            phi += np.int64(layer[NODE + i]) * _TURN
        dy = (length * np.int64(cosine[(phi - 256) & 1023])) >> 14
        dx = (length * np.int64(cosine[phi & 1023])) >> 14
        if i:
            # Round the corner at (y, x): from half a step before it to half a step after.
            y0, x0 = points[at - 1, 0], points[at - 1, 1]
            y1, x1 = y + (dy >> 1), x + (dx >> 1)
            for t in range(1, 5):
                a, b = (4 - t) * (4 - t), t * t
                points[at, 0] = (a * y0 + (16 - a - b) * y + b * y1) >> 4
                points[at, 1] = (a * x0 + (16 - a - b) * x + b * x1) >> 4
                at += 1
        elif count > 1:
            points[at, 0], points[at, 1] = y + (dy >> 1), x + (dx >> 1)
            at += 1
        y, x = y + dy, x + dx
    points[at, 0], points[at, 1] = y, x
    return at + 1


@compiled
def bounds(points, count, margin, height, width, box):  # type: ignore[no-untyped-def]
    """Box of whole pixels around points, clipped: top, left, bottom, right (exclusive)."""
    y0, x0, y1, x1 = np.int64(_FAR), np.int64(_FAR), np.int64(-_FAR), np.int64(-_FAR)
    for i in range(count):
        y0, y1 = min(y0, points[i, 0]), max(y1, points[i, 0])
        x0, x1 = min(x0, points[i, 1]), max(x1, points[i, 1])
    box[0], box[1] = max((y0 >> 8) - margin, 0), max((x0 >> 8) - margin, 0)
    box[2], box[3] = min((y1 >> 8) + margin + 1, height), min((x1 >> 8) + margin + 1, width)


@compiled
def fill(points, count, box, mask):  # type: ignore[no-untyped-def]
    """Coverage of a closed outline, 0 to `_FULL`, in ``mask[: rows, : columns]``."""
    rows, columns = box[2] - box[0], box[3] - box[1]
    for y in range(rows):
        for x in range(columns + 1):
            mask[y, x] = 0
    unit = 256 // _LINES
    for i in range(count - 1):
        y0, x0, y1, x1 = points[i, 0], points[i, 1], points[i + 1, 0], points[i + 1, 1]
        sign = np.int64(1)
        if y0 > y1:
            y0, x0, y1, x1 = y1, x1, y0, x0
            sign = np.int64(-1)
        # Lines lie at the middle of their strips; one at y counts if y0 <= y < y1.
        first = (y0 - unit // 2 + unit - 1) // unit
        last = (y1 - unit // 2 + unit - 1) // unit
        first, last = max(first, box[0] * _LINES), min(last, box[2] * _LINES)
        for line in range(first, last):
            y = line * unit + unit // 2
            x = x0 + (x1 - x0) * (y - y0) // (y1 - y0) - box[1] * 256
            x = min(max(x, 0), columns * 256)
            row, cell, part = line // _LINES - box[0], x >> 8, x & 255
            mask[row, cell] += sign * (256 - part)
            if cell < columns:
                mask[row, cell + 1] += sign * part
    for y in range(rows):
        total = np.int64(0)
        for x in range(columns):
            total += mask[y, x]
            mask[y, x] = min(abs(total), _FULL)


@compiled
def soften(mask, rows, columns, passes):  # type: ignore[no-untyped-def]
    """Blur with [1 2 1] / 4 along both axes, `passes` times, the border repeated."""
    for _ in range(passes):
        for y in range(rows):
            before = np.int64(mask[y, 0])
            for x in range(columns):
                here = np.int64(mask[y, x])
                after = np.int64(mask[y, min(x + 1, columns - 1)])
                mask[y, x] = (before + 2 * here + after + 2) >> 2
                before = here
        for x in range(columns):
            before = np.int64(mask[0, x])
            for y in range(rows):
                here = np.int64(mask[y, x])
                after = np.int64(mask[min(y + 1, rows - 1), x])
                mask[y, x] = (before + 2 * here + after + 2) >> 2
                before = here


@compiled
def trace(points, count, radius, taper, box, mask):  # type: ignore[no-untyped-def]
    """Strength of a stroke, 0 to about `_FULL` (twice that if it swells), in `mask`.

    Parameters
    ----------
    points : (n, 2) int64
    count : int
    radius : int
        Half the width, 256ths of a pixel.
    taper : int
        Strength at the end, in halves of that at the start.
    box, mask
        See `fill`.
    """
    rows, columns = box[2] - box[0], box[3] - box[1]
    for y in range(rows):
        for x in range(columns):
            mask[y, x] = 0
    outer, inner = radius + 192, max(radius - 192, 0)
    top, bottom = outer * outer, inner * inner
    for i in range(count - 1):
        y0, x0, y1, x1 = points[i, 0], points[i, 1], points[i + 1, 0], points[i + 1, 1]
        dy, dx = y1 - y0, x1 - x0
        square = max(dy * dy + dx * dx, 1)
        for y in range(
            max(((min(y0, y1) - outer) >> 8) - box[0], 0),
            min(((max(y0, y1) + outer) >> 8) - box[0] + 1, rows),
        ):
            py = (y + box[0]) * 256 + 128 - y0
            for x in range(
                max(((min(x0, x1) - outer) >> 8) - box[1], 0),
                min(((max(x0, x1) + outer) >> 8) - box[1] + 1, columns),
            ):
                px = (x + box[1]) * 256 + 128 - x0
                t = min(max(((py * dy + px * dx) << 8) // square, 0), 256)
                ey, ex = py - ((t * dy) >> 8), px - ((t * dx) >> 8)
                far = ey * ey + ex * ex
                if far >= top:
                    continue
                cover = min(((top - far) << 11) // (top - bottom), _FULL)
                place = (i * 256 + t) // (count - 1)
                strength = 512 + (taper - 2) * place
                mask[y, x] = max(mask[y, x], cover * strength >> 9)


@compiled
def stamp(layer, scale, points, height, width, box, mask, cosine):  # type: ignore[no-untyped-def]
    """Fill box and mask of a contour or a stroke."""
    if layer[KIND] == STROKE:
        count = path(layer, scale, points, cosine)
        radius = radius_of(2 * np.int64(layer[SCALE]) - 2) * scale * 16
        bounds(points, count, (radius >> 8) + 2, height, width, box)
        if box[2] > box[0] and box[3] > box[1]:
            trace(points, count, radius, np.int64(layer[TAPER]), box, mask)
        return
    count = outline(layer, scale, points, cosine)
    passes = np.int64(layer[SOFTNESS])
    bounds(points, count, passes + 1, height, width, box)
    if box[2] > box[0] and box[3] > box[1]:
        fill(points, count, box, mask)
        soften(mask, box[2] - box[0], box[3] - box[1], passes)


@compiled
def wave_at(p, dy, dx, cosine):  # type: ignore[no-untyped-def]
    """Sum of the harmonics, 20 fractional bits, at an offset from the centre."""
    u, v = (dx * p[P_UX] + dy * p[P_UY]) >> 16, (dx * p[P_VX] + dy * p[P_VY]) >> 16
    total = np.int64(0)
    for i in range(p[P_COUNT]):
        wave = P_WAVES + _WAVE * i
        turn = ((p[wave + 1] * u + p[wave + 2] * v) >> 4) + p[wave + 3]
        total += p[wave] * np.int64(cosine[turn & 1023])
    return total


@compiled
def _draw(layers, chosen, steps, scale, planes, p, points, box, mask, cosine):  # type: ignore[no-untyped-def]
    height, width = planes.shape[1], planes.shape[2]
    for index in chosen:
        layer = layers[index]
        prepare(layer, steps, scale, p, cosine)
        stamp(layer, scale, points, height, width, box, mask, cosine)
        comp = p[P_COMP]
        colored = p[P_BLUE] != 0 or p[P_RED] != 0
        plane = planes[comp]
        for y in range(box[0], box[2]):
            dy = y * UNIT + UNIT // 2 - p[P_TOP]
            for x in range(box[1], box[3]):
                cover = np.int64(mask[y - box[0], x - box[1]])
                if cover == 0:
                    continue
                total = wave_at(p, dy, x * UNIT + UNIT // 2 - p[P_LEFT], cosine)
                value = (total * cover + (1 << 24)) >> 25
                plane[y, x] += value
                if colored:
                    planes[1, y, x] += (value * p[P_BLUE]) >> SLOPE_LOG
                    planes[2, y, x] += (value * p[P_RED]) >> SLOPE_LOG


def room(height: int, width: int) -> tuple[npt.NDArray[Any], ...]:
    """Scratch that drawing on a canvas needs: points, box, mask."""
    return (
        np.zeros((MOST_POINTS, 2), np.int64),
        np.zeros(4, np.int64),
        np.zeros((height, width + 1), np.int32),
    )


def draw(
    layers: npt.NDArray[np.int32],
    chosen: npt.NDArray[np.intp],
    steps: npt.NDArray[np.int64],
    scale: int,
    planes: npt.NDArray[np.int32],
) -> None:
    """Add contours and strokes to planes, in place; see `windows.draw`."""
    if len(chosen):
        scratch = room(*planes.shape[1:])
        _draw(layers, chosen, steps, scale, planes, np.zeros(PREPARED, np.int64), *scratch, COSINES)


def draw_arrays(
    xp: Any,
    layers: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int64],
    planes: Any,
    scale: int,
) -> None:
    """Do what `draw` does with array operations; the masks, few and small, are made here.

    Parameters
    ----------
    xp : module
    layers : (k, FIELDS) int32
    rows : (k, PREPARED) int64
        What `windows.prepared` gave for them.
    planes : (C, H * scale, W * scale) int32, of `xp`
    scale : int
    """
    height, width = planes.shape[1:]
    points, box, mask = room(height, width)
    cosine = xp.asarray(COSINES).astype(xp.int64)
    for layer, p in zip(layers, rows.tolist(), strict=True):
        stamp(layer, scale, points, height, width, box, mask, COSINES)
        y0, x0, y1, x1 = box.tolist()
        if y0 >= y1 or x0 >= x1:
            continue
        cover = xp.asarray(mask[: y1 - y0, : x1 - x0]).astype(xp.int64)
        dy = (xp.arange(y0, y1) * UNIT + UNIT // 2 - p[P_TOP])[:, None]
        dx = (xp.arange(x0, x1) * UNIT + UNIT // 2 - p[P_LEFT])[None, :]
        u, v = dx * p[P_UX] + dy * p[P_UY] >> 16, dx * p[P_VX] + dy * p[P_VY] >> 16
        total = 0
        for i in range(p[P_COUNT]):
            amplitude, along, across, phase = p[P_WAVES + _WAVE * i : P_WAVES + _WAVE * (i + 1)]
            total = total + amplitude * cosine[((along * u + across * v >> 4) + phase) & 1023]
        value = total * cover + (1 << 24) >> 25
        planes[p[P_COMP], y0:y1, x0:x1] += value.astype(xp.int32)
        if p[P_BLUE] or p[P_RED]:
            for comp, slope in ((1, p[P_BLUE]), (2, p[P_RED])):
                planes[comp, y0:y1, x0:x1] += (value * slope >> SLOPE_LOG).astype(xp.int32)
