"""A window brought to its place by least squares, not by climbing (compiled floats). Encoder.

The network says where a window belongs, about. What is left of the picture there is, to first
order, the window with other amplitudes plus its derivatives by place, both radii and angle, each
times how far off it is: one linear system of seven unknowns (Gauss and Newton's step). Windows
that explain little of what they cover hardly move, as `_MOST_OFF` says against the noise.
"""

from __future__ import annotations

import math

import numpy as np

from ....shared.compiled import compiled
from ..format.layout import (
    ACROSS,
    ANGLE,
    ANGLES,
    ASPECT,
    ASPECTS,
    COMP,
    FREQUENCY,
    LEFT,
    MORE,
    SCALE,
    SCALES,
    TOP,
    radii,
)
from .windows.correlation import (
    LEAST_RADIUS,
    NOTHING,
    WAVES,
    assess,
    level_of_layer,
    near,
    strongest,
)
from .windows.ellipse import axes_of, columns_of, rows_of
from .windows.matching import color, copy, settle

UNKNOWNS = 7
"""Amplitudes of cosine and sine; along and across, in radii; logarithms of both radii; angle."""
_ACROSS = np.array(ACROSS, np.int64)
_NOISE = 4.0
"""What a sample of the rest counts for, as if so many samples were wrong together."""
_MOST_OFF = 0.35
"""How far off a proposal is, about: radii, logarithms, radians."""
_REACH, _STRETCH, _TURN = 0.6, 0.7, 0.5
"""The most that a window moves at once, in the same units."""
_ENOUGH = 0.5
"""Bits that a step must gain for another to follow."""
_HOPELESS = -6.0
"""Bits that a window may lack before its chroma is looked at."""


@compiled
def _slopes(plane, layer, axes, cosine, sine, system):  # type: ignore[no-untyped-def]
    """Fill the upper half of the normal equations; return the mean squared rest.

    Parameters
    ----------
    plane : (H, W) float32
        Residual on the level of `axes`.
    layer : (FIELDS,) int32
    axes : tuple
        See `ellipse.axes_of`.
    cosine, sine : float
        Amplitudes as they are.
    system : (UNKNOWNS, UNKNOWNS + 1) float64
        The last column is the right side.
    """
    height, width = plane.shape
    k = _ACROSS[layer[FREQUENCY]]
    major, minor = radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))
    flat, tall = minor / major, major / minor
    y0, x0, ux, uy, vx, vy = axes[0], axes[1], axes[2], axes[3], axes[4], axes[5]
    for i in range(UNKNOWNS):
        for j in range(UNKNOWNS + 1):
            system[i, j] = 0.0
    energy, count = 0.0, 0
    first, end = rows_of(axes, height)
    for y in range(first, end):
        dy = y - y0
        left, right = columns_of(axes, y, width)
        for x in range(left, right):
            dx = x - x0
            u, v = dx * ux + dy * uy, dx * vx + dy * vy
            q = max(1.0 - u * u - v * v, 0.0)
            w, fall = q * q * q, -6.0 * q * q
            p = int(v * 256.0 * k + 262144.0) & 1023
            c, s = WAVES[p], WAVES[(p + 256) & 1023]
            wave = cosine * c + sine * s
            by_u = fall * u * wave
            by_v = fall * v * wave + w * (0.5 * math.pi) * k * (cosine * s - sine * c)
            r = plane[y, x]
            a, b = w * c, w * s
            d, e = u * by_u, v * by_v
            t = v * flat * by_u - u * tall * by_v
            system[0, 0] += a * a
            system[0, 1] += a * b
            system[0, 2] -= a * by_u
            system[0, 3] -= a * by_v
            system[0, 4] -= a * d
            system[0, 5] -= a * e
            system[0, 6] += a * t
            system[0, 7] += a * r
            system[1, 1] += b * b
            system[1, 2] -= b * by_u
            system[1, 3] -= b * by_v
            system[1, 4] -= b * d
            system[1, 5] -= b * e
            system[1, 6] += b * t
            system[1, 7] += b * r
            system[2, 2] += by_u * by_u
            system[2, 3] += by_u * by_v
            system[2, 4] += by_u * d
            system[2, 5] += by_u * e
            system[2, 6] -= by_u * t
            system[2, 7] -= by_u * r
            system[3, 3] += by_v * by_v
            system[3, 4] += by_v * d
            system[3, 5] += by_v * e
            system[3, 6] -= by_v * t
            system[3, 7] -= by_v * r
            system[4, 4] += d * d
            system[4, 5] += d * e
            system[4, 6] -= d * t
            system[4, 7] -= d * r
            system[5, 5] += e * e
            system[5, 6] -= e * t
            system[5, 7] -= e * r
            system[6, 6] += t * t
            system[6, 7] += t * r
            off = r - w * wave
            energy += off * off
            count += 1
    return energy / max(count, 1)


@compiled
def _solved(system, noise, wavy, circular):  # type: ignore[no-untyped-def]
    """Solve the equations in place; False if they have no solution.

    Parameters
    ----------
    noise : float
        What keeps a window where it is.
    wavy, circular : bool
        Without a wave there is no sine; a circle without one has no angle.
    """
    for i in range(UNKNOWNS):
        for j in range(i):
            system[i, j] = system[j, i]
    for i in range(2, UNKNOWNS):
        system[i, i] += noise / (_MOST_OFF * _MOST_OFF)
    if not wavy:
        system[1, 1] += 1e9
    if circular:
        system[6, 6] += 1e9
    for i in range(UNKNOWNS):
        pivot = system[i, i]
        if pivot <= 1e-9:
            return False
        for j in range(UNKNOWNS):
            factor = system[j, i] / pivot
            if j != i and factor != 0.0:
                for k in range(i, UNKNOWNS + 1):
                    system[j, k] -= factor * system[i, k]
    for i in range(UNKNOWNS):
        system[i, UNKNOWNS] /= system[i, i]
    return True


