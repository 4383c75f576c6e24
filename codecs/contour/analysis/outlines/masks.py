"""Fitting what has a mask: strokes, closed contours, windows with cuts. Encoder.

Strokes and contours are measured with the very integers that the decoder draws, cut windows
with their float twin, both as 11-bit coverage in a box; from there on they are treated alike.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from ...format.layout import (
    ANGLE,
    ANGLES,
    ASPECT,
    BLUE,
    BUCKET,
    COMP,
    CONTOUR,
    COUNT,
    CUT,
    CUTS,
    FIELDS,
    FINE,
    FREQUENCIES,
    FREQUENCY,
    KIND,
    LEFT,
    MOST_EXTRA,
    NODE,
    PAIRS,
    PHASE,
    RED,
    SCALE,
    STROKE,
    TOP,
    WINDOW,
    angle_log,
    fine_log,
    grid_log,
    phase_log,
)
from ...synthesis.curves import room as curve_room
from ...synthesis.curves import stamp
from ...synthesis.windows import COSINES
from ..windows.correlation import (
    NOTHING,
    SUMS,
    WAVES,
    amplitude_at,
    at_phase,
    level_of,
    price,
    round_fine,
    strongest,
    tally,
)
from ..windows.ellipse import frame_of
from ..windows.residual import waves_at, waves_of

_FULL = 2048
_STEEPNESS = (16.0, 8.0, 4.0, 2.0)


@compiled
def masked(layer):  # type: ignore[no-untyped-def]
    """Whether a layer is anything but a plain window."""
    return layer[KIND] != WINDOW or layer[CUTS] > 0


@compiled
def _cut_window(layer, height, width, box, mask, frame):  # type: ignore[no-untyped-def]
    """Fill box and mask of a window, cuts included."""
    y0, x0 = frame[0], frame[1]
    box[0], box[1] = max(math.ceil(y0 - frame[6]), 0), max(math.ceil(x0 - frame[7]), 0)
    box[2] = min(math.floor(y0 + frame[6]) + 1, height)
    box[3] = min(math.floor(x0 + frame[7]) + 1, width)
    for y in range(box[0], box[2]):
        dy = y - y0
        for x in range(box[1], box[3]):
            dx = x - x0
            u, v = dx * frame[2] + dy * frame[3], dx * frame[4] + dy * frame[5]
            w = 1.0 - u * u - v * v
            if w <= 0.0:
                mask[y - box[0], x - box[1]] = 0
                continue
            w = w * w * w
            for i in range(layer[CUTS]):
                at = CUT + 4 * i
                turn = layer[at] * 64
                c, s = WAVES[turn & 1023], WAVES[(turn - 256) & 1023]
                along, across = u * c + v * s, v * c - u * s
                d = across - layer[at + 1] / 8.0 - layer[at + 3] * along * along / 4.0
                t = min(max(d * _STEEPNESS[layer[at + 2]] + 0.5, 0.0), 1.0)
                w *= t * t * (3.0 - 2.0 * t)
            mask[y - box[0], x - box[1]] = round(w * _FULL)


@compiled
def place(layer, height, width, room):  # type: ignore[no-untyped-def]
    """Fill box, mask and frame of a layer; return the pixels of the box."""
    points, box, mask, cosine, frame = room[0], room[1], room[2], room[3], room[6]
    frame_of(layer, 0, frame)
    if layer[KIND] == WINDOW:
        _cut_window(layer, height, width, box, mask, frame)
    else:
        stamp(layer, 1, points, height, width, box, mask, cosine)
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


@compiled
def _node_bits(size):  # type: ignore[no-untyped-def]
    return 1.0 if size == 0 else 1.8 + size


@compiled
def masked_price(layer, prices):  # type: ignore[no-untyped-def]
    """Bits of a layer of any kind, about; chroma and further harmonics not counted."""
    if layer[KIND] == WINDOW:
        bits = price(layer, prices)
        for i in range(layer[CUTS]):
            bits += 20.0 + (1.5 if layer[CUT + 4 * i + 3] else 0.0)
        return bits
    bucket, scale = np.int64(layer[BUCKET]), np.int64(layer[SCALE])
    count = np.int64(layer[COUNT])
    bits = prices[0] - 2.0 * grid_log(bucket, scale) + prices[3] + fine_log(bucket, scale) + 5.0
    if layer[KIND] == STROKE:
        bits += 6.0 + 3.5 + 2.5 + 1.0
        for i in range(1, count):
            bits += _node_bits(abs(np.int64(layer[NODE + i])))
        return bits
    bits += 2.5 + angle_log(bucket, scale, np.int64(layer[ASPECT]), True) + 3.0 + 1.5
    before = np.int64(7)
    for i in range(count):
        here = np.int64(layer[NODE + i])
        bits += _node_bits(abs(here - before))
        before = here
    return bits


@compiled
def _products(plane, f, box, mask, frame, sums):  # type: ignore[no-untyped-def]
    """Products of a residual with the mask times one wave across, see `correlation.measure`."""
    for k in range(SUMS):
        sums[0, k] = 0.0
    rate = 256.0 * f
    for y in range(box[0], box[2]):
        dy = y - frame[0]
        for x in range(box[1], box[3]):
            cover = mask[y - box[0], x - box[1]]
            if cover == 0:
                continue
            w = cover / 2048.0
            r = plane[y, x]
            if f == 0:
                sums[0, 0] += r * w
                sums[0, 2] += w * w
                continue
            v = (x - frame[1]) * frame[4] + dy * frame[5]
            p = int(v * rate + 262144.0) & 1023
            tally(sums, 0, p, w, r, 1.0)


@compiled
def appraise(pyramid, layer, lmbda, prices, room, work):  # type: ignore[no-untyped-def]
    """Choose amplitude and phase of the first harmonic for a mask; return the worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residual without this layer.
    layer : (FIELDS,) int32
        Bucket, phase and fine amplitude are filled.
    work : (1,) int64
        Pixels that may still be looked at; what this takes is subtracted.
    """
    plane = pyramid[0][layer[COMP]]
    area = place(layer, plane.shape[0], plane.shape[1], room)
    work[0] -= area + 500
    if area == 0:
        return NOTHING
    box, mask, sums, frame = room[1], room[2], room[4], room[6]
    f = np.int64(layer[FREQUENCY])
    _products(plane, _ACROSS[f], box, mask, frame, sums)
    row = 1 if f else 0
    if f:
        # Only row 0 is of a constant, which has no phase.
        for k in range(SUMS):
            sums[1, k] = sums[0, k]
    amplitude, phase = strongest(sums, row)
    bucket, fine = level_of(amplitude)
    if bucket < 0 or amplitude <= 0:
        return NOTHING
    scale = np.int64(layer[SCALE])
    bits = phase_log(bucket, scale) if f else 1
    turn, product, norm = at_phase(sums, row, phase, bits)
    if product <= 0 or norm <= 1e-6:
        return NOTHING
    bucket, fine = level_of(product / norm)
    if bucket < 0:
        return NOTHING
    fine = round_fine(bucket, scale, fine)
    amplitude = amplitude_at(bucket, fine)
    layer[BUCKET], layer[FINE], layer[PHASE] = bucket, fine, turn << (6 - bits)
    return amplitude * (2.0 * product - amplitude * norm) - lmbda * masked_price(layer, prices)


_ACROSS = (0, 2, 3, 4, 5, 6, 8, 10)


@compiled
def settle(pyramid, layer, lmbda, prices, room, work):  # type: ignore[no-untyped-def]
    """Round place and angle to the precision that the amplitude allows; return the worth."""
    _, height, width = pyramid[0].shape
    for _ in range(4):
        bucket, scale = np.int64(layer[BUCKET]), np.int64(layer[SCALE])
        grid = grid_log(bucket, scale)
        half = (1 << grid) >> 1
        top = min(max((np.int64(layer[TOP]) + half) >> grid, 0), (height * 16 - 1) >> grid) << grid
        left = min(max((np.int64(layer[LEFT]) + half) >> grid, 0), (width * 16 - 1) >> grid) << grid
        layer[TOP], layer[LEFT] = top, left
        if layer[KIND] != STROKE:
            wavy = layer[FREQUENCY] > 0 or layer[KIND] == CONTOUR
            bits = angle_log(bucket, scale, np.int64(layer[ASPECT]), wavy)
            angle = 0
            if bits:
                shift = 6 - bits
                angle = (np.int64(layer[ANGLE]) + ((1 << shift) >> 1)) >> shift << shift
            layer[ANGLE] = angle % ANGLES
        worth = appraise(pyramid, layer, lmbda, prices, room, work)
        if worth <= NOTHING:
            return worth
        after = np.int64(layer[BUCKET])
        if grid_log(after, scale) <= grid and (
            angle_log(after, scale, np.int64(layer[ASPECT]), True)
            >= angle_log(bucket, scale, np.int64(layer[ASPECT]), True)
        ):
            return worth
    return NOTHING


@compiled
def value_of(layer, count, dy, dx, frame, waves):  # type: ignore[no-untyped-def]
    """Sum of a layer's harmonics at an offset from its centre, steps."""
    u, v = dx * frame[2] + dy * frame[3], dx * frame[4] + dy * frame[5]
    return waves_at(u, v, waves, count)


