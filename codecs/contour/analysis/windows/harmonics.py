"""Further harmonics of a window, while they pay (compiled floats). Encoder."""

from __future__ import annotations

import math

import numpy as np

from .....shared.compiled import compiled
from ...format.layout import (
    ASPECT,
    BUCKET,
    COMP,
    EXTRA,
    MORE,
    MOST_EXTRA,
    PAIRS,
    SCALE,
    phase_log,
    radii,
)
from .correlation import (
    SUMS,
    amplitude_at,
    at_phase,
    border,
    inside,
    level_for,
    level_of,
    strongest,
    tally,
)
from .ellipse import frame_of, rows_of
from .residual import waves_at, waves_of

_PAIRS = np.array(PAIRS, np.int64)


@compiled
def best_harmonic(sums, first, end, bucket, scale, lmbda):  # type: ignore[no-untyped-def]
    """Find which further harmonic is worth most.

    Parameters
    ----------
    sums : (16, SUMS) float64
        Products of the residual and of each other, by pair of frequencies.
    first, end : int
        Pairs that may be chosen; pair 0 is a constant, which has no phase.
    bucket, scale : int
        Of the layer.
    lmbda : float

    Returns
    -------
    float, (int, int, int)
        Worth, 0 if none pays; pair, phase and drop as a layer holds them.
    """
    best = 0.0
    chosen = (0, 0, 0)
    for f in range(first, end):
        amplitude, phase = strongest(sums, f)
        drop, bits, turn, product, norm = 0, 1, 0, 0.0, 0.0
        for _ in range(2):
            if amplitude <= 0:
                break
            drop = min(max(level_of(amplitude)[0] - bucket, 0), 7)
            bits = phase_log(bucket + drop, scale) if f else 1
            turn, product, norm = at_phase(sums, f, phase, bits)
            amplitude = product / max(norm, 1e-9)
        if amplitude <= 0 or level_of(amplitude)[0] < 0:
            continue
        size = amplitude_at(bucket + drop, 4)
        gain = size * (2.0 * product - size * norm) - lmbda * (6.0 + 0.5 * drop + bits)
        if gain > best:
            best = gain
            chosen = (f, turn << (6 - bits), drop)
    return best, chosen


@compiled
def take(layer, chosen):  # type: ignore[no-untyped-def]
    """Add a harmonic that `best_harmonic` found to a layer."""
    at = EXTRA + 3 * layer[MORE]
    layer[at], layer[at + 1], layer[at + 2] = chosen
    layer[MORE] += 1


@compiled
def extend(pyramid, layer, lmbda, sums, waves, frame):  # type: ignore[no-untyped-def]
    """Give a window further harmonics while they pay; return what they are worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residual without this layer.
    layer : (FIELDS,) int32
        `MORE` and the harmonics after the first are filled.
    sums : (16, SUMS) float64
        Scratch.
    """
    layer[MORE] = 0
    level = level_for(radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))[1])
    plane = pyramid[level][layer[COMP]]
    height, width = plane.shape
    parts = border(pyramid, level)
    worth = 0.0
    bucket, scale = np.int64(layer[BUCKET]), np.int64(layer[SCALE])
    while layer[MORE] < MOST_EXTRA:
        count = waves_of(layer, waves)
        frame_of(layer, level, frame)
        y0, x0, ux, uy, vx, vy = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
        across = frame[7]
        for f in range(len(_PAIRS)):
            for k in range(SUMS):
                sums[f, k] = 0.0
        first, end = rows_of(frame, height)
        left = max(math.ceil(x0 - across), 0)
        for y in range(first, end):
            dy = y - y0
            for x in range(left, min(math.floor(x0 + across) + 1, width)):
                dx = x - x0
                u, v = dx * ux + dy * uy, dx * vx + dy * vy
                w = 1.0 - u * u - v * v
                if w <= 0:
                    continue
                w = w * w * w
                part = inside(y, x, height, width, parts)
                r = plane[y, x] - part * (w * waves_at(u, v, waves, count))
                for f in range(len(_PAIRS)):
                    p = int((u * _PAIRS[f, 0] + v * _PAIRS[f, 1]) * 256.0 + 262144.0) & 1023
                    tally(sums, f, p, w, r, part)
        for f in range(len(_PAIRS)):
            for k in range(SUMS):
                sums[f, k] *= 1 << 2 * level
        best, chosen = best_harmonic(sums, 0, len(_PAIRS), bucket, scale, lmbda)
        if best <= 0.0:
            break
        take(layer, chosen)
        worth += best
    return worth
