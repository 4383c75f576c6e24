"""Nodes of a ring by rate and distortion: merge, delete, move, bend, while error and bits fall.

Encoder.

References
----------
A. K. Katsaggelos et al., "MPEG-4 and rate-distortion-based shape-coding techniques", Proceedings
of the IEEE 86(6), 1998, doi:10.1109/5.687833: vertices by operational rate and distortion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from .paths import AFTER, BEFORE, CHANGED, CORNER, MOST_PATH, X, Y, apply, change, path_bits


@compiled
def _put(path, at, links, node):  # type: ignore[no-untyped-def]
    path[at, 0], path[at, 1], path[at, 2] = links[node, Y], links[node, X], links[node, CORNER]


@compiled
def _around(links, first, last, path):  # type: ignore[no-untyped-def]
    """Fill a path: two nodes before `first`, those up to `last`, two after; return its length."""
    one = links[first, BEFORE]
    _put(path, 0, links, links[one, BEFORE])
    _put(path, 1, links, one)
    count, node = 2, first
    while True:
        _put(path, count, links, node)
        count += 1
        if node == last:
            break
        node = links[node, AFTER]
    one = links[last, AFTER]
    _put(path, count, links, one)
    _put(path, count + 1, links, links[one, AFTER])
    return count + 2


@compiled
def _meet(links, i, j, grid, out):  # type: ignore[no-untyped-def]
    """Where the ways into node i and out of node j meet, or between both if nowhere near."""
    a, b = links[i, BEFORE], links[j, AFTER]
    y, x = float(links[i, Y]), float(links[i, X])
    uy, ux = y - links[a, Y], x - links[a, X]
    wy, wx = float(links[j, Y] - links[b, Y]), float(links[j, X] - links[b, X])
    cross = uy * wx - ux * wy
    my, mx = (y + links[j, Y]) / 2.0, (x + links[j, X]) / 2.0
    far = abs(links[j, Y] - y) + abs(links[j, X] - x)
    if abs(cross) > 1e-6:
        t = ((links[j, Y] - y) * wx - (links[j, X] - x) * wy) / cross
        py, px = y + t * uy, x + t * ux
        if t > 0.0 and abs(py - my) + abs(px - mx) <= 1.5 * far + 16.0:
            my, mx = py, px
    half = (1 << grid) / 2.0
    out[0], out[1] = (
        (np.int64(np.floor(my + half)) >> grid) << grid,
        (np.int64(np.floor(mx + half)) >> grid) << grid,
    )


@compiled
def _improve(residual, value, links, node, count, grid, reach, lmbda, prices, room):  # type: ignore[no-untyped-def]
    """Try all changes at one node, take the best.

    Returns
    -------
    error, kind : float, int
        By how much the squared error grew; 0 nothing was better, 1 the node went, 2 it moved or
        bent, 3 it took the place of the next one too.
    """
    old, new, best, acc, box, at = room
    after = links[node, AFTER]
    top, kind = 1e-6, 0
    n_old = _around(links, node, node, old)
    bits = path_bits(old, n_old, grid, prices)
    if count > 3:
        # It goes.
        for i in range(3):
            new[0, i], new[1, i], new[2, i], new[3, i] = old[0, i], old[1, i], old[3, i], old[4, i]
        gain = lmbda * (bits - path_bits(new, 4, grid, prices))
        if gain > top:
            gain -= change(residual, value, old, n_old, new, 4, acc, box)
            if gain > top:
                top, kind = gain, 1
    for turn in range(9):
        for i in range(n_old):
            for k in range(3):
                new[i, k] = old[i, k]
        if turn == 8:
            new[2, 2] = 1 - new[2, 2]
        else:
            new[2, 0] += _DOWN[turn] * reach
            new[2, 1] += _RIGHT[turn] * reach
        gain = lmbda * (bits - path_bits(new, n_old, grid, prices))
        if gain < -1e5:
            continue
        gain -= change(residual, value, old, n_old, new, n_old, acc, box)
        if gain > top:
            top, kind = gain, 2
            for k in range(3):
                best[0, k] = new[2, k]
    if count > 3:
        _meet(links, node, after, grid, at)
        n_old = _around(links, node, after, old)
        bits = path_bits(old, n_old, grid, prices)
        for corner in range(2):
            for k in range(3):
                new[0, k], new[1, k], new[3, k], new[4, k] = (
                    old[0, k],
                    old[1, k],
                    old[4, k],
                    old[5, k],
                )
            for turn in range(-1, 4):
                new[2, 0], new[2, 1], new[2, 2] = at[0], at[1], corner
                if turn >= 0:
                    new[2, 0] += _DOWN[turn] * reach
                    new[2, 1] += _RIGHT[turn] * reach
                gain = lmbda * (bits - path_bits(new, 5, grid, prices))
                if gain > top:
                    gain -= change(residual, value, old, n_old, new, 5, acc, box)
                    if gain > top:
                        top, kind = gain, 3
                        for k in range(3):
                            best[0, k] = new[2, k]
    if kind == 0:
        return 0.0, 0
    last = after if kind == 3 else node
    n_old = _around(links, node, last, old)
    before, beyond = links[node, BEFORE], links[last, AFTER]
    if kind == 1:
        links[before, AFTER], links[beyond, BEFORE] = beyond, before
    else:
        links[node, Y], links[node, X], links[node, CORNER] = best[0, 0], best[0, 1], best[0, 2]
        links[node, AFTER], links[beyond, BEFORE] = beyond, node
    if kind == 1:
        for i in range(3):
            new[0, i], new[1, i] = old[0, i], old[1, i]
            new[2, i], new[3, i] = old[3, i], old[4, i]
        n_new = 4
    else:
        n_new = _around(links, node, node, new)
    error = change(residual, value, old, n_old, new, n_new, acc, box)
    apply(residual, value, acc, box)
    return error, kind


_DEPENDENT = 3
"""Nodes on each side of one that its changes depend on."""
_DOWN = np.array([0, 1, 0, -1, 1, 1, -1, -1], np.int64)
_RIGHT = np.array([1, 0, -1, 0, 1, -1, 1, -1], np.int64)


@compiled
def _mark(links, node, number):  # type: ignore[no-untyped-def]
    """Note in which round a node changed, for those whose changes depend on it."""
    for _ in range(_DEPENDENT):
        node = links[node, BEFORE]
    for _ in range(2 * _DEPENDENT + 1):
        links[node, CHANGED] = number
        node = links[node, AFTER]


@compiled
def climb(residual, value, links, start, count, grid, rounds, lmbda, strict, prices, room):  # type: ignore[no-untyped-def]
    """Fit the nodes of one ring, which is part of what the residual leaves.

    Parameters
    ----------
    residual : (C, H, W) float32
        Changed in place.
    value : (C,) float64
    links : (n, LINK_FIELDS) int64
        The ring's nodes in a circle; changed in place.
    start, count : int
        One of them, and how many there are.
    grid : int
        Binary logarithm of their grid in sixteenths of a pixel.
    rounds : int
    lmbda : float
    prices : tuple
    room : tuple
        See `scratch`.

    Returns
    -------
    start, count, error : int, int, float
        And by how much the squared error grew.
    """
    total = 0.0
    links[:, CHANGED] = 0
    for number in range(rounds):
        reach = np.int64(1) << (grid + max(2 - number, 0))
        severe = strict[min(number, len(strict) - 1)]
        demand = lmbda * severe
        # What was tried before in the same way is only tried again beside a change.
        again = number > 2 and severe == strict[min(number - 1, len(strict) - 1)]
        node, changed = start, 0
        todo = count
        while todo > 0:
            if again and links[node, CHANGED] < number - 1:
                node = links[node, AFTER]
                todo -= 1
                continue
            error, kind = _improve(
                residual, value, links, node, count, grid, reach, demand, prices, room
            )
            if kind:
                changed += 1
                total += error
                _mark(links, node, number)
            if kind == 1:
                node = links[node, BEFORE]
                count -= 1
            elif kind == 3:
                count -= 1
                todo -= 1
            start = node
            node = links[node, AFTER]
            todo -= 1
        if changed == 0 and number >= len(strict) - 1:
            break
    return start, count, total


def scratch(height: int, width: int) -> tuple[npt.NDArray[Any], ...]:
    """Room for the kernels."""
    paths = [np.zeros((MOST_PATH, 3), np.int64) for _ in range(3)]
    return (
        *paths,
        np.zeros((height, width + 1), np.int32),
        np.zeros(4, np.int64),
        np.zeros(2, np.int64),
    )
