"""Windows: soft ellipses of any orientation, filled with harmonics. Integers.

With u and v the coordinates along the major and minor radius (1 on the rim), a window is
(1 - u^2 - v^2)^3; its harmonics are cosines of u and v. All is int64 arithmetic on
12-bit fractions, so that every machine adds the same integers, in any order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled, inlined
from ..format.layout import (
    ACROSS,
    ANGLE,
    ASPECT,
    BLUE,
    BUCKET,
    COMP,
    EXTRA,
    FIELDS,
    FINE,
    FREQUENCY,
    LEFT,
    MORE,
    PAIRS,
    PHASE,
    RED,
    SCALE,
    SLOPE_LOG,
    TOP,
    UNIT,
    amplitude_of,
    cosines,
    radii,
)

COSINES = cosines()
_ACROSS = np.array(ACROSS, np.int64)
_PAIRS = np.array(PAIRS, np.int64)
ONE = 4096
_SHIFT = 26  # 14 of the cosine and 12 of the window
_LOW = 14
_NARROW = 1 << 17
"""Amplitudes below, 6 fractional bits, fit into 32 bits with the 14 of the cosine and a sign."""

# A window as its drawing needs it: what `prepare` makes of a row of the layer table.
P_COMP, P_TOP, P_LEFT, P_ROWS, P_UX, P_UY, P_VX, P_VY = range(8)
P_COUNT, P_BLUE, P_RED, P_WAVES = range(8, 12)
_WAVE = 4  # amplitude, along, across, phase
_MOST_WAVES = 6
PREPARED = P_WAVES + _WAVE * _MOST_WAVES


@compiled
def prepare(layer, steps, scale, out, cosine):  # type: ignore[no-untyped-def]
    """Turn a row of the layer table into what drawing needs.

    Parameters
    ----------
    layer : (FIELDS,) int32
    steps : (C,) int64
        Quantizer steps, 16 fractional bits.
    scale : int
        Magnification.
    out : (PREPARED,) int64
        Filled.
    cosine : (1024,) int32
    """
    comp, bucket = np.int64(layer[COMP]), np.int64(layer[BUCKET])
    major, minor = radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))
    major, minor = major * scale, minor * scale
    turn = np.int64(layer[ANGLE]) * 8
    c, s = np.int64(cosine[turn & 1023]), np.int64(cosine[(turn - 256) & 1023])
    out[P_COMP] = comp
    out[P_TOP], out[P_LEFT] = np.int64(layer[TOP]) * scale, np.int64(layer[LEFT]) * scale
    # Half the height of the box around the rotated rectangle, an upper bound of the ellipse's.
    out[P_ROWS] = ((abs(s) * major + abs(c) * minor) >> 14) + UNIT
    out[P_UX], out[P_UY] = (c << 14) // major, (s << 14) // major
    out[P_VX], out[P_VY] = (-s << 14) // minor, (c << 14) // minor
    out[P_BLUE], out[P_RED] = layer[BLUE], layer[RED]
    step = steps[comp]
    more = np.int64(layer[MORE])
    out[P_COUNT] = more + 1
    out[P_WAVES] = amplitude_of(bucket, np.int64(layer[FINE]), step)
    out[P_WAVES + 1] = 0
    out[P_WAVES + 2] = _ACROSS[layer[FREQUENCY]]
    out[P_WAVES + 3] = np.int64(layer[PHASE]) * 16
    for i in range(more):
        wave = P_WAVES + _WAVE * (i + 1)
        at = EXTRA + 3 * i
        out[wave] = amplitude_of(bucket + np.int64(layer[at + 2]), np.int64(4), step)
        out[wave + 1], out[wave + 2] = _PAIRS[layer[at], 0], _PAIRS[layer[at], 1]
        out[wave + 3] = np.int64(layer[at + 1]) * 16


@compiled
def span(low, rate, at_zero):  # type: ignore[no-untyped-def]
    """First and last integer d with ``-low <= rate * d + at_zero <= low``."""
    if rate == 0:
        if -low <= at_zero <= low:
            return np.int64(-(1 << 40)), np.int64(1 << 40)
        return np.int64(1), np.int64(0)
    if rate < 0:
        rate, at_zero = -rate, -at_zero
    return -((low + at_zero) // rate), (low - at_zero) // rate


@compiled
def row_span(p, dy, width, scale):  # type: ignore[no-untyped-def]
    """First and one past the last column of a row that the window may reach.

    Parameters
    ----------
    p : (PREPARED,) int64
    dy : int
        Row, less the window's centre, sixteenths of an output pixel.
    width : int
        Output columns.
    scale : int
    """
    low = np.int64(ONE) << 16
    a0, a1 = span(low, p[P_UX], dy * p[P_UY])
    b0, b1 = span(low, p[P_VX], dy * p[P_VY])
    left = p[P_LEFT]
    # Column x has its centre at 16 x + 8.
    first = (max(a0, b0) + left + UNIT // 2 - 1) >> 4
    last = (min(a1, b1) + left - UNIT // 2) >> 4
    return max(first, 0), min(last + 1, width)


@compiled
def value_at(p, u, v, cosine):  # type: ignore[no-untyped-def]
    """Contribution of a window at (u, v), 6 fractional bits."""
    q = (u * u + v * v) >> 12
    if q >= ONE:
        return np.int64(0)
    w = ONE - q
    w = (w * w >> 12) * w >> 12
    total = np.int64(0)
    for i in range(p[P_COUNT]):
        wave = P_WAVES + _WAVE * i
        turn = ((p[wave + 1] * u + p[wave + 2] * v) >> 4) + p[wave + 3]
        total += p[wave] * np.int64(cosine[turn & 1023])
    return (total * w + (1 << (_SHIFT - 1))) >> _SHIFT


@inlined
def _reciprocal(rate):  # type: ignore[no-untyped-def]
    """2 ** 40 over a rate, rounded up; 0 where that would be too large to multiply with."""
    return ((np.int64(1) << 40) // abs(rate)) + 1 if abs(rate) >= 1 << 12 else np.int64(0)


@inlined
def _wide_span(p, dy, width, over_u, over_v):  # type: ignore[no-untyped-def]
    """Columns that `row_span` gives and a few more, without dividing; those more add nothing."""
    low = np.int64(ONE) << 16
    first, last = np.int64(0), np.int64(width)
    for axis in range(2):
        rate, over = (p[P_UX], over_u) if axis == 0 else (p[P_VX], over_v)
        at_zero = dy * (p[P_UY] if axis == 0 else p[P_VY])
        if rate == 0:
            if abs(at_zero) > low:
                return np.int64(0), np.int64(0)
            continue
        if over == 0:
            return row_span(p, dy, width, 1)
        if rate < 0:
            at_zero = -at_zero
        begin = -(((low + at_zero) * over) >> 40) - 2
        end = (((low - at_zero) * over) >> 40) + 2
        first = max(first, ((begin + p[P_LEFT] - UNIT // 2) >> 4) - 1)
        last = min(last, ((end + p[P_LEFT] - UNIT // 2) >> 4) + 2)
    return first, last


@inlined
def _weigh_row(count, u, v, du, dv, row):  # type: ignore[no-untyped-def]
    """Coordinates and window along a row, in 32 bits throughout so that it becomes vector code."""
    along, across, weight, _ = row
    u, v, du, dv = np.int32(u), np.int32(v), np.int32(du), np.int32(dv)
    for i in range(count):
        k = np.int32(i)
        a = np.int32(np.int32(u + np.int32(k * du)) >> 16)
        b = np.int32(np.int32(v + np.int32(k * dv)) >> 16)
        square = np.int32(np.int32(a * a) + np.int32(b * b))
        w = max(np.int32(ONE - np.int32(square >> 12)), np.int32(0))
        along[i], across[i] = a, b
        weight[i] = np.int32(np.int32(np.int32(np.int32(w * w) >> 12) * w) >> 12)


@inlined
def _add_row(planes, comp, y, first, count, p, cosine, row):  # type: ignore[no-untyped-def]
    """Add a row of a window, whose coordinates and weights are in `row`.

    In 32 bits too, for which the amplitudes together have to be below `_NARROW`.
    """
    along, across, weight, total = row
    start = 0
    while start < count and weight[start] == 0:
        start += 1
    while count > start and weight[count - 1] == 0:
        count -= 1
    # From index 0 on, as the compiler makes no vector code where an index may be negative.
    along, across, weight = along[start:count], across[start:count], weight[start:count]
    first, count = first + start, count - start
    for k in range(p[P_COUNT]):
        wave = P_WAVES + _WAVE * k
        amplitude, phase = np.int32(p[wave]), np.int32(p[wave + 3])
        fu, fv = np.int32(p[wave + 1]), np.int32(p[wave + 2])
        for i in range(count):
            turn = np.int32(np.int32(fu * along[i]) + np.int32(fv * across[i])) >> 4
            part = np.int32(amplitude * cosine[np.uint32(np.int32(turn + phase) & 1023)])
            total[i] = part if k == 0 else np.int32(total[i] + part)
    low = np.int32((1 << _LOW) - 1)
    half = np.int32(1 << (_SHIFT - 1))
    line = planes[comp, y, first : first + count]
    for i in range(count):
        # (total * weight + half) >> _SHIFT, in two parts that fit.
        high = np.int32(np.int32(total[i] >> _LOW) * weight[i])
        rest = np.int32(np.int32(np.int32(total[i] & low) * weight[i]) + half) >> _LOW
        value = np.int32(high + rest) >> (_SHIFT - _LOW)
        total[i] = value
        line[i] = np.int32(line[i] + value)
    blue, red = np.int32(p[P_BLUE]), np.int32(p[P_RED])
    if blue == 0 and red == 0:
        return
    line, other = planes[1, y, first : first + count], planes[2, y, first : first + count]
    for i in range(count):
        line[i] = np.int32(line[i] + (np.int32(total[i] * blue) >> SLOPE_LOG))
        other[i] = np.int32(other[i] + (np.int32(total[i] * red) >> SLOPE_LOG))


@compiled
def is_narrow(p):  # type: ignore[no-untyped-def]
    """Whether the amplitudes of a window allow 32 bits."""
    total = np.int64(0)
    for k in range(p[P_COUNT]):
        total += abs(p[P_WAVES + _WAVE * k])
    return total < _NARROW


@compiled
def _draw(layers, steps, scale, planes, p, cosine, row):  # type: ignore[no-untyped-def]
    height, width = planes.shape[1], planes.shape[2]
    for layer in layers:
        prepare(layer, steps, scale, p, cosine)
        comp, top, reach = p[P_COMP], p[P_TOP], p[P_ROWS]
        plane = planes[comp]
        colored = p[P_BLUE] != 0 or p[P_RED] != 0
        du, dv = p[P_UX] * UNIT, p[P_VX] * UNIT
        plain = is_narrow(p)
        over_u, over_v = _reciprocal(p[P_UX]), _reciprocal(p[P_VX])
        for y in range(max((top - reach) >> 4, 0), min(((top + reach) >> 4) + 1, height)):
            dy = y * UNIT + UNIT // 2 - top
            first, end = _wide_span(p, dy, width, over_u, over_v)
            if first >= end:
                continue
            dx = first * UNIT + UNIT // 2 - p[P_LEFT]
            u, v = dx * p[P_UX] + dy * p[P_UY], dx * p[P_VX] + dy * p[P_VY]
            if plain:
                _weigh_row(end - first, u, v, du, dv, row)
                _add_row(planes, comp, y, first, end - first, p, cosine, row)
                continue
            for x in range(first, end):
                value = value_at(p, u >> 16, v >> 16, cosine)
                u += du
                v += dv
                plane[y, x] += value
                if colored:
                    planes[1, y, x] += (value * p[P_BLUE]) >> SLOPE_LOG
                    planes[2, y, x] += (value * p[P_RED]) >> SLOPE_LOG


@compiled
def _prepare_all(layers, steps, scale, out, cosine):  # type: ignore[no-untyped-def]
    for i in range(len(layers)):
        prepare(layers[i], steps, scale, out[i], cosine)


def prepared(
    layers: npt.NDArray[np.int32], steps: npt.NDArray[np.int64], scale: int
) -> npt.NDArray[np.int64]:
    """Prepare rows of the layer table, (n, PREPARED) int64."""
    out = np.zeros((len(layers), PREPARED), np.int64)
    _prepare_all(layers, steps, scale, out, COSINES)
    return out


def draw(
    layers: npt.NDArray[np.int32],
    steps: npt.NDArray[np.int64],
    scale: int,
    planes: npt.NDArray[np.int32],
) -> None:
    """Add windows to planes, in place; the compiled path of NumPy.

    Parameters
    ----------
    layers : (n, FIELDS) int32
    steps : (C,) int64
    scale : int
    planes : (C, H * scale, W * scale) int32
        6 fractional bits.
    """
    width = planes.shape[2]
    row = tuple(np.zeros((4, width), np.int32))
    room = np.zeros(PREPARED, np.int64)
    _draw(layers, steps, scale, planes, room, COSINES, row)


def draw_arrays(xp: Any, rows: npt.NDArray[np.int64], planes: Any, scale: int) -> None:
    """Do what `draw` does with array operations, a window at a time.

    Parameters
    ----------
    xp : module
    rows : (k, PREPARED) int64
        What `prepared` gave.
    planes : (C, H * scale, W * scale) int32, of `xp`
    scale : int
    """
    height, width = planes.shape[1:]
    cosine = xp.asarray(COSINES).astype(xp.int64)
    for p in rows.tolist():
        top, left, reach = p[P_TOP], p[P_LEFT], p[P_ROWS]
        y0, y1 = max((top - reach) >> 4, 0), min(((top + reach) >> 4) + 1, height)
        spans = [row_span_of(p, y * UNIT + UNIT // 2 - top, width, scale) for y in range(y0, y1)]
        if not spans:
            continue
        x0, x1 = min(s[0] for s in spans), max(s[1] for s in spans)
        if x0 >= x1:
            continue
        dy = (xp.arange(y0, y1) * UNIT + UNIT // 2 - top)[:, None]
        dx = (xp.arange(x0, x1) * UNIT + UNIT // 2 - left)[None, :]
        u, v = dx * p[P_UX] + dy * p[P_UY] >> 16, dx * p[P_VX] + dy * p[P_VY] >> 16
        value = values(xp, p, u, v, cosine)
        planes[p[P_COMP], y0:y1, x0:x1] += value.astype(xp.int32)
        if p[P_BLUE] or p[P_RED]:
            for comp, slope in ((1, p[P_BLUE]), (2, p[P_RED])):
                planes[comp, y0:y1, x0:x1] += (value * slope >> SLOPE_LOG).astype(xp.int32)


def row_span_of(p: list[int], dy: int, width: int, scale: int) -> tuple[int, int]:
    """Do what `row_span` does, for plain integers."""
    first, end = row_span(np.array(p, np.int64), dy, width, scale)
    return int(first), int(end)


def values(xp: Any, p: list[int], u: Any, v: Any, cosine: Any) -> Any:
    """Do what `value_at` does, for arrays of coordinates."""
    q = u * u + v * v >> 12
    w = xp.maximum(ONE - q, 0)
    w = (w * w >> 12) * w >> 12
    total = 0
    for i in range(p[P_COUNT]):
        amplitude, along, across, phase = p[P_WAVES + _WAVE * i : P_WAVES + _WAVE * (i + 1)]
        total = total + amplitude * cosine[((along * u + across * v >> 4) + phase) & 1023]
    return total * w + (1 << (_SHIFT - 1)) >> _SHIFT


__all__ = ["COSINES", "FIELDS", "PREPARED", "draw", "draw_arrays", "prepared"]
