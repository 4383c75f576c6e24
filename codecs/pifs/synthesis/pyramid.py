"""The attractor, exactly, in one pass from coarse to fine: integers, any array module.

A leaf of side B takes a domain of side 2 B whose corner lies on the grid of B. Then the means
over cells of side c depend only on means over cells of side 2 c and more (Øien and Lepsøy
1995 [1]_ for uniform partitions; here for quadtrees): the map is nilpotent, no scale is
forbidden, and the pyramid 64, 32, .. 1 is the attractor itself (Baharav, Malah and Karnin
1995 [2]_).

References
----------
.. [1] G. E. Øien, S. Lepsøy, "A class of fractal image coders with fast decoder
   convergence", in Y. Fisher (ed.), Fractal Image Compression, Springer, 1995,
   doi:10.1007/978-1-4612-2472-3_8.
.. [2] Z. Baharav, D. Malah, E. Karnin, "Hierarchical interpretation of fractal image coding
   and its applications", ibid., doi:10.1007/978-1-4612-2472-3_5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.backend import is_numpy
from ....shared.compiled import compiled
from ....shared.tiles.format.syntax import LEFT, LOG, ROOT_LOG, TOP
from ..format.maps import SCALE_BITS

LEVELS = ROOT_LOG + 1
_LARGEST = ROOT_LOG + 2
"""Logarithm of the largest leaf, four times as large."""
_HALF = 1 << (SCALE_BITS - 1)
IntArray = npt.NDArray[np.int32]


def pool(plane: Any, zoom: int = 0) -> list[Any]:
    """Means of a plane over cells of side 1, 2, .. 64 (<< `zoom`), rounded one by one."""
    out = [plane]
    for _ in range(ROOT_LOG + zoom):
        fine = out[-1]
        total = fine[0::2, 0::2] + fine[0::2, 1::2] + fine[1::2, 0::2] + fine[1::2, 1::2]
        out.append((total + 2) >> 2)
    return out


@compiled
def _map_level(out, offsets, coarse, leaves, maps, level):  # type: ignore[no-untyped-def]
    """Add the maps to the means over cells of side ``2 ** level``."""
    for i in range(len(leaves)):
        log = leaves[i, LOG]
        if log <= level:
            continue
        count = 1 << (log - level)
        y0, x0 = leaves[i, TOP] >> level, leaves[i, LEFT] >> level
        v0, u0 = maps[i, 1] >> (level + 1), maps[i, 2] >> (level + 1)
        scale, mean = np.int64(maps[i, 0]), offsets[i]
        for y in range(count):
            for x in range(count):
                value = np.int64(coarse[v0 + y, u0 + x]) - mean
                out[y0 + y, x0 + x] += (scale * value + _HALF) >> SCALE_BITS


def _map_level_arrays(
    xp: Any, out: Any, offsets: Any, coarse: Any, leaves: Any, maps: Any, level: int
) -> None:
    """Do what `_map_level` does, a leaf size at a time."""
    for log in range(level + 1, _LARGEST + 1):
        mine = xp.nonzero(leaves[:, LOG] == log)[0]
        if not len(mine):
            continue
        steps = xp.arange(1 << (log - level))
        rows, columns = steps[None, :, None], steps[None, None, :]
        y0, x0 = leaves[mine, TOP] >> level, leaves[mine, LEFT] >> level
        v0, u0 = maps[mine, 1] >> (level + 1), maps[mine, 2] >> (level + 1)
        values = coarse[v0[:, None, None] + rows, u0[:, None, None] + columns].astype(xp.int64)
        values = values - offsets[mine][:, None, None]
        change = (maps[mine, 0].astype(xp.int64)[:, None, None] * values + _HALF) >> SCALE_BITS
        out[y0[:, None, None] + rows, x0[:, None, None] + columns] += change.astype(xp.int32)


def _offsets(xp: Any, levels: Sequence[Any], leaves: Any, maps: Any) -> Any:
    """Mean of each leaf's domain, from the cells as large as the leaf, (n,) int64."""
    out = xp.zeros(len(leaves), xp.int64)
    for log in range(2, len(levels)):
        mine = xp.nonzero(leaves[:, LOG] == log)[0]
        if len(mine):
            cells, y, x = levels[log], maps[mine, 1] >> log, maps[mine, 2] >> log
            total = cells[y, x] + cells[y, x + 1] + cells[y + 1, x] + cells[y + 1, x + 1]
            out[mine] = (total.astype(xp.int64) + 2) >> 2
    return out


def _step(xp: Any, pooled: list[Any], state: list[Any], leaves: Any, maps: Any, level: int) -> Any:
    """Means over cells of side ``2 ** level`` from those of larger cells in `state`."""
    out = pooled[level].copy()
    deep = leaves[:, LOG] > level
    if bool(deep.any()):
        leaves, maps = leaves[deep], maps[deep]
        offsets = _offsets(xp, state, leaves, maps)
        step = _map_level if is_numpy(xp) else None
        if step is not None:
            step(out, offsets, state[level + 1], leaves, maps, level)
        else:
            _map_level_arrays(xp, out, offsets, state[level + 1], leaves, maps, level)
    return out


def attract(xp: Any, plane: Any, leaves: IntArray, maps: IntArray, zoom: int = 0) -> list[Any]:
    """Decode one component: the attractor of its tiles and maps.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    plane : (H', W') int32
        What the tiles alone show.
    leaves : (n, FIELDS) int32
        Leaves that have a map.
    maps : (n, 3) int32
    zoom : int
        Logarithm of how many times all of it is larger than the picture.

    Returns
    -------
    list of int32 arrays
        Means over cells of side 1, 2, .. 64 (<< `zoom`).
    """
    pooled = pool(plane, zoom)
    leaves, maps = xp.asarray(leaves), xp.asarray(maps)
    state = list(pooled)
    for level in range(ROOT_LOG + zoom - 1, -1, -1):
        state[level] = _step(xp, pooled, state, leaves, maps, level)
    return state


def iterate(
    xp: Any, plane: Any, leaves: IntArray, maps: IntArray, start: Any, passes: int
) -> list[list[Any]]:
    """Decode the classic way: apply the map again and again to a start picture.

    Every pass computes all levels from those of the pass before, so nothing helps it that
    a decoder of the 1990s would not have had. After `LEVELS` passes nothing changes any more
    and nothing is left of the start.

    Returns
    -------
    list of list of int32 arrays
        All levels after each pass.
    """
    pooled = pool(plane)
    leaves, maps = xp.asarray(leaves), xp.asarray(maps)
    state, out = pool(start), []
    for _ in range(passes):
        fresh = [_step(xp, pooled, state, leaves, maps, level) for level in range(ROOT_LOG)]
        state = [*fresh, pooled[ROOT_LOG]]
        out.append(state)
    return out


__all__ = ["LEVELS", "attract", "iterate", "pool"]