@compiled
def _within(value, most):  # type: ignore[no-untyped-def]
    return min(max(value, -most), most)


@compiled
def _moved(layer, system):  # type: ignore[no-untyped-def]
    """Move an outline by the solution of its equations; False if that changes nothing."""
    major, minor = radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))
    turn = math.pi * layer[ANGLE] / ANGLES
    c, s = math.cos(turn), math.sin(turn)
    along = _within(system[2, UNKNOWNS], _REACH) * major
    across = _within(system[3, UNKNOWNS], _REACH) * minor
    longer, wider = _within(system[4, UNKNOWNS], _STRETCH), _within(system[5, UNKNOWNS], _STRETCH)
    top = layer[TOP] + round(along * s + across * c)
    left = layer[LEFT] + round(along * c - across * s)
    scale = layer[SCALE] + round((longer + wider) / math.log(2.0))
    aspect = layer[ASPECT] + round(2.0 * (longer - wider) / math.log(2.0))
    angle = layer[ANGLE] + round(_within(system[6, UNKNOWNS], _TURN) * ANGLES / math.pi)
    if aspect < 0:
        # The minor axis has become the major one, unless a wave says which is which.
        aspect = 0 if layer[FREQUENCY] > 0 else -aspect
        angle += ANGLES // 2 if aspect else 0
    scale, aspect = min(max(scale, 0), SCALES - 1), min(aspect, ASPECTS - 1)
    while aspect > 0 and radii(scale, aspect)[1] < LEAST_RADIUS:
        aspect -= 1
    angle %= ANGLES
    same = top == layer[TOP] and left == layer[LEFT] and angle == layer[ANGLE]
    if same and scale == layer[SCALE] and aspect == layer[ASPECT]:
        return False
    layer[TOP], layer[LEFT], layer[ANGLE] = top, left, angle
    layer[SCALE], layer[ASPECT] = scale, aspect
    return radii(scale, aspect)[1] >= LEAST_RADIUS


@compiled
def _step(pyramid, layer, level, sums, system):  # type: ignore[no-untyped-def]
    """Move an outline by one step of least squares; `sums` are those of its harmonics."""
    wavy = layer[FREQUENCY] > 0
    amplitude, phase = strongest(sums[0], np.int64(layer[FREQUENCY]))
    if amplitude <= 0:
        return False
    turn = 2.0 * math.pi * phase
    cosine, sine = amplitude * math.cos(turn), amplitude * math.sin(turn)
    plane = pyramid[level][layer[COMP]]
    rest = _slopes(plane, layer, axes_of(layer, level), cosine, sine, system)
    if not _solved(system, _NOISE * rest, wavy, layer[ASPECT] == 0 and not wavy):
        return False
    return _moved(layer, system) and level_of_layer(layer) == level


@compiled
def aim(pyramid, layer, steps, only, lmbda, prices, sums, trial, best, system):  # type: ignore[no-untyped-def]
    """Bring a window to its place, and round it to the format; return its worth.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residual without this layer; only the level on which it is measured is read.
    layer : (FIELDS,) int32
        Changed in place. It stays on its level.
    steps : int
        Steps of least squares, at most.
    only : int
        Index of the frequency to try first, with its neighbours, or -1 for all.
    lmbda : float
    prices : tuple
    sums, trial, best : ndarray
        See `matching.scratch`.
    system : (UNKNOWNS, UNKNOWNS + 1) float64
        Scratch.
    """
    level = level_of_layer(layer)
    copy(layer, best)
    low, high = near(np.int64(only))
    top = assess(pyramid, best, low, high, lmbda, prices, sums)
    if top <= NOTHING:
        return NOTHING
    copy(best, trial)
    for _ in range(steps):
        if not _step(pyramid, trial, level, sums, system):
            break
        low, high = near(np.int64(trial[FREQUENCY]))
        worth = assess(pyramid, trial, low, high, lmbda, prices, sums)
        if worth <= top:
            break
        copy(trial, best)
        gained, top = worth - top, worth
        if gained < _ENOUGH * lmbda:
            break
    worth = settle(pyramid, best, lmbda, prices, sums)
    if worth <= 0.0:
        # What it was, refitted, may be better than the best after rounding.
        copy(layer, trial)
        plain = settle(pyramid, trial, lmbda, prices, sums)
        if plain > worth:
            copy(trial, best)
            worth = plain
    copy(best, layer)
    return worth


@compiled
def fitted(  # type: ignore[no-untyped-def]
    pyramid, layer, ratios, only, lmbda, prices, steps, room, system
):
    """Bring a window to its place, and choose its chroma; return the worth.

    Parameters
    ----------
    ratios : (C,) float64
        Step of the layer's component over that of each component.
    room : tuple
        See `matching.scratch`.
    """
    sums, trial, best, waves, frame = room
    layer[MORE] = 0
    worth = aim(pyramid, layer, steps, only, lmbda, prices, sums, trial, best, system)
    if worth < _HOPELESS * lmbda:
        return worth
    return worth + color(pyramid, layer, ratios, lmbda, waves, frame)
