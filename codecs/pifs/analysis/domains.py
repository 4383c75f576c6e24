"""Exact domain search: chunked matrix products, the best few of each leaf kept.

With the mean removed from leaf r and domain d, the error that the best scale removes is
``<r, d>**2 / <d, d>``; all inner products of a chunk are one matrix product. What is kept is
judged again, in the picture that the decoder has, by `choice`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled
from ..format.maps import NEAR, domains, far, fold, window

FloatArray = npt.NDArray[np.float32]
KEPT, KEPT_NEAR = 4, 3
HOLDING = 4
"""Domains that hold their own leaf."""
LISTED = HOLDING + KEPT_NEAR + KEPT
_CHUNK = 1 << 22
"""Inner products held at once."""
_EMBEDDED = 8
"""Cells a side by which a quick search compares."""
_STRIP = 512
"""Leaves are searched in strips of at most this many pixels' width."""


@dataclass(frozen=True)
class Shortlist:
    """The best domains of leaves of one size.

    Parameters
    ----------
    leaves : (n, 2) int64
        Row and column in units of the side.
    places : (n, LISTED, 2) int32
        The same of the domain: those that hold the leaf, the best near ones, the best of the
        others.
    """

    leaves: npt.NDArray[np.int64]
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


def _centred(blocks: FloatArray) -> FloatArray:
    flat = blocks.reshape(len(blocks), -1)
    out: FloatArray = flat - flat.mean(1, keepdims=True)
    return out


@compiled
def _keep(best, places, first, last, value, y, x):  # type: ignore[no-untyped-def]
    """Insert a place into the falling list ``first .. last - 1``."""
    if value <= best[last - 1]:
        return
    at = last - 1
    while at > first and best[at - 1] < value:
        best[at] = best[at - 1]
        places[at, 0], places[at, 1] = places[at - 1, 0], places[at - 1, 1]
        at -= 1
    best[at] = value
    places[at, 0], places[at, 1] = y, x


@compiled
def _pick(row, y, x, grid, width, counts, reach, mine, best):  # type: ignore[no-untyped-def]
    """Fill the shortlist of a leaf.

    Parameters
    ----------
    row : (domains,) float32
        Their scores.
    y, x : int
        Of the leaf.
    grid : (int, int)
        Row and column of the first domain.
    width : int
        Columns of domains.
    counts : (int, int)
        Domains that there are in the picture.
    reach : int
    mine : (LISTED, 2) int32
        Filled.
    best : (LISTED,) float32
        Scratch.
    """
    best[:] = -1.0
    low_y, high_y = window(y, counts[0], reach)
    low_x, high_x = window(x, counts[1], reach)
    for k in range(HOLDING):
        mine[k, 0] = min(max(y - (k >> 1), 0), counts[0] - 1)
        mine[k, 1] = min(max(x - (k & 1), 0), counts[1] - 1)
    for k in range(HOLDING, LISTED):
        mine[k, 0], mine[k, 1] = mine[0, 0], mine[0, 1]
    for dy in range(low_y, high_y):
        at = (dy - grid[0]) * width - grid[1]
        close = fold(dy - y)
        for dx in range(low_x, high_x):
            value = abs(row[at + dx])
            near = max(close, fold(dx - x))
            if near >= NEAR:
                _keep(best, mine, HOLDING + KEPT_NEAR, LISTED, value, dy, dx)
            elif near > 0:
                _keep(best, mine, HOLDING, HOLDING + KEPT_NEAR, value, dy, dx)


@compiled
def _pick_all(score, leaves, grid, width, counts, reach, places, best):  # type: ignore[no-untyped-def]
    """Fill the shortlists of leaves (n, 2); see `_pick`."""
    for i in range(len(leaves)):
        y, x = leaves[i, 0], leaves[i, 1]
        _pick(score[i], y, x, grid, width, counts, reach, places[i], best)


