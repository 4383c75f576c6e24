"""Accepting and refitting windows level by level of a pyramid, the coarsest first. Encoder.

A wide window covers thousands of pixels, and tells as much on every fourth of them. So windows
are taken from the level that they are measured on alone, and what a level lost is carried to
the finer ones in one go. That large windows go first is made good by a bar, which is high at
first: what gains little for its bits waits until what gains much has been taken.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled
from ..format.layout import (
    BLUE,
    BUCKET,
    BUCKETS,
    COMP,
    FIELDS,
    FINE,
    FREQUENCY,
    RED,
    SCALE,
)
from .aiming import UNKNOWNS, fitted
from .windows import matching
from .windows.correlation import (
    amplitude_at,
    assess,
    level_of,
    level_of_layer,
    near,
    price,
    round_fine,
)
from .windows.ellipse import axes_of, columns_of, rows_of
from .windows.matching import copy, demanded
from .windows.residual import waves_at, waves_of

FloatArray = npt.NDArray[np.float32]
Layers = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

COARSEST = 2
"""Level of the pyramid with the fewest samples."""
_NEARLY = 0.6
"""How much of its bits a proposal may lack under the bar before it is brought to its place."""
_LOST = -0.5
"""Worth, in its bits, below which a proposal is not looked at again."""
_OPEN, _TAKEN, _OUT = range(3)


@compiled
def _put(planes, level, layer, ratios, sign, waves):  # type: ignore[no-untyped-def]
    """Add a window, with its chroma, to one level (C, H, W) of a pyramid."""
    _, height, width = planes.shape
    count = waves_of(layer, waves)
    axes = axes_of(layer, level)
    y0, x0, ux, uy, vx, vy = axes[0], axes[1], axes[2], axes[3], axes[4], axes[5]
    comp = layer[COMP]
    blue = layer[BLUE] * ratios[1] / 8.0 if layer[BLUE] else 0.0
    red = layer[RED] * ratios[2] / 8.0 if layer[RED] else 0.0
    first, end = rows_of(axes, height)
    for y in range(first, end):
        dy = y - y0
        left, right = columns_of(axes, y, width)
        for x in range(left, right):
            dx = x - x0
            u, v = dx * ux + dy * uy, dx * vx + dy * vy
            w = 1.0 - u * u - v * v
            value = sign * w * w * w * waves_at(u, v, waves, count)
            planes[comp, y, x] += value
            if blue != 0.0:
                planes[1, y, x] += value * blue
            if red != 0.0:
                planes[2, y, x] += value * red


@compiled
def _enlarge(change, fine):  # type: ignore[no-untyped-def]
    """Add (C, h, w) to planes of twice the size, linear between the centres of samples."""
    components, height, width = fine.shape
    _, rows, columns = change.shape
    near, far = np.float32(0.75), np.float32(0.25)
    for comp in range(components):
        for y in range(height):
            i = y >> 1
            k = min(max(i + 2 * (y & 1) - 1, 0), rows - 1)
            for x in range(width):
                j = x >> 1
                m = min(max(j + 2 * (x & 1) - 1, 0), columns - 1)
                one = near * change[comp, i, j] + far * change[comp, k, j]
                other = near * change[comp, i, m] + far * change[comp, k, m]
                fine[comp, y, x] += near * one + far * other


@compiled
def _halve(planes, coarse):  # type: ignore[no-untyped-def]
    """Fill planes of half the size with means over two samples a side; outside there is nothing."""
    components, height, width = planes.shape
    _, rows, columns = coarse.shape
    quarter = np.float32(0.25)
    for comp in range(components):
        for i in range(rows):
            for j in range(columns):
                total = planes[comp, 2 * i, 2 * j]
                right, below = 2 * j + 1 < width, 2 * i + 1 < height
                if right:
                    total += planes[comp, 2 * i, 2 * j + 1]
                if below:
                    total += planes[comp, 2 * i + 1, 2 * j]
                if right and below:
                    total += planes[comp, 2 * i + 1, 2 * j + 1]
                coarse[comp, i, j] = quarter * total


@compiled
def _rescale(layers, factor):  # type: ignore[no-untyped-def]
    """Make the amplitudes of layers `factor` times as many steps, in place."""
    for layer in layers:
        bucket, fine = level_of(
            factor * amplitude_at(np.int64(layer[BUCKET]), np.int64(layer[FINE]))
        )
        if bucket < 0:
            bucket, fine = BUCKETS - 1, 7
        layer[BUCKET] = bucket
        layer[FINE] = round_fine(bucket, np.int64(layer[SCALE]), fine)


@compiled
def _draw(planes, level, layers, ratios, sign, waves):  # type: ignore[no-untyped-def]
    """Add all windows of a level to its planes."""
    for layer in layers:
        if level_of_layer(layer) == level:
            _put(planes, level, layer, ratios[layer[COMP]], sign, waves)


@compiled
def _accept(  # type: ignore[no-untyped-def]
    pyramid, level, layers, count, proposals, states, bar, ratios, lmbda, demand, prices, steps,
    room, system, spare,
):  # fmt: skip
    """Take proposals of a level that gain `bar` times their bits; return the layers there are."""
    sums, first, waves = room[0], room[1], room[3]
    for i in range(len(proposals)):
        if count >= len(layers):
            break
        layer = proposals[i]
        if states[i] != _OPEN or level_of_layer(layer) != level:
            continue
        mine = lmbda * demanded(demand, layer)
        copy(layer, first)
        low, high = near(np.int64(layer[FREQUENCY]))
        worth = assess(pyramid, first, low, high, mine, prices, sums)
        cost = mine * price(first, prices)
        if worth < (bar - 1.0 - _NEARLY) * cost:
            if worth < _LOST * cost:
                states[i] = _OUT
            continue
        copy(layer, spare)
        comp = layer[COMP]
        worth = fitted(pyramid, spare, ratios[comp], -1, mine, prices, steps, room, system)
        if worth > (bar - 1.0) * mine * price(spare, prices):
            _put(pyramid[level], level, spare, ratios[comp], -1.0, waves)
            copy(spare, layers[count])
            states[i] = _TAKEN
            count += 1
    return count


@compiled
def _sweep(  # type: ignore[no-untyped-def]
    pyramid, level, layers, states, ratios, lmbda, demand, prices, steps, room, system
):
    """Take every window of a level out, fit it again, and put it back if it is worth its bits."""
    waves = room[3]
    for i in range(len(layers)):
        layer = layers[i]
        if states[i] != _OPEN or level_of_layer(layer) != level:
            continue
        comp = layer[COMP]
        mine = lmbda * demanded(demand, layer)
        _put(pyramid[level], level, layer, ratios[comp], 1.0, waves)
        only = np.int64(layer[FREQUENCY])
        worth = fitted(pyramid, layer, ratios[comp], only, mine, prices, steps, room, system)
        states[i] = _OUT
        if worth > 0.0:
            _put(pyramid[level], level, layer, ratios[comp], -1.0, waves)
            states[i] = _TAKEN


def _carry(pyramid: tuple[FloatArray, ...], level: int, change: FloatArray) -> None:
    """Bring what changed on a level to the finer ones."""
    while level:
        level -= 1
        wider = np.zeros_like(pyramid[level])
        _enlarge(change, wider)
        pyramid[level][:] += wider
        change = wider


def _renew(pyramid: tuple[FloatArray, ...]) -> None:
    """Bring what changed on the finest level to the coarser ones."""
    for fine, coarse in itertools.pairwise(pyramid):
        _halve(fine, coarse)


def accepted(
    pyramid: tuple[FloatArray, ...],
    layers: Layers,
    proposals: Layers,
    bars: tuple[float, ...],
    steps: int,
    most: int,
    terms: tuple[Floats, float, Floats, tuple[Any, ...]],
) -> Layers:
    """Add proposals that pay to layers.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        What `layers` leave, in steps, and its averages over 2 and 4 pixels a side; changed.
    layers : (n, FIELDS) int32
    proposals : (k, FIELDS) int32
        The most worthy first.
    bars : tuple of float
        What a proposal must gain, in its own bits: first so much, then less.
    steps : int
        See `aiming.aim`.
    most : int
        Layers that there may be.
    terms : tuple
        Ratios of steps, Lagrangian multiplier, demand, prices: see `matching.accept`.

    Returns
    -------
    (n, FIELDS) int32
        As given, with what was accepted.
    """
    ratios, lmbda, demand, prices = terms
    count = min(len(layers), most)
    found = np.zeros((min(most, len(layers) + len(proposals)), FIELDS), np.int32)
    found[:count] = layers[:count]
    states = np.zeros(len(proposals), np.int64)
    room, system = matching.scratch(), np.zeros((UNKNOWNS, UNKNOWNS + 1))
    spare = np.zeros(FIELDS, np.int32)
    for bar in bars:
        for level in range(COARSEST, -1, -1):
            before = pyramid[level].copy()
            count = _accept(
                pyramid, level, found, count, proposals, states, bar, ratios, lmbda, demand,
                prices, steps, room, system, spare,
            )  # fmt: skip
            _carry(pyramid, level, pyramid[level] - before)
        _renew(pyramid)
    return found[:count].copy()


def swept(
    pyramid: tuple[FloatArray, ...],
    layers: Layers,
    steps: int,
    terms: tuple[Floats, float, Floats, tuple[Any, ...]],
) -> Layers:
    """Fit every window again; drop those that do not pay.

    Parameters
    ----------
    pyramid, layers, steps, terms
        See `accepted`.
    """
    layers, states = layers.copy(), np.zeros(len(layers), np.int64)
    room, system = matching.scratch(), np.zeros((UNKNOWNS, UNKNOWNS + 1))
    for level in range(COARSEST, -1, -1):
        before = pyramid[level].copy()
        _sweep(pyramid, level, layers, states, *terms, steps, room, system)
        _carry(pyramid, level, pyramid[level] - before)
    _renew(pyramid)
    kept: Layers = layers[states == _TAKEN]
    return kept


def rescaled(
    pyramid: tuple[FloatArray, ...], layers: Layers, factor: float, ratios: Floats
) -> Layers:
    """Express layers in other steps, and take them away; see `matching.rescale`."""
    layers, waves = layers.copy(), matching.scratch()[3]
    _rescale(layers, factor)
    for level in range(COARSEST, -1, -1):
        before = pyramid[level].copy()
        _draw(pyramid[level], level, layers, ratios, -1.0, waves)
        _carry(pyramid, level, pyramid[level] - before)
    _renew(pyramid)
    return layers
