"""Windows in a residual: adding them, and what they have in common with a component."""

from __future__ import annotations

import math

import numpy as np

from .....shared.compiled import compiled
from ...format.layout import (
    ACROSS,
    BLUE,
    BUCKET,
    COMP,
    EXTRA,
    FINE,
    FREQUENCY,
    MORE,
    PAIRS,
    PHASE,
    RED,
    SLOPES,
)
from .correlation import WAVES, amplitude_at, border, inside, level_of_layer
from .ellipse import columns_of, frame_of, rows_of

_ACROSS = np.array(ACROSS, np.int64)
_PAIRS = np.array(PAIRS, np.int64)


@compiled
def waves_of(layer, waves):  # type: ignore[no-untyped-def]
    """Fill `waves` (6, 4) with amplitude, wave numbers and phase of each harmonic; return how many.

    Amplitudes are in steps, wave numbers and phases in 1024ths of a cycle.
    """
    bucket = np.int64(layer[BUCKET])
    waves[0, 0] = amplitude_at(bucket, np.int64(layer[FINE]))
    waves[0, 1], waves[0, 2] = 0.0, _ACROSS[layer[FREQUENCY]] * 256.0
    waves[0, 3] = layer[PHASE] * 16 + 262144.0
    for i in range(layer[MORE]):
        at = EXTRA + 3 * i
        waves[i + 1, 0] = amplitude_at(bucket + np.int64(layer[at + 2]), 4)
        waves[i + 1, 1] = _PAIRS[layer[at], 0] * 256.0
        waves[i + 1, 2] = _PAIRS[layer[at], 1] * 256.0
        waves[i + 1, 3] = layer[at + 1] * 16 + 262144.0
    return 1 + layer[MORE]


@compiled
def waves_at(u, v, waves, count):  # type: ignore[no-untyped-def]
    """Sum of the first `count` harmonics of `waves_of` at a place in units of the radii."""
    total = 0.0
    for i in range(count):
        p = int(u * waves[i, 1] + v * waves[i, 2] + waves[i, 3]) & 1023
        total += waves[i, 0] * WAVES[p]
    return total


@compiled
def add(pyramid, layer, ratios, sign, waves, frame):  # type: ignore[no-untyped-def]
    """Add a window, with its chroma, to a pyramid in steps (or take it away, `sign` -1).

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
    layer : (FIELDS,) int32
    ratios : (C,) float64
        Step of the layer's component over that of each component.
    sign : float
    waves, frame : (6, 4), (8,) float64
        Scratch.
    """
    planes = pyramid[0]
    plane = planes[layer[COMP]]
    height, width = plane.shape
    count = waves_of(layer, waves)
    frame_of(layer, 0, frame)
    y0, x0, ux, uy, vx, vy = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    blue = layer[BLUE] * ratios[1] / 8.0 if layer[BLUE] else 0.0
    red = layer[RED] * ratios[2] / 8.0 if layer[RED] else 0.0
    first, end = rows_of(frame, height)
    for y in range(first, end):
        dy = y - y0
        left, right = columns_of(frame, y, width)
        for x in range(left, right):
            dx = x - x0
            u, v = dx * ux + dy * uy, dx * vx + dy * vy
            w = 1.0 - u * u - v * v
            value = sign * w * w * w * waves_at(u, v, waves, count)
            for level in range(len(pyramid)):
                part = value / (1 << 2 * level)
                i, j = y >> level, x >> level
                pyramid[level][layer[COMP], i, j] += part
                if blue != 0.0:
                    pyramid[level][1, i, j] += part * blue
                if red != 0.0:
                    pyramid[level][2, i, j] += part * red


@compiled
def project(pyramid, comp, layer, waves, frame):  # type: ignore[no-untyped-def]
    """Product of a component with a window, and the window's squared norm."""
    level = level_of_layer(layer)
    plane = pyramid[level][comp]
    height, width = plane.shape
    count = waves_of(layer, waves)
    frame_of(layer, level, frame)
    y0, x0, ux, uy, vx, vy = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    across = frame[7]
    parts = border(pyramid, level)
    product, norm = 0.0, 0.0
    first, end = rows_of(frame, height)
    left = max(math.ceil(x0 - across), 0)
    for y in range(first, end):
        dy = y - y0
        for x in range(left, min(math.floor(x0 + across) + 1, width)):
            dx = x - x0
            u, v = dx * ux + dy * uy, dx * vx + dy * vy
            w = 1.0 - u * u - v * v
            part = inside(y, x, height, width, parts)
            if w > 0:
                value = waves_at(u, v, waves, count) * (w * w * w)
                product += plane[y, x] * value
                norm += part * (value * value)
    return product * (1 << 2 * level), norm * (1 << 2 * level)


@compiled
def follow(layer, other, product, norm, unit, lmbda):  # type: ignore[no-untyped-def]
    """Let the chroma component `other` follow a layer if that pays; return what it is worth.

    Parameters
    ----------
    layer : (FIELDS,) int32
        `BLUE` or `RED` is filled.
    product, norm : float
        Of the component with the layer, and of the layer with itself.
    unit : float
        What a slope of 1 stands for.
    lmbda : float
    """
    slope = min(max(round(product / max(norm * unit, 1e-9)), -SLOPES), SLOPES)
    if slope == 0:
        return 0.0
    gain = slope * unit * (2.0 * product - slope * unit * norm) - lmbda * (2.5 + abs(slope))
    if gain <= 0:
        return 0.0
    layer[BLUE if other == 1 else RED] = slope
    return gain
