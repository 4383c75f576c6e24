"""The classified Wiener filter of many pictures in two launches: the twin of `wiener`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...parallel.kernels import constants, launch, rows_of, table
from ..format.syntax import CELL
from . import wiener

_THREADS = 128

_SOURCE = (
    constants(
        {
            "CELL": CELL,
            "GROUPS": len(wiener.STEEPNESS),
            "STEEP_BITS": wiener.STEEP_BITS,
            "WEIGHT_BITS": wiener.WEIGHT_BITS,
            "TAPS": len(wiener.TAPS),
            "LIMITS": wiener.LIMITS,
            "BOUND": wiener.BOUND,
        }
    )
    + table("STEEPNESS", wiener.STEEPNESS.tolist())
    + table("PLACES", wiener.TAPS.ravel().tolist())
    + r"""
/* A sample of a plane whose border repeats for ever, bounded. */
static __device__ word sample(const int *plane, word y, word x, int height, int width, int wide) {
    const word at = bounded(y, 0, height - 1) * wide + bounded(x, 0, width - 1);
    return bounded(plane[at], -BOUND, BOUND);
}

/* Class of every cell, a thread a cell. planes: (n, rows, columns), of which height x width are
   shown; steps: (n), 0 for those that stay; kinds: (n, down, across). */
extern "C" __global__ void classes_of_cells(
    const int *planes, const word *steps, unsigned char *kinds, int rows, int columns, int height,
    int width, int down, int across
) {
    const int cx = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const word at = blockIdx.z, step = steps[at];
    if (cx >= across || step == 0) return;
    const int *plane = planes + at * rows * columns;
    for (word cy = blockIdx.y; cy < down; cy += gridDim.y) {
        word h = 0, v = 0, d = 0, e = 0;
        for (word y = cy * CELL - 2; y < cy * CELL + 6; y += 2)
            for (word x = (word)cx * CELL - 2; x < (word)cx * CELL + 6; x++) {
#define AT(dy, dx) sample(plane, y + (dy), x + (dx), height, width, columns)
                const word c = 2 * AT(0, 0);
                h += magnitude(c - AT(0, -1) - AT(0, 1));
                v += magnitude(c - AT(-1, 0) - AT(1, 0));
                d += magnitude(c - AT(-1, -1) - AT(1, 1));
                e += magnitude(c - AT(-1, 1) - AT(1, -1));
#undef AT
            }
        const word straight = most(h, v), flat = least(h, v);
        const word oblique = most(d, e), even = least(d, e);
        const int upright = straight * even >= oblique * flat;
        const word high = upright ? straight : oblique, low = upright ? flat : even;
        const int way = upright ? (h > v ? 0 : 1) : (d > e ? 2 : 3);
        const int clear = (high > 2 * low) + (2 * high > 9 * low);
        const word steep = ((h + v) << STEEP_BITS) / step;
        int group = 0;
        while (group < GROUPS && steep >= STEEPNESS[group]) group++;
        const int direction = clear == 0 ? 0 : way + 4 * clear - 3;
        kinds[(at * down + cy) * across + cx] =
            (unsigned char)(group == 0 ? 0 : direction * GROUPS + group);
    }
}

/* Filters planes; `before` is what they were; limits: (n, LIMITS); weights: (sets of luma and
   chroma, classes, TAPS, LIMITS), of which `sets` tells. */
extern "C" __global__ void filter_planes(
    int *planes, const int *before, const word *steps, const word *limits,
    const unsigned char *sets, const unsigned char *kinds, const int *weights, int classes,
    int rows, int columns, int height, int width, int down, int across
) {
    const int x = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const word at = blockIdx.z;
    if (x >= width || steps[at] == 0) return;
    const word *limit = limits + at * LIMITS;
    const int *from = before + at * rows * columns;
    for (word y = blockIdx.y; y < height; y += gridDim.y) {
        const int kind = kinds[(at * down + y / CELL) * across + x / CELL];
        const int *weight = weights + (sets[at] * classes + kind) * TAPS * LIMITS;
        const word c = sample(from, y, x, height, width, columns);
        word total = (word)1 << (WEIGHT_BITS - 1);
        for (int i = 0; i < TAPS; i++) {
            const word dy = PLACES[2 * i], dx = PLACES[2 * i + 1];
            const word a = sample(from, y + dy, x + dx, height, width, columns) - c;
            const word b = sample(from, y - dy, x - dx, height, width, columns) - c;
            for (int k = 0; k < LIMITS; k++) {
                const word both = bounded(a, -limit[k], limit[k]) + bounded(b, -limit[k], limit[k]);
                total += weight[i * LIMITS + k] * both;
            }
        }
        planes[(at * rows + y) * columns + x] = (int)(c + (total >> WEIGHT_BITS));
    }
}
"""
)


def refine(
    xp: Any,
    planes: Any,
    steps: Sequence[npt.NDArray[np.int64]],
    postfilters: Sequence[int],
    height: int,
    width: int,
) -> None:
    """Filter pictures in place: two launches.

    Parameters
    ----------
    xp : module
        One that has kernels.
    planes : (n, C, H', W') int32
        See `wiener.refine`.
    steps : sequence of (C,) int64
        By picture.
    postfilters : sequence of int
        By picture.
    height, width : int
        What is shown of the planes.
    """
    count, channels, rows, columns = planes.shape
    every = np.zeros((count, channels), np.int64)
    for mine, one, postfilter in zip(every, steps, postfilters, strict=True):
        used = wiener.filtered_steps(one) if postfilter else []
        mine[: len(used)] = used
    if not every.any():
        return
    limits = np.stack([wiener.limits_of(int(step)) for step in every.ravel()]).astype(np.int64)
    first = 2 * np.maximum(np.array(postfilters) - 1, 0)
    sets = (first[:, None] + (np.arange(channels) > 0)).astype(np.uint8)
    down, across = rows_of(height, CELL), rows_of(width, CELL)
    before, kinds = planes.copy(), xp.zeros((count * channels, down, across), xp.uint8)
    on_device = xp.asarray(every)
    sizes = (rows, columns, height, width, down, across)
    launch(
        xp, _SOURCE, "classes_of_cells", (rows_of(across, _THREADS), down, count * channels),
        (_THREADS,), before, on_device, kinds, *sizes,
    )  # fmt: skip
    launch(
        xp, _SOURCE, "filter_planes", (rows_of(width, _THREADS), height, count * channels),
        (_THREADS,), planes, before, on_device, xp.asarray(limits), xp.asarray(sets), kinds,
        xp.asarray(wiener.table()), wiener.CLASSES, *sizes,
    )  # fmt: skip
