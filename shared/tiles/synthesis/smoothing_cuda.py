"""Deblocking of many pictures in one launch on a GPU: the twin of `deblocking`.

Seams of one direction are independent, and a sample takes part in one of each at most. So every
sample is found on its own: seams between columns first, then seams between rows of what these
made, which is found anew wherever it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ...parallel.kernels import constants, launch, rows_of, table
from ..format.stream import TileSet
from . import deblocking
from .cuda import Batch
from .wiener import BOUND
from .wiener_cuda import BIAS

_THREADS = 64


_SOURCE = (
    constants({"RAMP_BITS": deblocking._RAMP_BITS, "BOUND": BOUND, "BIAS": BIAS})
    + table("unsigned char", "RAMPS", deblocking._RAMPS.ravel().tolist())
    + r"""
/* The seam next to each half of a cell along one axis: the place after it, or -1 if there is none
   that reaches as far; the logarithm of the smaller leaf. */
struct Seams { int at[2]; int log[2]; };

/* logs: of the cells along the axis, `step` apart. */
static __device__ Seams seams_of(const signed char *logs, word step, int cell, int cells) {
    Seams out;
    const int log = logs[cell * step], side = 1 << log;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const int place = 4 * cell + 2 * half, in = place & (side - 1), left = in < side >> 1;
        const int seam = place - in + (left ? 0 : side);
        out.at[half] = -1;
        out.log[half] = 0;
        if (log == 0 || seam == 0 || seam >= 4 * cells) continue;
        const int reach = left ? in : seam - place - 2;
        if (reach >= 8) continue;
        const int other = logs[((seam >> 2) - left) * step], small = other < log ? other : log;
        if (other == 0 || reach >= 2 << ((small < 4 ? small : 4) - 2)) continue;
        out.at[half] = seam;
        out.log[half] = small;
    }
    return out;
}

/* What of the jump between p0 and q0 is spread. */
static __device__ int jump_of(int p1, int p0, int q0, int q1, word limit) {
    const word jump = (9 * ((word)q0 - p0) - 3 * ((word)q1 - p1)) >> 3, size = magnitude(jump);
    if (size >= 2 * limit) return 0;
    const int part = (int)least(size, 2 * limit - size);
    return jump > 0 ? part : -part;
}

/* What a sample gains by a jump at a seam. */
static __device__ int change_of(int jump, int log, int seam, int place) {
    const int ramp = 8 * ((log < 4 ? log : 4) - 2);
    const int far = place >= seam ? place - seam : seam - 1 - place;
    const int change = (jump * RAMPS[ramp + far] + (1 << (RAMP_BITS - 1))) >> RAMP_BITS;
    return place >= seam ? -change : change;
}

/* Four samples of a row after the seams between columns. */
static __device__ void row_after(
    const FROM *row, const Seams *seams, int cell, const word *limits, int *out
) {
    const FROM4 four = *(const FROM4 *)(row + 4 * cell);
    out[0] = four.x; out[1] = four.y; out[2] = four.z; out[3] = four.w;
    int jump = 0;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const int at = seams->at[half], log = seams->log[half];
        if (at < 0) continue;
        const FROM *q = row + at;
        if (half == 0 || at != seams->at[0]) jump = jump_of(q[-2], q[-1], q[0], q[1], limits[log]);
#pragma unroll
        for (int i = 2 * half; i < 2 * half + 2; i++)
            out[i] += change_of(jump, log, at, 4 * cell + i);
    }
}

/* A thread a cell. planes, out: (planes, 4 * rows, 4 * cells); logs: (planes, rows, cells);
   limits: (planes, kinds), by the logarithm of the smaller leaf. */
