"""Fractal pictures of one size in few launches on a GPU: the twin of `pyramid`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....shared.parallel.kernels import constants, launch
from ....shared.tiles.format.syntax import ROOT_LOG
from ....shared.tiles.synthesis.packing import LEFT, LOG, PLANE, RECORD, TOP
from ..format.maps import SCALE_BITS

_THREADS = 64

SOURCE = (
    constants(
        {
            "PLANE": PLANE,
            "TOP": TOP,
            "LEFT": LEFT,
            "LOG": LOG,
            "RECORD": RECORD,
            "SCALE_BITS": SCALE_BITS,
        }
    )
    + r"""
/* Adds the maps to the means over cells of side 2 ** level, a block a leaf.

   leaves: (n, RECORD); maps: (n, 3); pyramid: levels one after the other from at[level] on, each
   (planes, height >> level, width >> level). */
extern "C" __global__ void add_maps(
    const int *leaves, const int *maps, int *pyramid, const word *at, int height, int width,
    int level
) {
    const int *leaf = leaves + (word)blockIdx.x * RECORD, *map = maps + (word)blockIdx.x * 3;
    const int log = leaf[LOG], side = log - level;
    if (log <= level) return;
    const word plane = leaf[PLANE], stride = width >> log;
    const int *cell = pyramid + at[log] + plane * (height >> log) * stride;
    cell += (map[1] >> log) * stride + (map[2] >> log);
    const word mean = ((word)cell[0] + cell[1] + cell[stride] + cell[stride + 1] + 2) >> 2;
    const word wide = width >> level, half = width >> (level + 1);
    int *out = pyramid + at[level] + plane * (height >> level) * wide;
    const int *coarse = pyramid + at[level + 1] + plane * (height >> (level + 1)) * half;
    out += (leaf[TOP] >> level) * wide + (leaf[LEFT] >> level);
    coarse += (map[1] >> (level + 1)) * half + (map[2] >> (level + 1));
    for (int i = threadIdx.x; i < 1 << 2 * side; i += blockDim.x) {
        const int y = i >> side, x = i & ((1 << side) - 1);
        const word change = map[0] * (coarse[y * half + x] - mean) + (1 << (SCALE_BITS - 1));
        out[y * wide + x] += (int)(change >> SCALE_BITS);
    }
}
"""
)


def _pyramid(xp: Any, planes: Any) -> tuple[Any, list[int]]:
    """Means over cells of side 1, 2, .. 64 in one array, and where each level begins."""
    count, height, width = planes.shape
    starts = [0]
    for level in range(ROOT_LOG + 1):
        starts.append(starts[-1] + count * (height >> level) * (width >> level))
    pyramid = xp.empty(starts[-1], xp.int32)
    pyramid[: starts[1]] = planes.ravel()
    fine = planes
    for level in range(1, ROOT_LOG + 1):
        total = fine[:, 0::2, 0::2] + fine[:, 0::2, 1::2] + fine[:, 1::2, 0::2]
        fine = (total + fine[:, 1::2, 1::2] + 2) >> 2
        pyramid[starts[level] : starts[level + 1]] = fine.ravel()
    return pyramid, starts


def attract(xp: Any, leaves: Any, maps: Any, planes: Any) -> Any:
    """Apply maps: a launch a level.

    Parameters
    ----------
    xp : module
    leaves : (n, RECORD) int32
        Those that have a map, see `packing.Packed`.
    maps : (n, 3) int32
    planes : (planes, H', W') int32

    Returns
    -------
    (planes, H', W') int32
    """
    if not len(leaves):
        return planes
    count, height, width = planes.shape
    pyramid, starts = _pyramid(xp, planes)
    at = xp.asarray(np.array(starts, np.int64))
    for level in range(ROOT_LOG - 1, -1, -1):
        launch(
            xp, SOURCE, "add_maps", (len(leaves),), (_THREADS,),
            leaves, maps, pyramid, at, height, width, level,
        )  # fmt: skip
    return pyramid[: starts[1]].reshape(count, height, width)