@compiled
def add_masked(pyramid, layer, ratios, sign, room):  # type: ignore[no-untyped-def]
    """Add a layer of any kind to all levels of a pyramid, see `residual.add`."""
    comp = layer[COMP]
    _, height, width = pyramid[0].shape
    if place(layer, height, width, room) == 0:
        return
    box, mask, waves, frame = room[1], room[2], room[5], room[6]
    count = waves_of(layer, waves)
    blue = layer[BLUE] * ratios[1] / 8.0 if layer[BLUE] else 0.0
    red = layer[RED] * ratios[2] / 8.0 if layer[RED] else 0.0
    for y in range(box[0], box[2]):
        for x in range(box[1], box[3]):
            cover = mask[y - box[0], x - box[1]]
            if cover == 0:
                continue
            value = value_of(layer, count, y - frame[0], x - frame[1], frame, waves)
            value *= sign * cover / 2048.0
            for level in range(len(pyramid)):
                part = value / (1 << 2 * level)
                i, j = y >> level, x >> level
                pyramid[level][comp, i, j] += part
                if blue != 0.0:
                    pyramid[level][1, i, j] += part * blue
                if red != 0.0:
                    pyramid[level][2, i, j] += part * red


@compiled
def project_masked(pyramid, comp, layer, room):  # type: ignore[no-untyped-def]
    """Product of a component with a layer of any kind, and the layer's squared norm."""
    plane = pyramid[0][comp]
    product, norm = 0.0, 0.0
    if place(layer, plane.shape[0], plane.shape[1], room) == 0:
        return product, norm
    box, mask, waves, frame = room[1], room[2], room[5], room[6]
    count = waves_of(layer, waves)
    for y in range(box[0], box[2]):
        for x in range(box[1], box[3]):
            cover = mask[y - box[0], x - box[1]]
            if cover == 0:
                continue
            value = value_of(layer, count, y - frame[0], x - frame[1], frame, waves)
            value *= cover / 2048.0
            product += plane[y, x] * value
            norm += value * value
    return product, norm


def masked_room(height: int, width: int) -> tuple[npt.NDArray[Any], ...]:
    """Room for the kernels: points, box, mask, cosines, products, harmonics, frame, two layers."""
    return (
        *curve_room(height, width),
        COSINES,
        np.zeros((max(FREQUENCIES, len(PAIRS)), SUMS)),
        np.zeros((1 + MOST_EXTRA, 4)),
        np.zeros(8),
        np.zeros(FIELDS, np.int32),
        np.zeros(FIELDS, np.int32),
    )
