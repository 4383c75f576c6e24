"""Normative filter after deblocking: classified Wiener filters of luma and chroma, integers.

Cells of 4 x 4 samples are sorted by how steep their surroundings are, against the quantizer
step, and in which of four directions, as in the adaptive loop filter of Tsai et al. (2013) [1]_.
Unlike there the filters are fixed, trained on pictures (`shared.tiles.wiener_training`): a file
names one of a few sets. A difference to a neighbour enters three times, bounded to a quarter of
a step, a step and four steps; bounds of this kind were proposed by Taquet et al. (2019) [2]_. So
ringing is taken away and edges stay, or become steeper.

References
----------
.. [1] C.-Y. Tsai et al., "Adaptive loop filtering for video coding", IEEE J. Sel. Topics Signal
   Process. 7, 2013, doi:10.1109/JSTSP.2013.2271974.
.. [2] J. Taquet et al., "Non-linear adaptive loop filter", Picture Coding Symposium, 2019,
   doi:10.1109/PCS48520.2019.8954561.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from ...backend import is_numpy
from ...compiled import compiled
from ..format.packets import POSTFILTERS
from ..format.syntax import CELL, FRACTION_BITS, STEP_BITS

TAPS = np.array(
    [
        *[(0, 1), (0, 2), (0, 3), (1, -2), (1, -1), (1, 0)],
        *[(1, 1), (1, 2), (2, -1), (2, 0), (2, 1), (3, 0)],
    ],
    np.int64,
)
"""Places of one half of the neighbours, down and right; the other half lies opposite."""
STEEPNESS = np.array([1, 4, 12, 32, 80], np.int64)
"""Least steepness of each group of classes."""
DIRECTIONS = 9
CLASSES = 1 + DIRECTIONS * len(STEEPNESS)
"""The first is that of flat cells, which are not filtered."""
SETS = POSTFILTERS
LIMITS = 3
WEIGHT_BITS = 8
MARGIN = 3
BOUND = (1 << 14) - 1
"""Samples count no more than this: outside what is shown, and differences fit in 16 bits."""
_HALF = 1 << (WEIGHT_BITS - 1)
STEEP_BITS = 10


@cache
def table() -> npt.NDArray[np.int32]:
    """Weights, (SETS, 2, CLASSES, 12 * LIMITS) int32, `WEIGHT_BITS`; luma or grey, then chroma.

    They are trained, and part of the format (``shared/tiles/wiener.npz``).
    """
    with files(__package__).joinpath("..", "wiener.npz").open("rb") as file, np.load(file) as found:
        weights: npt.NDArray[np.int32] = found["weights"].astype(np.int32)
    return weights


def filtered_steps(steps: npt.NDArray[np.int64]) -> list[int]:
    """Steps of the components that are filtered: all but alpha."""
    return [int(step) for step in steps[: 3 if len(steps) >= 3 else 1]]


def limits_of(step: int) -> npt.NDArray[np.int32]:
    """Most that a difference counts: a quarter of a step, a step, four; in units of samples."""
    unit = int(step) >> (STEP_BITS - FRACTION_BITS)
    return np.array([unit >> 2, unit, unit << 2], np.int32)


def extended(xp: Any, plane: Any) -> Any:
    """Bound a plane and repeat its border: to whole cells, and `MARGIN` samples more; int16."""
    rest = [(MARGIN, -length % CELL + MARGIN) for length in plane.shape]
    if not is_numpy(xp):
        return xp.clip(xp.pad(plane, rest, mode="edge"), -BOUND, BOUND).astype(xp.int16)
    # As above, with nothing as large in between.
    bottom, right = (MARGIN + length for length in plane.shape)
    wide = np.empty([sum(ends) + length for ends, length in zip(rest, plane.shape)], np.int16)
    rows = wide[MARGIN:bottom]
    np.clip(plane, -BOUND, BOUND, out=rows[:, MARGIN:right], casting="unsafe")
    rows[:, :MARGIN], rows[:, right:] = rows[:, MARGIN : MARGIN + 1], rows[:, right - 1 : right]
    wide[:MARGIN], wide[bottom:] = rows[0], rows[-1]
    return wide


@compiled
def _classify(wide, step, lines, sums, kinds):  # type: ignore[no-untyped-def]
    """Sort all cells of a plane with its border.

    Second differences of every other row are added up over blocks of 4 x 4 samples, of which each
    cell's surroundings are four. `lines` (4, W) int32 and `sums` (4, rows + 1, columns + 1) int32
    are scratch; W is that of the blocks.
    """
    rows, columns = kinds.shape
    width = lines.shape[1]
    for by in range(rows + 1):
        for k in range(4):
            lines[k] = 0
        for y in (4 * by + 1, 4 * by + 3):
            above, here, below = wide[y - 1], wide[y], wide[y + 1]
            for x in range(width):
                c = np.int32(2 * here[x + 1])
                lines[0, x] += abs(np.int32(c - np.int32(here[x] + here[x + 2])))
                lines[1, x] += abs(np.int32(c - np.int32(above[x + 1] + below[x + 1])))
                lines[2, x] += abs(np.int32(c - np.int32(above[x] + below[x + 2])))
                lines[3, x] += abs(np.int32(c - np.int32(above[x + 2] + below[x])))
        for k in range(4):
            line, total = lines[k], sums[k, by]
            for bx in range(columns + 1):
                x = 4 * bx
                total[bx] = line[x] + line[x + 1] + line[x + 2] + line[x + 3]
    for y in range(rows):
        for x in range(columns):
            h = sums[0, y, x] + sums[0, y, x + 1] + sums[0, y + 1, x] + sums[0, y + 1, x + 1]
            v = sums[1, y, x] + sums[1, y, x + 1] + sums[1, y + 1, x] + sums[1, y + 1, x + 1]
            steep = ((h + v) << STEEP_BITS) // step
            group = 0
            while group < 5 and steep >= STEEPNESS[group]:
                group += 1
            if group == 0:
                kinds[y, x] = 0
                continue
            d = sums[2, y, x] + sums[2, y, x + 1] + sums[2, y + 1, x] + sums[2, y + 1, x + 1]
            e = sums[3, y, x] + sums[3, y, x + 1] + sums[3, y + 1, x] + sums[3, y + 1, x + 1]
            straight, flat, oblique, even = max(h, v), min(h, v), max(d, e), min(d, e)
            if straight * even >= oblique * flat:
                high, low, way = straight, flat, (0 if h > v else 1)
            else:
                high, low, way = oblique, even, (2 if d > e else 3)
            clear = (1 if high > 2 * low else 0) + (1 if 2 * high > 9 * low else 0)
            direction = 0 if clear == 0 else way + 4 * clear - 3
            kinds[y, x] = direction * 5 + group


def _classify_arrays(xp: Any, wide: Any, step: int) -> Any:
    """Do what `_classify` does with array operations."""
    wide = wide.astype(xp.int64)
    c = 2 * wide[1:-1, 1:-1]
    lines = (
        (wide[1:-1, :-2], wide[1:-1, 2:]),
        (wide[:-2, 1:-1], wide[2:, 1:-1]),
        (wide[:-2, :-2], wide[2:, 2:]),
        (wide[:-2, 2:], wide[2:, :-2]),
    )
    steep = xp.stack([xp.abs(c - a - b) for a, b in lines])
    rows, columns = c.shape[0] // CELL, c.shape[1] // CELL
    blocks = steep.reshape(4, rows, CELL, columns, CELL)[:, :, ::2].sum((2, 4))
    total = blocks[:, :-1] + blocks[:, 1:]
    h, v, d, e = total[:, :, :-1] + total[:, :, 1:]
    straight, flat = xp.maximum(h, v), xp.minimum(h, v)
    oblique, even = xp.maximum(d, e), xp.minimum(d, e)
    upright = straight * even >= oblique * flat
    high, low = xp.where(upright, straight, oblique), xp.where(upright, flat, even)
    way = xp.where(upright, xp.where(h > v, 0, 1), xp.where(d > e, 2, 3))
    clear = (high > 2 * low).astype(xp.int64) + (2 * high > 9 * low)
    direction = xp.where(clear == 0, 0, way + 4 * clear - 3)
    steep = ((h + v) << STEEP_BITS) // int(step)
    group = xp.zeros(steep.shape, xp.int64)
    for least in STEEPNESS.tolist():
        group += steep >= least
    return xp.where(group == 0, 0, direction * len(STEEPNESS) + group).astype(xp.uint8)


def classes(xp: Any, wide: Any, step: int) -> Any:
    """Class of every cell, (rows, columns) uint8, of a plane with its border (`extended`)."""
    if not is_numpy(xp):
        return _classify_arrays(xp, wide, step)
    rows, columns = ((length - 2 * MARGIN) // CELL for length in wide.shape)
    kinds = np.empty((rows, columns), np.uint8)
    lines = np.empty((4, CELL * (columns + 1)), np.int32)
    sums = np.empty((4, rows + 1, columns + 1), np.int32)
    _classify(wide, np.int64(step), lines, sums, kinds)
    return kinds


@compiled
def _filter(wide, kinds, weights, taps, limits, spread, totals, width, height, out):  # type: ignore[no-untyped-def]
    """Filter a plane with its border; `out` begins with its inside, (height, width).

    Whole runs of cells tap by tap, in 32 bits, so that the innermost loops look nothing up; flat
    cells, whose class is 0, stay. `spread` (12 * LIMITS, W) and `totals` (W) int32 are scratch.
    """
    small, middle, large = limits[0], limits[1], limits[2]
    for cy in range(kinds.shape[0]):
        top, bottom = 4 * cy, min(4 * cy + 4, height)
        cx = 0
        while cx < kinds.shape[1]:
            if kinds[cy, cx] == 0:
                cx += 1
                continue
            first = cx
            flat = 0
            while cx < kinds.shape[1] and flat < 3:
                flat = flat + 1 if kinds[cy, cx] == 0 else 0
                cx += 1
            left, right = 4 * first, min(4 * (cx - flat), width)
            count = right - left
            for i in range(36):
                for x in range(count):
                    spread[i, x] = weights[kinds[cy, (left + x) >> 2], i]
            for y in range(top, bottom):
                at = MARGIN + left
                c = wide[y + MARGIN, at : at + count]
                for x in range(count):
                    totals[x] = np.int32(_HALF)
                for i in range(12):
                    dy, dx = taps[i, 0], taps[i, 1]
                    ahead = wide[y + MARGIN + dy, at + dx : at + dx + count]
                    behind = wide[y + MARGIN - dy, at - dx : at - dx + count]
                    one, two, three = spread[3 * i], spread[3 * i + 1], spread[3 * i + 2]
                    for x in range(count):
                        a, b = np.int32(ahead[x] - c[x]), np.int32(behind[x] - c[x])
                        u = np.int32(min(max(a, -small), small) + min(max(b, -small), small))
                        v = np.int32(min(max(a, -middle), middle) + min(max(b, -middle), middle))
                        w = np.int32(min(max(a, -large), large) + min(max(b, -large), large))
                        change = np.int32(np.int32(one[x] * u) + np.int32(two[x] * v))
                        totals[x] += np.int32(change + np.int32(three[x] * w))
                row = out[y, left:right]
                for x in range(count):
                    row[x] = c[x] + np.int32(totals[x] >> WEIGHT_BITS)


def features(xp: Any, wide: Any, limits: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """What the neighbours of each tap differ by, added, at each limit: 36 of `shape`, int64."""
    height, width = shape

    def shifted(y: int, x: int) -> Any:
        part = wide[MARGIN + y : MARGIN + y + height, MARGIN + x : MARGIN + x + width]
        return part.astype(xp.int64)

    c = shifted(0, 0)
    for dy, dx in TAPS.tolist():
        ahead, behind = shifted(dy, dx) - c, shifted(-dy, -dx) - c
        for limit in limits.tolist():
            yield xp.clip(ahead, -limit, limit) + xp.clip(behind, -limit, limit)


def _changes(
    xp: Any, wide: Any, kinds: Any, weights: Any, limits: Any, shape: tuple[int, int]
) -> Any:
    """Do with array operations what `_filter` adds."""
    height, width = shape
    kinds = kinds.repeat(CELL, 0).repeat(CELL, 1)[:height, :width]
    weights = xp.asarray(weights)
    total = xp.full(shape, _HALF, xp.int64)
    for i, feature in enumerate(features(xp, wide, limits, shape)):
        total += weights[:, i][kinds] * feature
    return (total >> WEIGHT_BITS).astype(xp.int32)


def _apply(
    xp: Any, out: Any, wide: Any, kinds: Any, step: int, weights: Any, shape: tuple[int, int]
) -> None:
    """Write the inside of a plane with its border, filtered, to the start of `out`."""
    height, width = shape
    limits = limits_of(step)
    out[:height, :width] = wide[MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    if not is_numpy(xp):
        out[:height, :width] += _changes(xp, wide, kinds, weights, limits, shape)
        return
    scratch = np.empty((weights.shape[1] + 1, width), np.int32)
    _filter(wide, kinds, weights, TAPS, limits, scratch[:-1], scratch[-1], width, height, out)


def refine(
    xp: Any,
    planes: Any,
    steps: npt.NDArray[np.int64],
    postfilter: int,
    shape: tuple[int, int] | None = None,
) -> None:
    """Filter the components of a picture, in place.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    planes : (C, H', W') int32
        All components, deblocked, `FRACTION_BITS`; contiguous.
    steps : (C,) int64
        Their quantizer steps, `STEP_BITS`.
    postfilter : int
        One more than the set of filters; at 0 the planes stay as they are.
    shape : tuple of int
        (H, W), what is shown of padded planes; all by default.
    """
    if not postfilter:
        return
    shape = shape or planes.shape[1:]
    for comp, step in enumerate(filtered_steps(steps)):
        wide = extended(xp, planes[comp, : shape[0], : shape[1]])
        kinds = classes(xp, wide, step)
        weights = table()[postfilter - 1, min(comp, 1)]
        _apply(xp, planes[comp], wide, kinds, step, weights, shape)


def best(plane: npt.NDArray[np.int32], wanted: npt.NDArray[np.float32], step: int) -> int:
    """Post-filter of least squared error in the first component.

    Parameters
    ----------
    plane : (H, W) int32
        The first component inside the picture, deblocked, `FRACTION_BITS`.
    wanted : (H, W) float32
        What it should be, in code values.
    step : int
        `STEP_BITS`.

    Returns
    -------
    int
        1 to `SETS`.
    """
    target = wanted * np.float32(1 << FRACTION_BITS)
    wide = extended(np, plane)
    kinds, shown, errors = classes(np, wide, step), np.empty(plane.shape, np.int32), []
    for weights in table()[:, 0]:
        _apply(np, shown, wide, kinds, step, weights, plane.shape)
        errors.append(float(np.square(shown - target).sum(dtype=np.float64)))
    return 1 + int(np.argmin(errors))
