"""Bases and windows of many pictures, a launch each on a GPU: twins in CUDA C, to the bit.

CUDA C shifts negative numbers arithmetically, as Python does, and adds integers atomically in
whatever order, which does not matter as sums wrap. The source is plain enough that a C++ compiler
takes it too: where there is no GPU a test compiles it so, and compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.parallel.kernels import constants, has_kernels, launch, rows_of, together
from ....shared.parallel.threads import in_threads
from ..format import base
from ..format.layout import SLOPE_LOG, UNIT
from ..format.stream import Ground
from . import cuda_outlines, windows

NAME = "draw_windows"
THREADS = (32, 8)
"""Columns and rows of a block."""
STRIPS = 8
"""Blocks a window, one above the other: one large window does not keep all others waiting."""

_FIELDS = ("P_COMP", "P_TOP", "P_LEFT", "P_ROWS", "P_UX", "P_UY", "P_VX", "P_VY", "P_COUNT")
_MORE_FIELDS = ("P_BLUE", "P_RED", "P_WAVES", "PREPARED", "ONE")
_CONSTANTS = {
    **{name: getattr(windows, name) for name in (*_FIELDS, *_MORE_FIELDS)},
    "WAVE": windows._WAVE,
    "SHIFT": windows._SHIFT,
    "UNIT": UNIT,
    "SLOPE_LOG": SLOPE_LOG,
}

SOURCE = (
    constants(_CONSTANTS)
    + r"""
/* Integers d with -ONE << 16 <= rate * d + at_zero <= ONE << 16, and a few more at both ends; no
   more than a row has. Doubles only bound the loop: what is drawn is decided by integers. */
static __device__ void span(int rate, word at_zero, word *first, word *last) {
    const word low = (word)ONE << 16;
    if (rate == 0) {
        if (at_zero < -low || at_zero > low) *last = *first - 1;
        return;
    }
    if (rate < 0) at_zero = -at_zero;
    const double over = 1.0 / (rate < 0 ? -(double)rate : (double)rate);
    *first = most(*first, (word)((double)(-low - at_zero) * over) - 2);
    *last = least(*last, (word)((double)(low - at_zero) * over) + 2);
}

/* See `windows.value_at`; u and v below ONE in magnitude, so that 32 bits are enough for most. */
static __device__ word value_at(const word *p, int count, int u, int v, const int *cosine) {
    const int q = (u * u + v * v) >> 12;
    if (q >= ONE) return 0;
    int w = ONE - q;
    w = ((w * w >> 12) * w) >> 12;
    word total = 0;
    for (int i = 0; i < count; i++) {
        const word *wave = p + P_WAVES + WAVE * i;
        const int turn = (((int)wave[1] * u + (int)wave[2] * v) >> 4) + (int)wave[3];
        total += wave[0] * cosine[turn & 1023];
    }
    return (total * w + ((word)1 << (SHIFT - 1))) >> SHIFT;
}

/* One column of blocks a window; the threads of a block go over rows and columns of its box.

   rows: (count, PREPARED); pictures: (count); cosine: (1024);
   planes: (pictures, channels, height, width). */
extern "C" __global__ void draw_windows(
    const word *rows, const int *pictures, const int *cosine, int *planes, int channels,
    int height, int width
) {
    const word *p = rows + (word)blockIdx.x * PREPARED;
    const int top = (int)p[P_TOP], left = (int)p[P_LEFT], reach = (int)p[P_ROWS];
    const int ux = (int)p[P_UX], uy = (int)p[P_UY], vx = (int)p[P_VX], vy = (int)p[P_VY];
    const int count = (int)p[P_COUNT];
    const word blue = p[P_BLUE], red = p[P_RED], area = (word)height * width;
    int *out = planes + pictures[blockIdx.x] * channels * area;
    const word first_row = most((top - reach) >> 4, 0);
    const word end_row = least(((top + reach) >> 4) + 1, height);
    const word stride = (word)gridDim.y * blockDim.y;
    word y = first_row + (word)blockIdx.y * blockDim.y + threadIdx.y;
    for (; y < end_row; y += stride) {
        const word dy = y * UNIT + UNIT / 2 - top;
        word begin = -left - UNIT, finish = (word)width * UNIT + UNIT - left;
        span(ux, dy * uy, &begin, &finish);
        span(vx, dy * vy, &begin, &finish);
        const word first = most((begin + left - UNIT / 2) >> 4, 0);
        const word end = least(((finish + left - UNIT / 2) >> 4) + 1, width);
        for (word x = first + threadIdx.x; x < end; x += blockDim.x) {
            const word dx = x * UNIT + UNIT / 2 - left;
            const word u = (dx * ux + dy * uy) >> 16, v = (dx * vx + dy * vy) >> 16;
            if (u <= -ONE || u >= ONE || v <= -ONE || v >= ONE) continue;
            const word value = value_at(p, count, (int)u, (int)v, cosine);
            const word at = y * width + x;
            if (value == 0) continue;
            atomicAdd(out + p[P_COMP] * area + at, (int)value);
            if (blue != 0 || red != 0) {
                atomicAdd(out + area + at, (int)((value * blue) >> SLOPE_LOG));
                atomicAdd(out + 2 * area + at, (int)((value * red) >> SLOPE_LOG));
            }
        }
    }
}
"""
)


_BASE_THREADS = 128
_STRIP = 8
_BASE = (
    constants({"STRIP": _STRIP})
    + r"""