def shortlist(plane: FloatArray, height: int, width: int, log: int) -> Shortlist | None:
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
    every = np.moveaxis(np.mgrid[:used_rows, :used_columns], 0, -1)
    places = np.zeros((used_rows, used_columns, LISTED, 2), np.int32)
    best = np.zeros(LISTED, np.float32)
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
            score = mine @ (pool * inverse[:, None]).T
            part = every[y0:y1, x0:x1].reshape(-1, 2)
            lists = np.zeros((len(part), LISTED, 2), np.int32)
            grid, counts = (low_y, low_x), (count_y, count_x)
            _pick_all(score, part, grid, len(grid_x), counts, reach, lists, best)
            places[y0:y1, x0:x1] = lists.reshape(y1 - y0, x1 - x0, LISTED, 2)
            y0 = y1
    return Shortlist(every.reshape(-1, 2), places.reshape(-1, LISTED, 2))


def _embedded(blocks: FloatArray, log: int) -> FloatArray:
    """Means over at most 8 x 8 cells, the mean of all removed, (n, cells)."""
    cells = min(1 << log, _EMBEDDED)
    width = (1 << log) // cells
    return _centred(blocks.reshape(len(blocks), cells, width, cells, width).mean((2, 4)))


def shortlist_of(
    plane: FloatArray, height: int, width: int, log: int, leaves: npt.NDArray[np.int64]
) -> Shortlist | None:
    """Find good domains for some leaves of one size, quickly.

    Leaves and domains are compared by their low frequencies alone, which is exact up to 8 pixels.

    Parameters
    ----------
    plane, height, width, log
        See `shortlist`.
    leaves : (n, 2) int64

    Returns
    -------
    Shortlist or None
        None if there are no leaves, or the picture holds no domain of that size.
    """
    count_y, count_x = domains(height, log), domains(width, log)
    if not count_y or not count_x or not len(leaves):
        return None
    side = 1 << log
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    ranges = plane.reshape(rows, side, columns, side).swapaxes(1, 2)
    dy, dx = (g.ravel() for g in np.mgrid[:count_y, :count_x])
    pool = _embedded(domain_blocks(decimate(plane), log, dy, dx), log)
    least = 1e-3 * pool.shape[1]
    pool *= (1.0 / np.sqrt(np.maximum((pool * pool).sum(1), least)))[:, None]
    places = np.zeros((len(leaves), LISTED, 2), np.int32)
    best = np.zeros(LISTED, np.float32)
    chunk = max(_CHUNK // len(pool), 1)
    for first in range(0, len(leaves), chunk):
        part = leaves[first : first + chunk]
        score = _embedded(ranges[part[:, 0], part[:, 1]], log) @ pool.T
        lists = places[first : first + chunk]
        counts = (count_y, count_x)
        _pick_all(score, part, (0, 0), count_x, counts, far(log), lists, best)
    return Shortlist(leaves, places)


@compiled
def measure(half, plane, leaves, places, log, dots, powers):  # type: ignore[no-untyped-def]
    """Products of leaves with domains and of domains with themselves, means removed.

    Parameters
    ----------
    half : (H' / 2, W' / 2) float32
        Decimated picture.
    plane : (H', W') float32
        The original.
    leaves : (n, 2) int64
        Row and column of each leaf in units of its side.
    places : (n, k, 2) int32
    log : int
    dots, powers : (n, k) float32
        Filled.
    """
    side = 1 << log
    step = side >> 1
    area = np.float32(side * side)
    for i in range(len(leaves)):
        top, left = leaves[i, 0] << log, leaves[i, 1] << log
        total = np.float32(0.0)
        for y in range(side):
            for x in range(side):
                total += plane[top + y, left + x]
        for c in range(places.shape[1]):
            v, u = places[i, c, 0] * step, places[i, c, 1] * step
            one = np.float32(0.0)
            two = np.float32(0.0)
            dot = np.float32(0.0)
            # Sums start from a value close to the mean: float32 loses nothing then.
            base = half[v, u]
            for y in range(side):
                row, line = half[v + y], plane[top + y]
                for x in range(side):
                    value = row[u + x] - base
                    one += value
                    two += value * value
                    dot += value * line[left + x]
            dots[i, c] = dot - one * total / area
            powers[i, c] = two - one * one / area
