"""Reduced pictures: the integer enlargement of the decoder, and what the encoder hands to it.

Normative text of the enlargement: ``shared/FORMAT.md``, section 4.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..backend import is_numpy
from ..compiled import compiled
from .raster import Image

TAPS = (-9, 111, 29, -3)
"""Catmull and Rom's cubic a quarter of a sample beside the second of four, times 128."""
_FRACTION = 4
_EDGE = 2


def sides(side: int, reduction: int) -> list[int]:
    """Length of a side after 0, 1, .. `reduction` halvings, each rounded up."""
    return [-(-side >> k) for k in range(reduction + 1)]


def _doubled(values: Any, side: int, xp: Any) -> Any:
    """Double the first axis to `side` samples, 7 more fractional bits."""
    n = values.shape[0]
    padded = xp.concatenate([values[:1]] * _EDGE + [values] + [values[-1:]] * _EDGE)
    out = xp.empty((2 * n, *values.shape[1:]), xp.int32)
    a, b, c, d = TAPS
    for odd, sign in ((0, -1), (1, 1)):
        at = [_EDGE + sign * k for k in (-1, 0, 1, 2)]
        w, x, y, z = (padded[k : k + n] for k in at)
        out[odd::2] = a * w + b * x + c * y + d * z
    return out[:side]


def _enlarged_arrays(pixels: Any, rows: list[int], columns: list[int], xp: Any) -> Any:
    """Enlarge with array expressions to sides that were halved 0, 1, .. times."""
    values = pixels.astype(xp.int32) << _FRACTION
    for k in reversed(range(len(rows) - 1)):
        values = _doubled(values, rows[k], xp)
        values = _doubled(values.transpose(1, 0, 2), columns[k], xp).transpose(1, 0, 2)
        # Held within the samples' range at every doubling, so that 32 bits are enough.
        values = xp.clip((values + (1 << 13)) >> 14, 0, 255 << _FRACTION)
    values = (values + (1 << (_FRACTION - 1))) >> _FRACTION
    return xp.ascontiguousarray(xp.minimum(values, 255).astype(xp.uint8))