extern "C" __global__ void soften_cells(
    const FROM *planes, const signed char *logs, const word *limits, SAMPLE *out, int kinds,
    int rows, int cells
) {
    const int cx = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (cx >= cells) return;
    const word plane = blockIdx.z, width = 4 * (word)cells;
    const signed char *log = logs + plane * rows * cells;
    const word *limit = limits + plane * kinds;
    const FROM *from = planes + plane * 4 * rows * width;
    SAMPLE *to = out + plane * 4 * rows * width;
    for (int cy = (int)blockIdx.y; cy < rows; cy += (int)gridDim.y) {
        int mine[4][4], jumps[4] = {0, 0, 0, 0};
        const Seams along = seams_of(log + (word)cy * cells, 1, cx, cells);
#pragma unroll
        for (int y = 0; y < 4; y++)
            row_after(from + (4 * (word)cy + y) * width, &along, cx, limit, mine[y]);
        const Seams down = seams_of(log + cx, cells, cy, rows);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const int at = down.at[half];
            if (at < 0) continue;
            if (half == 0 || at != down.at[0]) {
                int near[4][4];
                const int above = (at >> 2) - 1;
#pragma unroll
                for (int side = 0; side < 2; side++) {
                    const word cell = above + side;
                    const Seams there = seams_of(log + cell * cells, 1, cx, cells);
#pragma unroll
                    for (int y = 2 * side; y < 2 * side + 2; y++)
                        row_after(from + (at - 2 + y) * width, &there, cx, limit, near[y]);
                }
#pragma unroll
                for (int x = 0; x < 4; x++)
                    jumps[x] = jump_of(
                        near[0][x], near[1][x], near[2][x], near[3][x], limit[down.log[half]]);
            }
#pragma unroll
            for (int y = 2 * half; y < 2 * half + 2; y++)
#pragma unroll
                for (int x = 0; x < 4; x++)
                    mine[y][x] += change_of(jumps[x], down.log[half], at, 4 * cy + y);
        }
#pragma unroll
        for (int y = 0; y < 4; y++) {
            const int *row = mine[y];
            const SAMPLE4 four = {KEPT(row[0]), KEPT(row[1]), KEPT(row[2]), KEPT(row[3])};
            *(SAMPLE4 *)(to + (4 * (word)cy + y) * width + 4 * cx) = four;
        }
    }
}
"""
)
_KEPT = {
    "int": "#define KEPT(value) (value)\n",
    "short": "#define KEPT(value) ((short)(bounded(value, -BOUND, BOUND) + BIAS))\n",
}


@cache
def _source(given: str, made: str) -> str:
    return _KEPT[made] + _SOURCE.replace("FROM", given).replace("SAMPLE", made)


def smooth(
    xp: Any,
    batch: Batch,
    tiles: Sequence[TileSet],
    postfilters: Sequence[int],
    planes: Any,
    *,
    bounded: bool = False,
) -> Any:
    """Soften all seams: one launch.

    Parameters
    ----------
    xp : module
    batch : Batch
    tiles : sequence of TileSet
        What it was made of.
    postfilters : sequence of int
        By picture; where it is 0 its seams stay.
    planes : (pictures, C, H', W') int16 or int32
    bounded : bool
        Whether samples shall be bounded by `wiener.BOUND`, and `wiener_cuda.BIAS` added.

    Returns
    -------
    (pictures, C, H', W') int16 or int32
        int16 if `bounded`.
    """
    limits = np.stack(
        [
            deblocking.thresholds(int(step) if postfilter else 0)
            for one, postfilter in zip(tiles, postfilters, strict=True)
            for step in one.steps
        ]
    )
    out = xp.empty(planes.shape, xp.int16 if bounded else xp.int32)
    source = _source("short" if planes.dtype == xp.int16 else "int", "short" if bounded else "int")
    count, rows, cells = batch.owners.shape
    launch(
        xp, source, "soften_cells",
        (rows_of(cells, _THREADS), rows, count), (_THREADS,),
        planes, batch.logs, xp.asarray(limits), out, limits.shape[1], rows, cells,
    )  # fmt: skip
    return out
