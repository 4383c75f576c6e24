"""Normative filter after deblocking: classified Wiener filters of luma and chroma, integers.

Cells of 4 x 4 samples are sorted by how steep their surroundings are, against the quantizer
step, and in which of four directions, as in the adaptive loop filter of Tsai et al. (2013) [1]_;
unlike there the filters are fixed, trained on pictures (`shared.tiles.wiener_training`), and cost
no bits. A difference to a neighbour counts at most a quarter of a step, so that edges stay.

References
----------
.. [1] C.-Y. Tsai et al., "Adaptive loop filtering for video coding", IEEE J. Sel. Topics Signal
   Process. 7, 2013, doi:10.1109/JSTSP.2013.2271974.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from ...backend import is_numpy
from ...compiled import compiled
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
"""Least steepness of each class but the first."""
DIRECTIONS = 9
CLASSES = DIRECTIONS * (len(STEEPNESS) + 1)
WEIGHT_BITS = 10
MARGIN = 3
BOUND = 1 << 24
"""Samples count no more than this: far outside what is shown, and no sum of theirs overflows."""
_HALF = 1 << (WEIGHT_BITS - 1)
STEEP_BITS = 10


@cache
def table() -> npt.NDArray[np.int32]:
    """Weights, (2, CLASSES, 12) int32, `WEIGHT_BITS`: luma or grey, chroma (``wiener.npz``)."""
    with files(__package__).joinpath("..", "wiener.npz").open("rb") as file, np.load(file) as found:
        weights: npt.NDArray[np.int32] = found["weights"].astype(np.int32)
    return weights


def steps_of(steps: npt.NDArray[np.int64], strength: int) -> list[int]:
    """Steps of the components that are filtered: all but alpha, none where nothing is deblocked."""
    colors = 3 if len(steps) >= 3 else 1
    return [int(step) for step in steps[:colors]] if strength else []


def limit_of(step: int) -> int:
    """Most that a difference counts: a quarter of a step, in units of samples."""
    return int(step) >> (STEP_BITS - FRACTION_BITS + 2)


def extended(xp: Any, plane: Any) -> Any:
    """Bound a plane and repeat its border: to whole cells, and `MARGIN` samples more."""
    plane = xp.clip(plane, -BOUND, BOUND)
    rest = [(MARGIN, -length % CELL + MARGIN) for length in plane.shape]
    return xp.pad(plane, rest, mode="edge")


@compiled
def _measure(wide, sums):  # type: ignore[no-untyped-def]
    """Add up the second differences in four directions over blocks of 4 x 4, every other sample."""
    for y in range(1, wide.shape[0] - 1):
        for x in range(1 + (y + 1) % 2, wide.shape[1] - 1, 2):
            c = 2 * np.int64(wide[y, x])
            block = sums[(y - 1) >> 2, (x - 1) >> 2]
            block[0] += abs(c - wide[y, x - 1] - wide[y, x + 1])
            block[1] += abs(c - wide[y - 1, x] - wide[y + 1, x])
            block[2] += abs(c - wide[y - 1, x - 1] - wide[y + 1, x + 1])
            block[3] += abs(c - wide[y - 1, x + 1] - wide[y + 1, x - 1])


def _measure_arrays(xp: Any, wide: Any) -> Any:
    """Do what `_measure` does with array operations."""
    wide = wide.astype(xp.int64)
    c = 2 * wide[1:-1, 1:-1]
    lines = (
        (wide[1:-1, :-2], wide[1:-1, 2:]),
        (wide[:-2, 1:-1], wide[2:, 1:-1]),
        (wide[:-2, :-2], wide[2:, 2:]),
        (wide[:-2, 2:], wide[2:, :-2]),
    )
    steep = xp.stack([xp.abs(c - a - b) for a, b in lines], -1)
    odd = (xp.arange(c.shape[0])[:, None] + xp.arange(c.shape[1])) % 2
    steep = xp.where(odd[..., None] == 0, steep, 0)
    rows, columns = c.shape[0] // CELL, c.shape[1] // CELL
    return steep.reshape(rows, CELL, columns, CELL, 4).sum((1, 3))


def _sorted(xp: Any, sums: Any, step: int) -> Any:
    total = sums[:-1, :-1] + sums[:-1, 1:] + sums[1:, :-1] + sums[1:, 1:]
    h, v, d, e = (total[..., i] for i in range(4))
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
    return direction * (len(STEEPNESS) + 1) + group


def classes(xp: Any, wide: Any, step: int) -> Any:
    """Class of every cell, (rows, columns) int64, of a plane with its border (`extended`)."""
    if is_numpy(xp):
        rows, columns = ((length - 2) // CELL for length in wide.shape)
        sums = np.zeros((rows, columns, 4), np.int64)
        _measure(wide, sums)
    else:
        sums = _measure_arrays(xp, wide)
    return _sorted(xp, sums, step)


@compiled
def _filter(wide, kinds, weights, taps, limit, spread, totals, out):  # type: ignore[no-untyped-def]
    """Filter a plane with its border.

    Whole rows tap by tap, in 32 bits, so that the innermost loops look nothing up. `spread`
    (12, W) and `totals` (W) int32 are scratch.
    """
    height, width = out.shape
    for y in range(height):
        if y % 4 == 0:
            for i in range(12):
                for x in range(width):
                    spread[i, x] = weights[kinds[y >> 2, x >> 2], i]
        c = wide[y + MARGIN, MARGIN : MARGIN + width]
        for x in range(width):
            totals[x] = np.int32(_HALF)
        for i in range(12):
            dy, dx = taps[i, 0], taps[i, 1]
            ahead = wide[y + MARGIN + dy, MARGIN + dx : MARGIN + dx + width]
            behind = wide[y + MARGIN - dy, MARGIN - dx : MARGIN - dx + width]
            weight = spread[i]
            for x in range(width):
                a, b = np.int32(ahead[x] - c[x]), np.int32(behind[x] - c[x])
                a, b = min(max(a, -limit), limit), min(max(b, -limit), limit)
                totals[x] += np.int32(weight[x] * np.int32(a + b))
        row = out[y]
        for x in range(width):
            row[x] = c[x] + np.int32(totals[x] >> WEIGHT_BITS)


def feature(xp: Any, wide: Any, tap: int, limit: int, shape: tuple[int, ...]) -> Any:
    """What the neighbours of one tap differ by, limited and added, `shape` int64."""
    height, width = shape
    dy, dx = TAPS[tap].tolist()

    def shifted(y: int, x: int) -> Any:
        part = wide[MARGIN + y : MARGIN + y + height, MARGIN + x : MARGIN + x + width]
        return part.astype(xp.int64)

    c = shifted(0, 0)
    ahead, behind = shifted(dy, dx) - c, shifted(-dy, -dx) - c
    return xp.clip(ahead, -limit, limit) + xp.clip(behind, -limit, limit)


def _filter_arrays(
    xp: Any, wide: Any, kinds: Any, weights: Any, limit: int, shape: tuple[int, int]
) -> Any:
    """Do what `_filter` does with array operations."""
    height, width = shape
    kinds = kinds.repeat(CELL, 0).repeat(CELL, 1)[:height, :width]
    weights = xp.asarray(weights)
    total = xp.full(shape, _HALF, xp.int64)
    for i in range(len(TAPS)):
        total += weights[:, i][kinds] * feature(xp, wide, i, limit, shape)
    inside = wide[MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    return inside + (total >> WEIGHT_BITS).astype(xp.int32)


def _filtered(xp: Any, plane: Any, step: int, weights: npt.NDArray[np.int32]) -> Any:
    limit = limit_of(step)
    wide = extended(xp, plane)
    kinds = classes(xp, wide, step)
    if not is_numpy(xp):
        return _filter_arrays(xp, wide, kinds, weights, limit, plane.shape)
    out = np.empty(plane.shape, np.int32)
    scratch = np.empty((len(TAPS) + 1, plane.shape[1]), np.int32)
    _filter(wide, kinds, weights, TAPS, np.int32(limit), scratch[:-1], scratch[-1], out)
    return out


def refined(
    xp: Any, planes: Sequence[Any], steps: npt.NDArray[np.int64], strength: int
) -> list[Any]:
    """Filter the components of a picture.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    planes : sequence of (H, W) int32
        All components inside the picture, deblocked, `FRACTION_BITS`.
    steps : (C,) int64
        Their quantizer steps, `STEP_BITS`.
    strength : int
        Of deblocking; at 0 they stay as they are.

    Returns
    -------
    list of (H, W) int32
    """
    out = list(planes)
    for comp, step in enumerate(steps_of(steps, strength)):
        out[comp] = _filtered(xp, planes[comp], step, table()[min(comp, 1)])
    return out
