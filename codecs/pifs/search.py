"""Exact domain search: chunked matrix products, the best few of each leaf kept.

With the mean removed from leaf r and domain d, the error that the best scale removes is
``<r, d>**2 / <d, d>``; all inner products of a chunk are one matrix product. What is kept is
judged again with the quantized scale and the coded residual by `analysis`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared.codec import Progress
from .coding import NEAR, domains, far, window

FloatArray = npt.NDArray[np.float32]
KEPT, KEPT_NEAR = 4, 1
_CHUNK = 1 << 22
"""Inner products held at once."""
_STRIP = 512
"""Leaves are searched in strips of at most this many pixels' width."""


@dataclass(frozen=True)
class Shortlist:
    """The best domains of every possible leaf of one size.

    Parameters
    ----------
    places : (rows, columns, k, 2) int32
        Row and column of the domain in units of the leaf's side.
    """

    places: npt.NDArray[np.int32]


def decimate(plane: FloatArray) -> FloatArray:
    """Average 2 x 2 pixels."""
    h, w = plane.shape
    out: FloatArray = plane.reshape(h // 2, 2, w // 2, 2).mean((1, 3))
    return out


def domain_blocks(
    half: FloatArray,
    log: int,
    rows: npt.NDArray[np.integer[Any]],
    columns: npt.NDArray[np.integer[Any]],
) -> FloatArray:
    """Decimated domains at these places, (.., side, side) float32."""
    side = 1 << log
    step = side // 2
    view = np.lib.stride_tricks.sliding_window_view(half, (side, side))[::step, ::step]
    out: FloatArray = view[rows, columns]
    return out


def _best(score: FloatArray, count: int) -> npt.NDArray[np.intp]:
    """Columns of the largest scores of each row, best first."""
    if score.shape[1] <= count:
        order = np.argsort(-score, axis=1)
        return np.pad(order, ((0, 0), (0, count - order.shape[1])), mode="edge")
    found = np.argpartition(score, -count, axis=1)[:, -count:]
    order = np.argsort(-np.take_along_axis(score, found, 1), axis=1)
    return np.take_along_axis(found, order, 1)


def _centred(blocks: FloatArray) -> FloatArray:
    flat = blocks.reshape(len(blocks), -1)
    out: FloatArray = flat - flat.mean(1, keepdims=True)
    return out


def shortlist(
    plane: FloatArray, height: int, width: int, log: int, *, progress: Progress | None = None
) -> Shortlist | None:
    """Find the best domains for all leaves of one size.

    Parameters
    ----------
    plane : (H', W') float32
        Padded component.
    height, width : int
        Of the picture.
    log : int
        Logarithm of the leaf's side.

    Returns
    -------
    Shortlist or None
        None if the picture holds no domain of that size.
    """
    side = 1 << log
    count_y, count_x = domains(height, log), domains(width, log)
    if not count_y or not count_x:
        return None
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    used_rows, used_columns = -(-height // side), -(-width // side)
    half = decimate(plane)
    ranges = plane.reshape(rows, side, columns, side).swapaxes(1, 2)
    places = np.zeros((rows, columns, KEPT + KEPT_NEAR, 2), np.int32)
    reach = far(log)
    strip = max(_STRIP >> log, 1)
    for x0 in range(0, used_columns, strip):
        x1 = min(x0 + strip, used_columns)
        low_x, high_x = window(x0, count_x, reach)[0], window(x1 - 1, count_x, reach)[1]
        grid_x = np.arange(low_x, high_x)
        y0 = 0
        while y0 < used_rows:
            # As many rows of leaves as fit into a chunk with the domains they share.
            y1 = y0 + 1
            while y1 < used_rows:
                low, high = window(y0, count_y, reach)[0], window(y1, count_y, reach)[1]
                if (y1 + 1 - y0) * (x1 - x0) * (high - low) * len(grid_x) > _CHUNK:
                    break
                y1 += 1
            low_y, high_y = window(y0, count_y, reach)[0], window(y1 - 1, count_y, reach)[1]
            dy, dx = (
                g.ravel() for g in np.meshgrid(np.arange(low_y, high_y), grid_x, indexing="ij")
            )
            pool = _centred(domain_blocks(half, log, dy, dx))
            inverse = 1.0 / np.sqrt(np.maximum((pool * pool).sum(1), 1e-3 * side * side))
            mine = _centred(ranges[y0:y1, x0:x1].reshape(-1, side, side))
            score = np.abs(mine @ (pool * inverse[:, None]).T)
            ys, xs = (
                g.ravel() for g in np.meshgrid(np.arange(y0, y1), np.arange(x0, x1), indexing="ij")
            )
            if high_x - low_x > reach + 1 or high_y - low_y > reach + 1:
                _outside(score, ys, dy, count_y, reach)
                _outside(score, xs, dx, count_x, reach)
            distant = _best(score, KEPT)
            _outside(score, ys, dy, count_y, NEAR)
            _outside(score, xs, dx, count_x, NEAR)
            found = np.concatenate([distant, _best(score, KEPT_NEAR)], axis=1)
            places[ys, xs, :, 0], places[ys, xs, :, 1] = dy[found], dx[found]
            y0 = y1
        if progress:
            progress(x1 / used_columns)
    return Shortlist(places)


def _outside(
    score: FloatArray,
    leaf: npt.NDArray[np.intp],
    domain: npt.NDArray[np.intp],
    count: int,
    reach: int,
) -> None:
    """Rule out domains that are too far from the leaf, along one axis, in place."""
    low = np.maximum(np.minimum(leaf, count) - reach, 0)
    high = np.minimum(leaf + reach + 1, count)
    score[(domain[None, :] < low[:, None]) | (domain[None, :] >= high[:, None])] = -1.0
