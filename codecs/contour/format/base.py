"""The base: a coarse grid of values joined by a quadratic B-spline, the smooth ground of a picture.

References
----------
M. Unser, "Splines: a perfect fit for signal and image processing", IEEE Signal Processing
Magazine 16(6), 1999, doi:10.1109/79.799930.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.backend import is_numpy
from ....shared.compiled import compiled
from ....shared.entropy import ENDED
from ....shared.tiles.format.syntax import bit_length, code_escape, int64
from .binarization import code_run, code_sign, sign_class
from .contexts import BASE, R_BASE, R_BASE_SIGN

CELL_LOGS = (0, 5, 6, 7)
"""Binary logarithm of a cell's side by code; code 0: no base."""
_UNARY = 14
_LIMIT = 1 << 14


def shape_of(height: int, width: int, code: int) -> tuple[int, int]:
    """Rows and columns of the grid."""
    side = 1 << CELL_LOGS[code]
    return (-(-height // side), -(-width // side)) if code else (0, 0)


@compiled
def code_base(m, levels):  # type: ignore[no-untyped-def]
    """Code (C, rows, columns) int32 levels in the direction of the coder."""
    rows, columns = levels.shape[1], levels.shape[2]
    for comp in range(levels.shape[0]):
        kind = min(comp, 2)
        for y in range(rows):
            for x in range(columns):
                west = int64(levels[comp, y, x - 1]) if x else int64(0)
                north = int64(levels[comp, y - 1, x]) if y else west
                corner = int64(levels[comp, y - 1, x - 1]) if x and y else north
                if not x:
                    west, corner = north, north
                low, high = min(west, north), max(west, north)
                expected = min(max(west + north - corner, low), high)
                spread = min(bit_length(abs(west - corner) + abs(north - corner)), 7)
                lean = sign_class(west - north)
                rest = int64(levels[comp, y, x]) - expected
                first, second = kind * 8 + spread, kind * 3 + lean
                size = code_run(m, BASE, R_BASE, min(abs(rest), _UNARY), _UNARY, first, second)
                if size == _UNARY:
                    size += code_escape(m, BASE, abs(rest) - size)
                if size:
                    size *= code_sign(m, BASE, R_BASE_SIGN, rest, kind * 3 + lean, second)
                if m[ENDED]:
                    size = int64(0)
                levels[comp, y, x] = min(max(expected + size, -_LIMIT), _LIMIT)


def _weights(length: int, side: int) -> npt.NDArray[np.int64]:
    """Weights of the three nearest values, (length, 3); they sum to 8 * side ** 2."""
    t = 2 * (np.arange(length, dtype=np.int64) % side) + 1
    first, last = (2 * side - t) ** 2, t**2
    return np.stack([first, 8 * side * side - first - last, last], axis=1)


@compiled
def _spread(rows, down, side, total, plane):  # type: ignore[no-untyped-def]
    """Sum three rows of `rows` with the weights `down` into each row of `plane`."""
    half = total * 32
    # At 1:1 and at powers of two the division is a shift, which becomes vector code.
    shift = bit_length(total * 64) - 1
    power = total * 64 == int64(1) << shift
    for y in range(plane.shape[0]):
        at = y // side
        a, b, c = down[y, 0], down[y, 1], down[y, 2]
        one, two, three = rows[at], rows[at + 1], rows[at + 2]
        if power:
            for x in range(plane.shape[1]):
                plane[y, x] += (a * one[x] + b * two[x] + c * three[x] + half) >> shift
            continue
        for x in range(plane.shape[1]):
            plane[y, x] += (a * one[x] + b * two[x] + c * three[x] + half) // (total * 64)


def grid_of(levels: npt.NDArray[np.int32], steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Values of the cells, one more at each border, (C, rows + 2, columns + 2) int64."""
    values = (levels.astype(np.int64) * steps[:, None, None] + (1 << 13)) >> 14
    return np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")


def widened(
    levels: npt.NDArray[np.int32],
    code: int,
    steps: npt.NDArray[np.int64],
    shape: tuple[int, int],
    scale: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Spread the base along its rows: what is left is one sum of three rows for each sample.

    Parameters
    ----------
    levels, code, steps, scale
        See `add_base`.
    shape : (int, int)
        Of a plane.

    Returns
    -------
    rows : (C, rows + 2, W * scale) int64
    down : (H * scale, 3) int64
        Weights of row ``y // side`` and the two after it.
    side : int
        Samples a side of a cell.
    """
    side = scale << CELL_LOGS[code]
    height, width = shape
    down, across = _weights(height, side), _weights(width, side)
    column = np.arange(width) // side
    grid = grid_of(levels, steps)
    wide = sum(across[:, k] * grid[:, :, column + k] for k in range(3))
    return np.ascontiguousarray(wide * 64 // (8 * side * side)), down, side


def add_base(
    xp: Any,
    levels: npt.NDArray[np.int32],
    code: int,
    steps: npt.NDArray[np.int64],
    planes: Any,
    scale: int,
) -> None:
    """Add the base to planes, in place.

    Parameters
    ----------
    xp : module
    levels : (C, rows, columns) int32
        In sixteenths of a step.
    code : int
        Index into `CELL_LOGS`.
    steps : (C,) int64
        16 fractional bits.
    planes : (C, H * scale, W * scale) int32, of `xp`
        6 fractional bits.
    scale : int
    """
    if not code:
        return
    height = planes.shape[1]
    rows, down, side = widened(levels, code, steps, planes.shape[1:], scale)
    total = 8 * side * side
    if is_numpy(xp):
        for comp in range(len(planes)):
            _spread(rows[comp], down, side, total, planes[comp])
        return
    weights, row = xp.asarray(down), np.arange(height) // side
    for comp in range(len(planes)):
        mine = xp.asarray(rows[comp])
        wide = sum(weights[:, k, None] * mine[row + k] for k in range(3))
        planes[comp] += ((wide + total * 32) // (total * 64)).astype(xp.int32)


def _matrix(length: int, code: int) -> npt.NDArray[np.float64]:
    """Values of the grid to samples, (length, cells)."""
    side = 1 << CELL_LOGS[code]
    weights = _weights(length, side) / (8.0 * side * side)
    count = -(-length // side)
    out = np.zeros((length, count))
    at = np.arange(length)
    for k in range(3):
        np.add.at(out, (at, np.clip(at // side + k - 1, 0, count - 1)), weights[:, k])
    return out


def fitting(length: int, code: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Matrices along one axis: grid to samples (length, cells), and the least-squares way back."""
    a = _matrix(length, code)
    # A little stiffness where few pixels of a cell are in the picture.
    back = np.linalg.solve(a.T @ a + 0.1 * np.eye(a.shape[1]), a.T)
    return a, back.astype(np.float64, copy=False)


def fit_base(plane: npt.NDArray[np.float32], code: int, step: float) -> npt.NDArray[np.int32]:
    """Least-squares levels of one plane, (rows, columns) int32."""
    down, across = (fitting(n, code)[1] for n in plane.shape)
    values = down @ plane @ across.T
    return np.clip(np.rint(values * (16.0 / step)), -_LIMIT, _LIMIT).astype(np.int32)