@compiled
def _widened(padded, channels, wide):  # type: ignore[no-untyped-def]
    """Double rows of `channels` samples a pixel, 7 more fractional bits."""
    a, b, c, d = TAPS
    for i in range(wide.shape[0]):
        for j in range(wide.shape[1] // (2 * channels)):
            for k in range(channels):
                at = j * channels + k
                first, second = padded[i, at], padded[i, at + channels]
                here = padded[i, at + 2 * channels]
                fourth, fifth = padded[i, at + 3 * channels], padded[i, at + 4 * channels]
                to = 2 * j * channels + k
                wide[i, to] = a * fourth + b * here + c * second + d * first
                wide[i, to + channels] = a * second + b * here + c * fourth + d * fifth


# Numba counts in 64 bits; what is cut to 32 at once is added up in vectors twice as long.
@compiled
def _heightened(wide, fraction, out):  # type: ignore[no-untyped-def]
    """Double the columns too, and round to `fraction` fractional bits of the samples."""
    a, b, c, d = TAPS
    none, most = np.int32(0), np.int32(255 << _FRACTION)
    drop = _FRACTION - fraction
    half, largest = (1 << drop) >> 1, np.int32(255 << fraction)
    last = wide.shape[0] - 1
    for i in range(out.shape[0]):
        step = 1 if i % 2 else -1
        here = i // 2
        before, after = min(max(here - step, 0), last), min(max(here + step, 0), last)
        beyond = min(max(here + 2 * step, 0), last)
        for j in range(out.shape[1]):
            value = a * wide[before, j] + b * wide[here, j]
            value += c * wide[after, j] + d * wide[beyond, j]
            rounded = np.int32(np.int32(value + (1 << 13)) >> 14)
            held = min(max(rounded, none), most)
            out[i, j] = min(np.int32(np.int32(held + half) >> drop), largest)


def _enlarged_compiled(pixels: Any, rows: list[int], columns: list[int]) -> Any:
    """Do the same with kernels, across before down: exact sums know no order."""
    channels = pixels.shape[2]
    values = pixels.astype(np.int16) << _FRACTION
    for k in reversed(range(len(rows) - 1)):
        edges = [values[:, :1]] * _EDGE, [values[:, -1:]] * _EDGE
        padded = np.concatenate([*edges[0], values, *edges[1]], axis=1)
        wide = np.empty((rows[k + 1], 2 * columns[k + 1] * channels), np.int32)
        _widened(padded.reshape(rows[k + 1], -1), channels, wide)
        out = np.empty((rows[k], columns[k] * channels), np.int16 if k else np.uint8)
        _heightened(wide, _FRACTION if k else 0, out)
        values = out.reshape(rows[k], columns[k], channels)
    return values


def enlarged(pixels: Any, height: int, width: int, reduction: int, xp: Any) -> Any:
    """Enlarge a picture to `height` x `width` that was halved `reduction` times.

    Parameters
    ----------
    pixels : (h, w, C) uint8 in `xp`
        At least `height` and `width` halved as often, rounded up; what is more is left out.
    height, width, reduction : int
    xp : module
        NumPy or CuPy.

    Returns
    -------
    (height, width, C) uint8 in `xp`
    """
    rows, columns = sides(height, reduction), sides(width, reduction)
    pixels = pixels[: rows[-1], : columns[-1]]
    if reduction == 0:
        return pixels
    if is_numpy(xp):
        return _enlarged_compiled(pixels, rows, columns)
    return _enlarged_arrays(pixels, rows, columns, xp)


def averaged(pixels: Any, factor: int, xp: Any) -> Any:
    """Average blocks of `factor` x `factor`, those at the edges smaller; halves round up.

    Parameters
    ----------
    pixels : (H, W, C) uint8 in `xp`
    factor : int
    xp : module

    Returns
    -------
    (ceil(H / factor), ceil(W / factor), C) uint8 in `xp`
    """
    values = pixels.astype(xp.int64)
    counts = 1
    for axis in (0, 1):
        values = xp.moveaxis(values, axis, 0)
        side = values.shape[0]
        starts = xp.arange(0, side, factor)
        ends = xp.minimum(starts + factor, side)
        sums = xp.concatenate([xp.zeros_like(values[:1]), xp.cumsum(values, axis=0)])
        values = xp.moveaxis(sums[ends] - sums[starts], 0, axis)
        shape = [1, 1, 1]
        shape[axis] = -1
        counts = counts * (ends - starts).reshape(shape)
    return ((2 * values + counts) // (2 * counts)).astype(xp.uint8)


def enlargement(side: int, reduction: int) -> Any:
    """Enlargement of one axis as a sparse matrix, (side, reduced side): not rounded, not held."""
    from scipy import sparse

    lengths = sides(side, reduction)
    whole = sparse.identity(side, format="csr")
    for large, small in pairwise(lengths):
        row = np.arange(large)
        sign = np.where(row % 2 == 1, 1, -1)
        column = [np.clip(row // 2 + sign * k, 0, small - 1) for k in (-1, 0, 1, 2)]
        weight = np.repeat(np.array(TAPS) / 128, large)
        entries = (weight, (np.tile(row, 4), np.concatenate(column)))
        whole = whole @ sparse.csr_matrix(entries, shape=(large, small))
    return whole


def _fitted(values: npt.NDArray[np.float64], reduction: int) -> npt.NDArray[np.float64]:
    """Along the first axis, find what enlarges to `values` with least squared error."""
    from scipy.linalg import solveh_banded

    matrix = enlargement(values.shape[0], reduction)
    normal = (matrix.T @ matrix).tocoo()
    upper = normal.col >= normal.row
    offset = (normal.col - normal.row)[upper]
    bands = np.zeros((int(offset.max()) + 1, normal.shape[0]))
    bands[bands.shape[0] - 1 - offset, normal.col[upper]] = normal.data[upper]
    right = matrix.T @ values.reshape(values.shape[0], -1)
    found: npt.NDArray[np.float64] = solveh_banded(bands, right)
    return found.reshape(-1, *values.shape[1:])


def reduced(image: Image, reduction: int) -> Image:
    """Find the picture, halved `reduction` times, that enlarges to `image` with least error.

    Not an average of blocks: that would be enlarged to something softer than it need be.

    Parameters
    ----------
    image : (H, W, C) uint8
    reduction : int

    Returns
    -------
    (h, w, C) uint8
    """
    if reduction == 0:
        return image
    values = _fitted(image.astype(np.float64), reduction)
    values = _fitted(values.transpose(1, 0, 2), reduction).transpose(1, 0, 2)
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
