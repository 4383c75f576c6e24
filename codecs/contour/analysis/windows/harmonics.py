"""Further harmonics of a window, while they pay (compiled floats). Encoder."""

from __future__ import annotations

import numpy as np

from .....shared.compiled import compiled, in_any_order
from ...format.layout import (
    BUCKET,
    COMP,
    EXTRA,
    MORE,
    MOST_EXTRA,
    PAIRS,
    SCALE,
    phase_log,
)
from .correlation import (
    SAMPLES,
    SUMS,
    add_sums,
    amplitude_at,
    at_phase,
    border,
    level_of,
    level_of_layer,
    strongest,
)
from .ellipse import columns_of, frame_of, rows_of
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


@in_any_order
def _gather(row, part, u0, du, v0, dv, waves, count, u, v, product, square):  # type: ignore[no-untyped-def]
    """Fill places in a window, what its harmonics leave times window, and window squared.

    Parameters
    ----------
    row : (n,) float32
        The residual.
    part : float32
        Part of the samples that counts.
    u0, du, v0, dv : float32
        Place of the first sample, and what each adds.
    waves : (6, 4) float64
        See `waves_of`; `count` of them are subtracted.
    u, v, product, square : (n,) float32
        Filled.
    """
    for i in range(len(row)):
        u[i], v[i] = u0 + np.float32(i) * du, v0 + np.float32(i) * dv
        w = np.float32(1.0) - u[i] * u[i] - v[i] * v[i]
        w = w * w * w
        product[i] = (row[i] - part * (w * waves_at(u[i], v[i], waves, count))) * w
        square[i] = w * w * part


@in_any_order
def _along(u, v, along, across, turn):  # type: ignore[no-untyped-def]
    """Fill quarter cycles of a pair of wave numbers at places of a window."""
    for i in range(len(turn)):
        turn[i] = u[i] * along + v[i] * across


@compiled
def _flush(samples, count, sums):  # type: ignore[no-untyped-def]
    turn, product, square = samples[0, :count], samples[1, :count], samples[2, :count]
    for f in range(len(_PAIRS)):
        along, across = np.float32(_PAIRS[f, 0]), np.float32(_PAIRS[f, 1])
        _along(samples[3, :count], samples[4, :count], along, across, turn)
        add_sums(turn, product, square, 1, sums[f])


@compiled
def extend(pyramid, layer, lmbda, room, waves, frame):  # type: ignore[no-untyped-def]
    """Give a window further harmonics while they pay; return what they are worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residual without this layer.
    layer : (FIELDS,) int32
        `MORE` and the harmonics after the first are filled.
    lmbda : float
    room : tuple
        See `correlation.measuring`.
    waves, frame : (6, 4), (8,) float64
        Scratch.
    """
    sums, samples = room
    layer[MORE] = 0
    level = level_of_layer(layer)
    plane = pyramid[level][layer[COMP]]
    height, width = plane.shape
    parts = border(pyramid, level)
    worth = 0.0
    bucket, scale = np.int64(layer[BUCKET]), np.int64(layer[SCALE])
    while layer[MORE] < MOST_EXTRA:
        waved = waves_of(layer, waves)
        frame_of(layer, level, frame)
        y0, x0, ux, uy, vx, vy = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
        for f in range(len(_PAIRS)):
            for k in range(SUMS):
                sums[f, k] = 0.0
        first, end = rows_of(frame, height)
        count = 0
        for y in range(first, end):
            left, right = columns_of(frame, y, width)
            if right <= left:
                continue
            to = count + right - left
            dy, dx = y - y0, left - x0
            u, v = dx * ux + dy * uy, dx * vx + dy * vy
            _gather(
                plane[y, left:right],
                np.float32(parts[0] if y == height - 1 else 1.0),
                np.float32(u),
                np.float32(ux),
                np.float32(v),
                np.float32(vx),
                waves,
                waved,
                samples[3, count:to],
                samples[4, count:to],
                samples[1, count:to],
                samples[2, count:to],
            )
            if right == width:
                samples[2, to - 1] *= parts[1]
            count = to
            if count > SAMPLES - (SAMPLES >> 2):
                _flush(samples, count, sums)
                count = 0
        _flush(samples, count, sums)
        for f in range(len(_PAIRS)):
            for k in range(SUMS):
                sums[f, k] *= 1 << 2 * level
        best, chosen = best_harmonic(sums, 0, len(_PAIRS), bucket, scale, lmbda)
        if best <= 0.0:
            break
        take(layer, chosen)
        worth += best
    return worth
