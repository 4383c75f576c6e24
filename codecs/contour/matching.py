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

import numpy as np

from ...shared.compiled import compiled
from .layout import (
    ANGLE,
    ANGLES,
    ASPECT,
    ASPECTS,
    BLUE,
    BUCKET,
    COMP,
    CUTS,
    FINE,
    FREQUENCY,
    KIND,
    LEFT,
    MORE,
    RED,
    SCALE,
    SCALES,
    SLOPES,
    TOP,
    angle_log,
    grid_log,
    radii,
)
from .measuring import LEAST_RADIUS, NOTHING, add, amplitude_at, assess, project

_ALL = -1
_MOVES = 14


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
def settle(plane, layer, lmbda, prices, sums):  # type: ignore[no-untyped-def]
    """Round place and angle to the precision that the amplitude allows; return the worth."""
    height, width = plane.shape
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
        frequency = layer[FREQUENCY]
        layer[TOP], layer[LEFT], layer[ANGLE] = top, left, angle
        worth = assess(plane, layer, np.int64(frequency), lmbda, prices, sums)
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
def climb(plane, layer, rounds, lmbda, prices, sums, trial, best):  # type: ignore[no-untyped-def]
    """Move a window uphill, then round it to the format; return its worth.

    Parameters
    ----------
    plane : (H, W) float32
        Residual without this layer.
    layer : (FIELDS,) int32
        Changed in place, unless nothing better was found than its outline as it was.
    rounds : int
        Times that all moves are tried, at most.
    """
    copy(layer, best)
    top = assess(plane, best, _ALL, lmbda, prices, sums)
    for _ in range(rounds):
        before = top
        for which in range(_MOVES):
            copy(best, trial)
            if not move(trial, which):
                continue
            worth = assess(plane, trial, np.int64(best[FREQUENCY]), lmbda, prices, sums)
            while worth > top + 1e-6:
                copy(trial, best)
                top = worth
                if not move(trial, which):
                    break
                worth = assess(plane, trial, np.int64(best[FREQUENCY]), lmbda, prices, sums)
        if top <= before + 1e-6:
            break
    worth = settle(plane, best, lmbda, prices, sums)
    # What it was, refitted, may be better than the best after rounding.
    copy(layer, trial)
    plain = settle(plane, trial, lmbda, prices, sums)
    if plain >= worth:
        copy(trial, layer)
        return plain
    copy(best, layer)
    return worth


@compiled
def color(planes, layer, ratios, lmbda):  # type: ignore[no-untyped-def]
    """Choose how chroma follows a layer; return what that is worth.

    Parameters
    ----------
    planes : (C, H, W) float32
        Residuals without this layer.
    layer : (FIELDS,) int32
        `BLUE` and `RED` are filled.
    ratios : (C,) float64
    lmbda : float
    """
    layer[BLUE], layer[RED] = 0, 0
    comp = layer[COMP]
    total = 0.0
    if planes.shape[0] < 3 or comp > 1:
        return total
    size = amplitude_at(np.int64(layer[BUCKET]), np.int64(layer[FINE]))
    for other in range(comp + 1, 3):
        product, norm = project(planes[other], layer)
        unit = size * ratios[other] / 8.0
        slope = min(max(round(product / max(norm * unit, 1e-9)), -SLOPES), SLOPES)
        if slope == 0:
            continue
        gain = slope * unit * (2.0 * product - slope * unit * norm) - lmbda * (2.5 + abs(slope))
        if gain > 0:
            layer[BLUE if other == 1 else RED] = slope
            total += gain
    return total


@compiled
def accept(  # type: ignore[no-untyped-def]
    planes, layers, count, proposals, ratios, lmbda, prices, least, rounds, sums, trial, best
):
    """Take proposals in turn: climb, and keep what is worth its bits.

    Parameters
    ----------
    planes : (C, H, W) float32
        Residuals; accepted layers are taken away.
    layers : (n, FIELDS) int32
        Accepted ones are put from row `count` on.
    count : int
    proposals : (k, FIELDS) int32
    ratios : (C, C) float64
        Step of one component over that of another.
    lmbda : float
    prices : tuple
    least : float
        Bits that a layer must earn beyond its own.
    rounds : int
        See `climb`.

    Returns
    -------
    int
        Layers there are now.
    """
    for i in range(len(proposals)):
        if count >= len(layers):
            break
        layer = proposals[i]
        comp = layer[COMP]
        plane = planes[comp]
        copy(layer, trial)
        if assess(plane, trial, _ALL, lmbda, prices, sums) < -6.0 * lmbda:
            continue
        worth = climb(plane, layer, rounds, lmbda, prices, sums, trial, best)
        if worth > -4.0 * lmbda:
            worth += color(planes, layer, ratios[comp], lmbda)
        if worth > least * lmbda:
            add(planes, layer, ratios[comp], -1.0)
            copy(layer, layers[count])
            count += 1
    return count


@compiled
def sweep(planes, layers, count, ratios, lmbda, prices, least, rounds, sums, trial, best):  # type: ignore[no-untyped-def]
    """Take every window out, fit it again, and put it back if it is worth its bits.

    Returns
    -------
    int
        Layers kept; they are the first rows, in their order.
    """
    kept = 0
    for i in range(count):
        layer = layers[i]
        if layer[KIND] or layer[MORE] or layer[CUTS]:
            copy(layer, layers[kept])
            kept += 1
            continue
        comp = layer[COMP]
        add(planes, layer, ratios[comp], 1.0)
        worth = climb(planes[comp], layer, rounds, lmbda, prices, sums, trial, best)
        worth += color(planes, layer, ratios[comp], lmbda)
        if worth > least * lmbda:
            add(planes, layer, ratios[comp], -1.0)
            copy(layer, layers[kept])
            kept += 1
    return kept


__all__ = ["accept", "add", "color", "sweep"]