/* Weights of the three nearest values, see `base._weights`. */
static __device__ void weigh(int place, int side, word *weights) {
    const word t = 2 * (place % side) + 1, far = 2 * side - t;
    weights[0] = far * far;
    weights[2] = t * t;
    weights[1] = (word)8 * side * side - weights[0] - weights[2];
}

static __device__ word divided(word value, word by, int shift) {
    return shift >= 0 ? value >> shift : floor_div(value, by);
}

/* A thread a column of STRIP rows. bases: (n, 5), the picture, where its grid begins, the grid's
   rows and columns, and a cell's side; grids: (channels, rows, columns) of each;
   planes: (pictures, channels, height, width). */
extern "C" __global__ void add_bases(
    const int *bases, const word *grids, int *planes, int channels, int height, int width
) {
    const int x = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (x >= width) return;
    const int *mine = bases + 5 * (int)(blockIdx.z / channels), comp = (int)blockIdx.z % channels;
    const int side = mine[4];
    const word *grid = grids + mine[1] + (word)comp * mine[2] * mine[3] + x / side;
    const word total = (word)8 * side * side;
    int shift = 0;
    while ((word)1 << shift < total) shift++;
    const int power = (word)1 << shift == total;
    int *out = planes + ((word)mine[0] * channels + comp) * height * width + x;
    word across[3], down[3], wide[3] = {0, 0, 0};
    weigh(x, side, across);
    for (int top = (int)blockIdx.y * STRIP; top < height; top += (int)gridDim.y * STRIP) {
        int before = -1;
        for (int y = top; y < top + STRIP && y < height; y++) {
            const int row = y / side;
            for (int k = 0; k < 3 && row != before; k++) {
                const word *at = grid + (word)(row + k) * mine[3];
                const word sum = across[0] * at[0] + across[1] * at[1] + across[2] * at[2];
                wide[k] = divided(sum * 64, total, power ? shift : -1);
            }
            before = row;
            weigh(y, side, down);
            const word sum = down[0] * wide[0] + down[1] * wide[1] + down[2] * wide[2];
            out[(word)y * width] += (int)divided(
                sum + total * 32, total * 64, power ? shift + 6 : -1);
        }
    }
}
"""
)


def add_bases(xp: Any, grounds: Sequence[Ground], planes: Any, scale: int) -> None:
    """Do what `format.base.add_base` does, for all pictures in one launch.

    Parameters
    ----------
    xp : module
        One that has kernels.
    grounds : sequence of Ground
    planes : (n, C, H * scale, W * scale) int32, of `xp`
    scale : int
    """
    table, grids, start = [], [], 0
    for picture, ground in enumerate(grounds):
        if not ground.base_code:
            continue
        grid = base.grid_of(ground.base, ground.steps)
        side = scale << base.CELL_LOGS[ground.base_code]
        table.append([picture, start, *grid.shape[1:], side])
        grids.append(grid.ravel())
        start += grid.size
    if not table:
        return
    _, channels, height, width = planes.shape
    tables = together(xp, [np.array(table, np.int32), np.concatenate(grids)])
    grid_size = (rows_of(width, _BASE_THREADS), rows_of(height, _STRIP), len(table) * channels)
    launch(
        xp, _BASE, "add_bases", grid_size, (_BASE_THREADS,), *tables, planes,
        channels, height, width,
    )  # fmt: skip


def draw_windows(
    xp: Any,
    rows: npt.NDArray[np.int64],
    planes: Any,
    scale: int,
    pictures: npt.NDArray[np.int32] | None = None,
) -> None:
    """Add windows to planes, in place: in one launch, or one by one where `xp` has no kernels.

    Parameters
    ----------
    xp : module
    rows : (k, PREPARED) int64
        What `windows.prepared` gave.
    planes : (C, H * scale, W * scale) int32, of `xp`
        6 fractional bits, contiguous; those of several pictures, (n, C, ..), with kernels.
    scale : int
    pictures : (k,) int32, optional
        Picture of each window; the first by default.
    """
    if not has_kernels(xp):
        windows.draw_arrays(xp, rows, planes, scale)
        return
    if pictures is None:
        pictures = np.zeros(len(rows), np.int32)
    launch(
        xp, SOURCE, NAME, (len(rows), STRIPS), THREADS,
        *together(xp, [rows, pictures, windows.COSINES]), planes, *planes.shape[-3:],
    )  # fmt: skip


def render_grounds(xp: Any, grounds: Sequence[Ground], planes: Any, scale: int) -> None:
    """Add base, outlines and windows of all pictures to planes, in place.

    Parameters
    ----------
    xp : module
        One that has kernels.
    grounds : sequence of Ground
    planes : (n, C, H * scale, W * scale) int32, of `xp`
        6 fractional bits, contiguous.
    scale : int
    """
    add_bases(xp, grounds, planes, scale)
    for ground, mine in zip(grounds, planes, strict=True):
        cuda_outlines.draw_outlines(xp, ground.outlines, mine, scale)
    rows = in_threads(lambda one: windows.prepared(one.layers, one.steps, scale), grounds)
    pictures = np.repeat(np.arange(len(rows), dtype=np.int32), [len(one) for one in rows])
    draw_windows(xp, np.concatenate(rows), planes, scale, pictures)


__all__ = ["NAME", "SOURCE", "add_bases", "draw_windows", "render_grounds"]
