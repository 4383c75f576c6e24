"""Windows against a residual: products, amplitudes, prices (compiled floats)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled, in_any_order
from ...format.layout import (
    ACROSS,
    ASPECT,
    BUCKET,
    BUCKETS,
    COMP,
    FINE,
    FIRST,
    FREQUENCIES,
    FREQUENCY,
    PAIRS,
    PHASE,
    SCALE,
    angle_log,
    fine_log,
    grid_log,
    phase_log,
    radii,
)
from .ellipse import axes_of, columns_of, rows_of

SUMS = 5
"""Products of the residual with cosine and sine, and of these with each other."""
WAVES = np.cos(2 * np.pi * np.arange(1024) / 1024).astype(np.float32)
_ACROSS = np.array(ACROSS, np.int64)
SAMPLES = 8192
"""Samples that are gathered at once; no row of a window has more than a quarter of them."""
_RAMP = np.arange(SAMPLES, dtype=np.float32)
NOTHING = -1e30
LEAST_RADIUS = 22
"""Minor radius, sixteenths of a pixel, below which a window falls between the pixels."""


@compiled
def level_for(minor):  # type: ignore[no-untyped-def]
    """Level of the pyramid on which a window of this minor radius (sixteenths) is measured.

    Averages, not every n-th pixel: else what is finer than the samples counts n times. Where the
    last ones reach beyond the picture, only their part inside counts.
    """
    return 0 if minor < 14 * 16 else (1 if minor < 40 * 16 else 2)


@compiled
def level_of_layer(layer):  # type: ignore[no-untyped-def]
    """Level of the pyramid that a window is measured on."""
    return level_for(radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))[1])


@compiled
def part_of_last(count, whole, level):  # type: ignore[no-untyped-def]
    """Part of the last of `count` samples of a level that lies in a picture of `whole` pixels."""
    return (whole - ((count - 1) << level)) / (1 << level)


@compiled
def border(pyramid, level):  # type: ignore[no-untyped-def]
    """Part of the last row and of the last column of a level that lies in the picture."""
    _, height, width = pyramid[level].shape
    _, whole_height, whole_width = pyramid[0].shape
    return part_of_last(height, whole_height, level), part_of_last(width, whole_width, level)


@compiled
def inside(y, x, height, width, parts):  # type: ignore[no-untyped-def]
    """Part of a sample of a level that lies in the picture; `parts` as `border` gives them."""
    row = parts[0] if y == height - 1 else 1.0
    return row * parts[1] if x == width - 1 else row


@in_any_order
def gather(row, part, u0, du, v0, dv, turn, product, square):  # type: ignore[no-untyped-def]
    """Fill places across a window, residual times window, and window squared, along a row.

    Parameters
    ----------
    row : (n,) float32
        The residual.
    part : float32
        Part of the samples that counts.
    u0, du, v0, dv : float32
        Place of the first sample, and what each adds.
    turn, product, square : (n,) float32
        Filled.
    """
    for i in range(len(row)):
        x = _RAMP[i]
        u, v = u0 + x * du, v0 + x * dv
        w = np.float32(1.0) - u * u - v * v
        w = w * w * w
        turn[i] = v
        product[i] = row[i] * w
        square[i] = w * w * part


@in_any_order
def add_sums(turn, product, square, across, out):  # type: ignore[no-untyped-def]
    """Add products of gathered samples with a harmonic to `out`, (SUMS,) float64.

    Cosine, and that a quarter later, come from polynomials of half the angle: tables do not run
    in lanes.
    """
    cycles = np.float32(0.25) * np.float32(across)
    one, two, half = np.float32(1.0), np.float32(2.0), np.float32(0.5)
    zero = np.float32(0.0)
    r0, r1, g0, g1, g2 = zero, zero, zero, zero, zero
    for i in range(len(turn)):
        x = turn[i] * cycles
        x = (x - np.float32(math.floor(x + half))) * np.float32(math.pi)
        q = x * x
        s = np.float32(0.00830629) - q * np.float32(0.00018363)
        s = x * (np.float32(0.9999966) - q * (np.float32(0.16664824) - q * s))
        c = np.float32(0.04166664) - q * (np.float32(0.00138878) - q * np.float32(0.0000247987))
        c = one - q * (half - q * c)
        even, odd = one - two * s * s, -two * s * c
        r0 += product[i] * even
        r1 += product[i] * odd
        weighed = square[i] * even
        g0 += weighed * even
        g1 += square[i] * odd * odd
        g2 += weighed * odd
    out[0] += r0
    out[1] += r1
    out[2] += g0
    out[3] += g1
    out[4] += g2


@compiled
def _flush(samples, count, low, high, sums):  # type: ignore[no-untyped-def]
    for f in range(low, high):
        add_sums(samples[0, :count], samples[1, :count], samples[2, :count], _ACROSS[f], sums[f])


@compiled
def measure(pyramid, layer, low, high, room):  # type: ignore[no-untyped-def]
    """Correlate a window's harmonics with the residual.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        The residual, and its averages over 2 and 4 pixels a side.
    layer : (FIELDS,) int32
        Component, scale, aspect, angle and place are read.
    low, high : int
        First and one past the last frequency (its index) to measure.
    room : tuple
        See `measuring`; the sums are filled.
    """
    sums, samples = room
    for f in range(low, high):
        for k in range(SUMS):
            sums[f, k] = 0.0
    level = level_of_layer(layer)
    plane = pyramid[level][layer[COMP]]
    height, width = plane.shape
    parts = border(pyramid, level)
    axes = axes_of(layer, level)
    y0, x0, ux, uy, vx, vy = axes[0], axes[1], axes[2], axes[3], axes[4], axes[5]
    first, end = rows_of(axes, height)
    count = 0
    for y in range(first, end):
        left, right = columns_of(axes, y, width)
        if right <= left:
            continue
        to = count + right - left
        dy, dx = y - y0, left - x0
        gather(
            plane[y, left:right],
            np.float32(parts[0] if y == height - 1 else 1.0),
            np.float32(dx * ux + dy * uy),
            np.float32(ux),
            np.float32(dx * vx + dy * vy),
            np.float32(vx),
            samples[0, count:to],
            samples[1, count:to],
            samples[2, count:to],
        )
        if right == width:
            samples[2, to - 1] *= parts[1]
        count = to
        if count > SAMPLES - (SAMPLES >> 2):
            _flush(samples, count, low, high, sums)
            count = 0
    _flush(samples, count, low, high, sums)
    for f in range(low, high):
        for k in range(SUMS):
            sums[f, k] *= 1 << 2 * level


def measuring() -> tuple[npt.NDArray[Any], ...]:
    """Room for `measure`: sums by harmonic, and samples of a window."""
    sums = np.zeros((max(FREQUENCIES, len(PAIRS)), SUMS))
    return sums, np.zeros((5, SAMPLES), np.float32)


@compiled
def strongest(sums, f):  # type: ignore[no-untyped-def]
    """Least-squares amplitude and phase (in cycles) of a harmonic."""
    r0, r1, g00, g11, g01 = sums[f, 0], sums[f, 1], sums[f, 2], sums[f, 3], sums[f, 4]
    if f == 0:
        if g00 < 1e-3:
            return 0.0, 0.0
        a = r0 / g00
        return abs(a), 0.0 if a >= 0 else 0.5
    det = g00 * g11 - g01 * g01
    if det < 1e-2 * g00 * g11 + 1e-9:
        return 0.0, 0.0
    a = (r0 * g11 - r1 * g01) / det
    b = (r1 * g00 - r0 * g01) / det
    return math.sqrt(a * a + b * b), math.atan2(b, a) / (2.0 * math.pi)


@compiled
def at_phase(sums, f, phase, bits):  # type: ignore[no-untyped-def]
    """Round the phase of a harmonic, in cycles, to `bits`.

    Returns
    -------
    turn : int
        The phase, in parts of a cycle.
    product, norm : float
        Of the residual and of itself with the harmonic of that phase.
    """
    turns = 1 << bits
    turn = math.floor(phase * turns + 0.5) & (turns - 1)
    angle = 2.0 * math.pi * turn / turns
    c, s = math.cos(angle), math.sin(angle) if f else 0.0
    product = c * sums[f, 0] + s * sums[f, 1]
    norm = c * c * sums[f, 2] + s * s * sums[f, 3] + 2.0 * c * s * sums[f, 4]
    return turn, product, norm


@compiled
def level_of(amplitude):  # type: ignore[no-untyped-def]
    """Bucket and eighth of an amplitude in steps; bucket -1 if it is too small to be written."""
    index = FIRST * 8.0 - 16.0 * math.log2(max(amplitude, 1e-9))
    whole = math.floor(index)
    whole = max(whole, 0)
    if whole >= BUCKETS * 8:
        return -1, 0
    return whole // 8, whole % 8


@compiled
def amplitude_at(bucket, fine):  # type: ignore[no-untyped-def]
    """Amplitude in steps."""
    return 2.0 ** ((FIRST * 8 - bucket * 8 - fine) / 16.0)


@compiled
def round_fine(bucket, scale, fine):  # type: ignore[no-untyped-def]
    """Eighth that stands for `fine` at the precision of bucket and scale."""
    shift = 3 - fine_log(bucket, scale)
    return ((2 * (fine >> shift) + 1) << shift) >> 1


@compiled
def price(layer, prices):  # type: ignore[no-untyped-def]
    """Bits of a window with one harmonic, about.

    Parameters
    ----------
    layer : (FIELDS,) int32
    prices : tuple
        See `prices.layer_prices`.
    """
    place, aspects, frequencies, rest = prices
    bucket, scale, aspect = layer[BUCKET], layer[SCALE], layer[ASPECT]
    f = layer[FREQUENCY]
    bits = place - 2.0 * grid_log(bucket, scale) + rest
    bits += aspects[min(scale >> 1, 7), aspect] + frequencies[aspect, f]
    bits += angle_log(bucket, scale, aspect, f > 0) + fine_log(bucket, scale)
    bits += phase_log(bucket, scale) if f > 0 else 1
    return bits


@compiled
def near(frequency):  # type: ignore[no-untyped-def]
    """First and one past the last of a frequency and its neighbours; of all below 0 (indices)."""
    if frequency < 0:
        return 0, FREQUENCIES
    return max(frequency - 1, 0), min(frequency + 2, FREQUENCIES)


@compiled
def assess(pyramid, layer, low, high, lmbda, prices, room):  # type: ignore[no-untyped-def]
    """Choose harmonic, amplitude and phase for a window's outline; return its worth.

    Parameters
    ----------
    layer : (FIELDS,) int32
        The outline is read; bucket, frequency, phase and fine amplitude are filled.
    low, high : int
        First and one past the last frequency (its index) that is tried.

    Returns
    -------
    float
        Squared error removed, less `lmbda` times the bits.
    """
    measure(pyramid, layer, low, high, room)
    sums = room[0]
    scale = np.int64(layer[SCALE])
    best = NOTHING
    chosen = (0, 0, 0, 0)
    for f in range(low, high):
        amplitude, phase = strongest(sums, f)
        bucket, fine = level_of(amplitude)
        if bucket < 0 or amplitude <= 0:
            continue
        bits = phase_log(bucket, scale) if f else 1
        turn, product, norm = at_phase(sums, f, phase, bits)
        if product <= 0 or norm <= 0:
            continue
        bucket, fine = level_of(product / norm)
        if bucket < 0:
            continue
        fine = round_fine(bucket, scale, fine)
        amplitude = amplitude_at(bucket, fine)
        gain = amplitude * (2.0 * product - amplitude * norm)
        layer[BUCKET], layer[FREQUENCY] = bucket, f
        worth = gain - lmbda * price(layer, prices)
        if worth > best:
            best = worth
            chosen = (bucket, f, turn << (6 - bits), fine)
    layer[BUCKET], layer[FREQUENCY], layer[PHASE], layer[FINE] = chosen
    return best
