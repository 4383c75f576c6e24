"""Fitting windows to a residual: what a window would gain, and the way uphill. Encoder, floats.

All planes are in quantizer steps of their component, so that the squared error of any of them
weighs the same against a bit: a layer is worth its gain less `lmbda` times its bits. This is
matching pursuit (Mallat, Zhang 1993 [1]_) whose atoms move: each one climbs in the space of the
format's integers, with the other layers as they are (cyclic matching pursuit).

References
----------
.. [1] S. Mallat, Z. Zhang, "Matching pursuits with time-frequency dictionaries", IEEE
   Transactions on Signal Processing 41(12), 1993, doi:10.1109/78.258082.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from ...format.layout import (
    ACROSS,
    ANGLE,
    ANGLES,
    ASPECT,
    ASPECTS,
    BLUE,
    BUCKET,
    BUCKETS,
    COMP,
    FIELDS,
    FINE,
    FREQUENCIES,
    FREQUENCY,
    LEFT,
    MORE,
    MOST_EXTRA,
    RED,
    SCALE,
    SCALES,
    TOP,
    angle_log,
    grid_log,
    radii,
)
from .correlation import (
    LEAST_RADIUS,
    NOTHING,
    amplitude_at,
    assess,
    level_of,
    measuring,
    price,
    round_fine,
)
from .harmonics import extend
from .residual import add, follow, project

_ACROSS = np.array(ACROSS, np.int64)
EVERYWHERE: npt.NDArray[np.float64] = np.zeros((2, 1, 0, 0))
"""No demand: a bit has to gain the same at every place."""
_MOVES, _SHAPES = 14, 6
"""Changes of an outline; from the second number on they change its radii."""
_HOPELESS = -6.0
"""Bits that a layer may lack before its chroma and further harmonics are looked at."""


@compiled
def move(layer, which):  # type: ignore[no-untyped-def]
    """Change an outline by one step of the format; False if there is no such outline."""
    grid = 1 << max(grid_log(np.int64(layer[BUCKET]), np.int64(layer[SCALE])), 3)
    turn = 64 >> max(angle_log(layer[BUCKET], layer[SCALE], layer[ASPECT], True), 3)
    if which == 0:
        layer[TOP] += grid
    elif which == 1:
        layer[TOP] -= grid
    elif which == 2:
        layer[LEFT] += grid
    elif which == 3:
        layer[LEFT] -= grid
    elif which == 4:
        layer[ANGLE] = (layer[ANGLE] + turn) % ANGLES
    elif which == 5:
        layer[ANGLE] = (layer[ANGLE] - turn) % ANGLES
    elif which == 6:
        layer[ASPECT] += 1
    elif which == 7:
        layer[ASPECT] -= 1
    elif which == 8:
        layer[SCALE] += 1
    elif which == 9:
        layer[SCALE] -= 1
    elif which == 10:
        layer[SCALE] += 1
        layer[ASPECT] += 2
    elif which == 11:
        layer[SCALE] -= 1
        layer[ASPECT] -= 2
    elif which == 12:
        layer[SCALE] += 1
        layer[ASPECT] -= 2
    else:
        layer[SCALE] -= 1
        layer[ASPECT] += 2
    if not (0 <= layer[SCALE] < SCALES and 0 <= layer[ASPECT] < ASPECTS):
        return False
    return radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))[1] >= LEAST_RADIUS


@compiled
def copy(source, target):  # type: ignore[no-untyped-def]
    """Copy a row."""
    for i in range(len(source)):
        target[i] = source[i]


@compiled
def settle(pyramid, layer, lmbda, prices, sums):  # type: ignore[no-untyped-def]
    """Round place and angle to the precision that the amplitude allows; return the worth."""
    _, height, width = pyramid[0].shape
    worth = NOTHING
    for _ in range(3):
        bucket, scale = np.int64(layer[BUCKET]), np.int64(layer[SCALE])
        grid = grid_log(bucket, scale)
        half = (1 << grid) >> 1
        top = min(max((np.int64(layer[TOP]) + half) >> grid, 0), (height * 16 - 1) >> grid) << grid
        left = min(max((np.int64(layer[LEFT]) + half) >> grid, 0), (width * 16 - 1) >> grid) << grid
        bits = angle_log(bucket, scale, np.int64(layer[ASPECT]), layer[FREQUENCY] > 0)
        angle = 0
        if bits:
            shift = 6 - bits
            angle = (((np.int64(layer[ANGLE]) + ((1 << shift) >> 1)) >> shift) << shift) % ANGLES
        frequency = np.int64(layer[FREQUENCY])
        layer[TOP], layer[LEFT], layer[ANGLE] = top, left, angle
        low, high = max(frequency - 1, 0), min(frequency + 2, FREQUENCIES)
        worth = assess(pyramid, layer, low, high, lmbda, prices, sums)
        if worth <= NOTHING:
            return worth
        bucket, scale = np.int64(layer[BUCKET]), np.int64(layer[SCALE])
        grid = grid_log(bucket, scale)
        bits = angle_log(bucket, scale, np.int64(layer[ASPECT]), layer[FREQUENCY] > 0)
        rest = (layer[TOP] | layer[LEFT]) & ((1 << grid) - 1)
        loose = layer[ANGLE] & ((64 >> bits) - 1) if bits else layer[ANGLE]
        if rest == 0 and loose == 0:
            return worth
    return NOTHING


@compiled
def climb(pyramid, layer, rounds, lmbda, prices, sums, trial, best):  # type: ignore[no-untyped-def]
    """Move a window uphill, then round it to the format; return its worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residual without this layer.
    layer : (FIELDS,) int32
        Changed in place, unless nothing better was found than its outline as it was.
    rounds : int
        Times that all moves are tried, at most.
    """
    copy(layer, best)
    top = assess(pyramid, best, 0, FREQUENCIES, lmbda, prices, sums)
    frequency = np.int64(best[FREQUENCY])
    for _ in range(rounds):
        before = top
        for which in range(_MOVES):
            copy(best, trial)
            if not move(trial, which):
                continue
            # Where the radius across stays, so does the wave number.
            near = 1 if which >= _SHAPES else 0
            low, high = max(frequency - near, 0), min(frequency + near + 1, FREQUENCIES)
            worth = assess(pyramid, trial, low, high, lmbda, prices, sums)
            while worth > top + 1e-6:
                copy(trial, best)
                top = worth
                if not move(trial, which):
                    break
                worth = assess(pyramid, trial, low, high, lmbda, prices, sums)
            frequency = np.int64(best[FREQUENCY])
        if top <= before + 1e-6:
            break
    worth = settle(pyramid, best, lmbda, prices, sums)
    # What it was, refitted, may be better than the best after rounding.
    copy(layer, trial)
    plain = settle(pyramid, trial, lmbda, prices, sums)
    if plain >= worth:
        copy(trial, layer)
        return plain
    copy(best, layer)
    return worth


@compiled
def color(pyramid, layer, ratios, lmbda, waves, frame):  # type: ignore[no-untyped-def]
    """Choose how chroma follows a layer; return what that is worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residuals without this layer.
    layer : (FIELDS,) int32
        `BLUE` and `RED` are filled.
    ratios : (C,) float64
    lmbda : float
    """
    layer[BLUE], layer[RED] = 0, 0
    comp = layer[COMP]
    total = 0.0
    if pyramid[0].shape[0] < 3 or comp > 1:
        return total
    for other in range(comp + 1, 3):
        product, norm = project(pyramid, other, layer, waves, frame)
        total += follow(layer, other, product, norm, ratios[other] / 8.0, lmbda)
    return total


@compiled
def refit(pyramid, layer, ratios, lmbda, prices, rounds, rich, room):  # type: ignore[no-untyped-def]
    """Climb, add harmonics if `rich`, and choose chroma; return the worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residuals without this layer.
    ratios : (C,) float64
        Step of the layer's component over that of each component.
    room : tuple
        See `scratch`.
    """
    sums, trial, best, waves, frame = room
    layer[MORE] = 0
    worth = climb(pyramid, layer, rounds, lmbda, prices, sums, trial, best)
    if worth < _HOPELESS * lmbda:
        return worth
    if rich:
        worth += extend(pyramid, layer, lmbda, sums, waves, frame)
    return worth + color(pyramid, layer, ratios, lmbda, waves, frame)


@compiled
def demanded(demand, layer):  # type: ignore[no-untyped-def]
    """Factor of what a bit has to gain, by role, octave and place of a layer; 1 without."""
    if demand.shape[2] == 0:
        return 1.0
    minor = radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))[1]
    # Half a cycle across the window, or what its one bump makes.
    half = 2.0 * minor / (16.0 * max(_ACROSS[layer[FREQUENCY]], 1))
    octave = 0
    while half > 2.0 and octave < demand.shape[1] - 1:
        half *= 0.5
        octave += 1
    y = min(max(np.int64(layer[TOP]) >> 8, 0), demand.shape[2] - 1)
    x = min(max(np.int64(layer[LEFT]) >> 8, 0), demand.shape[3] - 1)
    return demand[1 if layer[COMP] == 1 or layer[COMP] == 2 else 0, octave, y, x]


@compiled
def accept(  # type: ignore[no-untyped-def]
    pyramid, layers, count, proposals, ratios, lmbda, demand, prices, least, rounds, rich, room
):
    """Take proposals in turn: climb, and keep what is worth its bits.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residuals; accepted layers are taken away.
    layers : (n, FIELDS) int32
        Accepted ones are put from row `count` on.
    count : int
    proposals : (k, FIELDS) int32
    ratios : (C, C) float64
        Step of one component over that of another.
    lmbda : float
    demand : (2, octaves, rows, columns) float64
        See `demanded`; without rows there is none.
    prices : tuple
    least : float
        Bits that a layer must earn beyond its own.
    rounds : int
        See `climb`.
    rich : bool
        Whether windows may have several harmonics.
    room : tuple

    Returns
    -------
    int
        Layers there are now.
    """
    sums, trial, _, waves, frame = room
    for i in range(len(proposals)):
        if count >= len(layers):
            break
        layer = proposals[i]
        comp = layer[COMP]
        mine = lmbda * demanded(demand, layer)
        copy(layer, trial)
        if assess(pyramid, trial, 0, FREQUENCIES, mine, prices, sums) < _HOPELESS * mine:
            continue
        worth = refit(pyramid, layer, ratios[comp], mine, prices, rounds, rich, room)
        if worth > least * mine:
            add(pyramid, layer, ratios[comp], -1.0, waves, frame)
            copy(layer, layers[count])
            count += 1
    return count


@compiled
def sweep(  # type: ignore[no-untyped-def]
    pyramid, layers, count, ratios, lmbda, demand, prices, least, rounds, rich, room
):
    """Take every window out, fit it again, and put it back if it is worth its bits.

    Returns
    -------
    int
        Layers kept; they are the first rows, in their order.
    """
    waves, frame = room[3], room[4]
    kept = 0
    for i in range(count):
        layer = layers[i]
        comp = layer[COMP]
        mine = lmbda * demanded(demand, layer)
        add(pyramid, layer, ratios[comp], 1.0, waves, frame)
        worth = refit(pyramid, layer, ratios[comp], mine, prices, rounds, rich, room)
        if worth <= least * mine:
            continue
        add(pyramid, layer, ratios[comp], -1.0, waves, frame)
        copy(layer, layers[kept])
        kept += 1
    return kept


@compiled
def rescale(pyramid, layers, factor, ratios, room):  # type: ignore[no-untyped-def]
    """Express layers in other steps, amplitudes `factor` times as many, and take them away."""
    waves, frame = room[3], room[4]
    for layer in layers:
        size = factor * amplitude_at(np.int64(layer[BUCKET]), np.int64(layer[FINE]))
        bucket, fine = level_of(size)
        if bucket < 0:
            bucket, fine = BUCKETS - 1, 7
        layer[BUCKET] = bucket
        layer[FINE] = round_fine(bucket, np.int64(layer[SCALE]), fine)
        add(pyramid, layer, ratios[layer[COMP]], -1.0, waves, frame)


@compiled
def judge(pyramid, layers, ratios, prices, gain, bits, room):  # type: ignore[no-untyped-def]
    """Fill what each layer removes from the residual of all, and its bits.

    Parameters
    ----------
    gain, bits : (n,) float64
        Filled.
    """
    waves, frame = room[3], room[4]
    components = pyramid[0].shape[0]
    for i in range(len(layers)):
        layer = layers[i]
        comp = layer[COMP]
        for other in range(components):
            part = 1.0
            if other != comp:
                slope = layer[BLUE] if other == 1 else (layer[RED] if other == 2 else 0)
                part = slope * ratios[comp, other] / 8.0
            if part == 0.0:
                continue
            product, norm = project(pyramid, other, layer, waves, frame)
            gain[i] += part * (2.0 * product + part * norm)
        bits[i] = price(layer, prices) + 12.0 * layer[MORE] + abs(layer[BLUE]) + abs(layer[RED])


def scratch() -> tuple[Any, ...]:
    """Room for the kernels: that of `measure`, two layers, harmonics, a window's frame."""
    return (
        measuring(),
        np.zeros(FIELDS, np.int32),
        np.zeros(FIELDS, np.int32),
        np.zeros((1 + MOST_EXTRA, 4)),
        np.zeros(8),
    )


__all__ = ["accept", "add", "scratch", "sweep"]
