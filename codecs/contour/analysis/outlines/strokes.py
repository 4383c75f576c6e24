"""Strokes: ridges of the residual, followed step by step, then fitted. Encoder.

References
----------
C. Steger, "An unbiased detector of curvilinear structures", IEEE TPAMI 20(2), 1998,
doi:10.1109/34.659930.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from ...format.layout import (
    ANGLE,
    ANGLES,
    BUCKET,
    COUNT,
    FIELDS,
    KIND,
    LEFT,
    MOST_NODES,
    NODE,
    SCALE,
    SOFTNESS,
    STROKE,
    TAPER,
    TOP,
    radius_of,
)
from ...synthesis.curves import path
from ..windows.correlation import NOTHING, WAVES
from ..windows.matching import copy
from .climbing import descend
from .fills import color_masked, explained
from .masks import add_masked, appraise, masked_price, masked_room

FloatArray = npt.NDArray[np.float32]

_WIDTHS = ((1.0, 1), (2.0, 3), (4.0, 5))
"""Deviation of the filter, and class of the width that it starts with."""
_BENT = 5
_LEAST = 0.9
"""Steps that a ridge must stand out by."""
_LONGEST = 5
_WORK = 200_000_000
"""Pixels looked at, at effort 5."""


@compiled
def _blur(plane, top, left, bottom, right, reach, out):  # type: ignore[no-untyped-def]
    """Average over squares of ``2 * reach + 1`` pixels, in a box."""
    height, width = plane.shape
    for y in range(max(top, 0), min(bottom, height)):
        for x in range(max(left, 0), min(right, width)):
            total, count = 0.0, 0
            for i in range(max(y - reach, 0), min(y + reach + 1, height)):
                for j in range(max(x - reach, 0), min(x + reach + 1, width)):
                    total += plane[i, j]
                    count += 1
            out[y, x] = total / count


@compiled
def _along(mean, y, x, phi, length, amplitude, seen, mark, out):  # type: ignore[no-untyped-def]
    """Gain of a step a pixel of width; `out` takes the end. Own pixels count as none."""
    height, width = mean.shape
    dx, dy = WAVES[(phi * 16) & 1023], WAVES[(phi * 16 - 256) & 1023]
    steps = max(int(length), 1)
    total = 0.0
    for k in range(1, steps + 1):
        t = k * length / steps
        i, j = int(y + dy * t + 1.0) - 1, int(x + dx * t + 1.0) - 1
        r = 0.0
        if 0 <= i < height and 0 <= j < width:
            r = mean[i, j]
            if seen[i, j] >> 5 == mark >> 5 and (seen[i, j] & 31) + 1 < (mark & 31):
                r = 0.0
        total += amplitude * (2.0 * r - amplitude)
    out[0], out[1] = y + dy * length, x + dx * length
    return total * length / steps


@compiled
def _note(seen, y, x, phi, length, reach, mark):  # type: ignore[no-untyped-def]
    """Mark the pixels of a step."""
    height, width = seen.shape
    dx, dy = WAVES[(phi * 16) & 1023], WAVES[(phi * 16 - 256) & 1023]
    for k in range(int(length) + 1):
        cy, cx = int(y + dy * k + 1.0) - 1, int(x + dx * k + 1.0) - 1
        for i in range(max(cy - reach, 0), min(cy + reach + 1, height)):
            for j in range(max(cx - reach, 0), min(cx + reach + 1, width)):
                if seen[i, j] >> 5 != mark >> 5:
                    seen[i, j] = mark


@compiled
def _grow(mean, layer, place, phi, amplitude, thick, lmbda, seen, mark, ends):  # type: ignore[no-untyped-def]
    """Add steps at the end of a path while they pay; return the direction of the last.

    Parameters
    ----------
    place : (2,) float64
        End of the path, pixels; updated.
    phi : int
        Direction of its last step, 64ths of a turn.
    """
    length = radius_of(8 + 2 * np.int64(layer[SOFTNESS])) / 16.0
    reach = int(thick / 2.0)
    while layer[COUNT] < MOST_NODES:
        best, turn = 0.0, 99
        first = layer[COUNT] == 0
        label = mark + layer[COUNT]
        for a in range(-_BENT, _BENT + 1):
            if first and a:
                continue
            one = _along(
                mean, place[0], place[1], phi + 2 * a, length, amplitude, seen, label, ends[0]
            )
            if one <= 0.0:
                continue
            one = thick * one - lmbda * (1.0 + abs(a))
            more = 0.0
            for b in range(-_BENT, _BENT + 1):
                two = _along(
                    mean,
                    ends[0, 0],
                    ends[0, 1],
                    phi + 2 * a + 2 * b,
                    length,
                    amplitude,
                    seen,
                    label,
                    ends[1],
                )
                more = max(more, thick * two - lmbda * (1.0 + abs(b)))
            if one > 0.0 and one + more > best:
                best, turn = one + more, a
        if turn == 99:
            break
        layer[NODE + layer[COUNT]] = turn
        phi += 2 * turn
        _note(seen, place[0], place[1], phi, length, reach, label)
        place[0] += length * WAVES[(phi * 16 - 256) & 1023]
        place[1] += length * WAVES[(phi * 16) & 1023]
        layer[COUNT] += 1
    return phi


@compiled
def _reverse(layer, place, phi):  # type: ignore[no-untyped-def]
    """Let a path start at its end, `place`; its last direction was `phi`."""
    count = layer[COUNT]
    layer[TOP], layer[LEFT] = round(place[0] * 16.0), round(place[1] * 16.0)
    layer[ANGLE] = (phi + ANGLES // 2) % ANGLES
    for i in range(1, (count + 1) // 2):
        a, b = layer[NODE + i], layer[NODE + count - i]
        layer[NODE + i], layer[NODE + count - i] = -b, -a
    if count and count % 2 == 0:
        layer[NODE + count // 2] = -layer[NODE + count // 2]


@compiled
def trace_one(mean, layer, y, x, phi, amplitude, scale, edge, lmbda, seen, mark, ends):  # type: ignore[no-untyped-def]
    """Follow a ridge both ways from a point; the path is put into `layer`."""
    for i in range(FIELDS):
        layer[i] = 0
    layer[KIND], layer[SCALE], layer[SOFTNESS], layer[TAPER] = STROKE, scale, edge, 2
    # A bucket of about that amplitude: what the grid is until a mask was measured.
    layer[BUCKET] = 12
    thick = 2.0 * radius_of(2 * scale - 2) / 16.0
    place = ends[2]
    place[0], place[1] = y, x
    phi = _grow(mean, layer, place, phi, amplitude, thick, lmbda, seen, mark, ends)
    if layer[COUNT] == 0:
        return False
    first = phi
    for i in range(1, layer[COUNT]):
        first -= 2 * layer[NODE + i]
    _reverse(layer, place, phi)
    place[0], place[1] = y, x
    mark += 32
    back = first + ANGLES // 2
    last = _grow(mean, layer, place, back, amplitude, thick, lmbda, seen, mark, ends)
    if last < 0:
        return False
    layer[NODE] = 0
    return True


@compiled
def accept_strokes(  # type: ignore[no-untyped-def]
    pyramid, seeds, means, ratios, lmbda, limits, prices, rounds, layers, seen, ends, room, work
):
    """Follow ridges in turn, and keep the strokes that are worth their bits.

    Parameters
    ----------
    seeds : (n, 5) float64
        y, x, direction in 64ths of a turn, index of the width, class of the width.
    means : (widths, H, W) float32
        Averages of the residual, kept up to date.
    limits : tuple
        What a stroke must earn beyond its bits, in times of them; the part it must explain.
    layers : (k, FIELDS) int32
        Filled.
    seen : (H, W) int32
        Zeros.
    ends : (3, 2) float64

    Returns
    -------
    int
        Strokes found.
    """
    count, mark = 0, np.int32(64)
    margin, part = limits
    points, box = room[0], room[1]
    plane = pyramid[0][0]
    best = room[8]
    for s in range(len(seeds)):
        if count >= len(layers) or work[0] <= 0:
            break
        y, x = seeds[s, 0], seeds[s, 1]
        mean = means[int(seeds[s, 3])]
        amplitude = mean[int(y), int(x)]
        if abs(amplitude) < _LEAST:
            continue
        scale = int(seeds[s, 4])
        layer = layers[count]
        top = NOTHING
        for edge in range(_LONGEST + 1):
            good = trace_one(
                mean,
                layer,
                y,
                x,
                int(seeds[s, 2]),
                amplitude * 0.9,
                scale,
                edge,
                lmbda,
                seen,
                mark,
                ends,
            )
            mark += 64
            work[0] -= 2000
            if not good:
                continue
            worth = appraise(pyramid, layer, lmbda, prices, room, work)
            if worth > top:
                top = worth
                copy(layer, best)
        if top < -lmbda * 15.0:
            continue
        copy(best, layer)
        worth = descend(pyramid, layer, rounds, lmbda, prices, room, work)
        if worth <= NOTHING:
            continue
        worth += color_masked(pyramid, layer, ratios[0], lmbda, room)
        if worth <= lmbda * margin * masked_price(layer, prices):
            continue
        if explained(pyramid, layer, room) < part:
            continue
        add_masked(pyramid, layer, ratios[0], -1.0, room)
        path(layer, 1, points, room[3])
        for k in range(len(means)):
            reach = k + (1 if k else 0)
            _blur(
                plane,
                box[0] - reach,
                box[1] - reach,
                box[2] + reach,
                box[3] + reach,
                reach,
                means[k],
            )
        count += 1
    return count


def _seeds(plane: FloatArray) -> npt.NDArray[np.float64]:
    """Points where a ridge is strongest among its neighbours, strongest first."""
    from scipy import ndimage

    found, strengths = [np.zeros((0, 5))], [np.zeros(0)]
    for index, (sigma, scale) in enumerate(_WIDTHS):
        yy, xx, xy = (
            ndimage.gaussian_filter(plane, sigma, order, mode="nearest", truncate=3.0)
            for order in ((2, 0), (0, 2), (1, 1))
        )
        middle, half = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
        # Across a line the curvature is large, along it small.
        strength = (np.abs(middle) + half - np.abs(np.abs(middle) - half)) * sigma**2
        strong = (np.abs(middle) > 0.2 * half) & (strength > 0.5 * _LEAST)
        peaks = strong & (strength == ndimage.maximum_filter(strength, int(3 * sigma) | 1))
        y, x = np.nonzero(peaks)
        # Direction of greatest curvature, 90 degrees from that of the line.
        turn = 0.5 * np.arctan2(2 * xy[y, x], (xx - yy)[y, x])
        turn = np.where(middle[y, x] > 0, turn + np.pi / 2, turn)
        phi = np.rint(turn * (ANGLES / (2 * np.pi))) % ANGLES
        rows = np.stack(
            [y + 0.5, x + 0.5, phi, np.full(len(y), index), np.full(len(y), scale)], axis=1
        )
        found.append(rows)
        strengths.append(strength[y, x] * sigma)
    return np.concatenate(found)[np.argsort(-np.concatenate(strengths), kind="stable")]


def find_strokes(
    pyramid: tuple[FloatArray, ...],
    ratios: npt.NDArray[np.float64],
    prices: tuple[Any, ...],
    lmbda: float,
    effort: int,
    margin: float,
    part: float,
) -> tuple[npt.NDArray[np.int32], int]:
    """Find strokes in the luma residual, and take them away.

    Parameters
    ----------
    pyramid : tuple of (C, H, W) float32
        Residual in steps and its averages; changed in place.
    ratios : (C, C) float64
        Step of one component over that of another.
    prices : tuple
        See `prices.layer_prices`.
    lmbda : float
    effort : int
    margin : float
        What a stroke must earn beyond its bits, in times of them: windows would earn as well.
    part : float
        See `fills.explained`.

    Returns
    -------
    layers : (n, FIELDS) int32
    looked : int
        Ridges that were followed.
    """
    plane = pyramid[0][0]
    height, width = plane.shape
    seeds = _seeds(plane)
    means = np.zeros((len(_WIDTHS), height, width), np.float32)
    for k in range(len(_WIDTHS)):
        _blur(plane, 0, 0, height, width, k + (1 if k else 0), means[k])
    layers = np.zeros((min(len(seeds), height * width // 64 + 1), FIELDS), np.int32)
    count = accept_strokes(
        pyramid,
        seeds,
        means,
        ratios,
        lmbda,
        (margin, part),
        prices,
        2 + effort // 3,
        layers,
        np.zeros((height, width), np.int32),
        np.zeros((3, 2)),
        masked_room(height, width),
        np.array([_WORK * effort // 5], np.int64),
    )
    return layers[:count], len(seeds)
