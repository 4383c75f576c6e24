"""Base and windows, a launch each on a GPU: the CUDA C twin of `windows.draw`, to the bit.

CUDA C shifts negative numbers arithmetically, as Python does, and adds integers atomically in
whatever order, which does not matter as sums wrap. Its division rounds to zero, so `floor_div`
takes its place. The source is plain enough that a C++ compiler takes it too: where there is no
GPU a test compiles it so, and compares.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.parallel.kernels import constants, has_kernels, launch, rows_of
from ..format import base
from ..format.layout import SLOPE_LOG, UNIT
from . import windows

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
/* First and last integer d with -ONE << 16 <= rate * d + at_zero <= ONE << 16. */
static __device__ void span(word rate, word at_zero, word *first, word *last) {
    const word low = (word)ONE << 16;
    if (rate == 0) {
        const int all = -low <= at_zero && at_zero <= low;
        *first = all ? -((word)1 << 40) : 1;
        *last = all ? (word)1 << 40 : 0;
        return;
    }
    if (rate < 0) {
        rate = -rate;
        at_zero = -at_zero;
    }
    *first = -floor_div(low + at_zero, rate);
    *last = floor_div(low - at_zero, rate);
}

static __device__ word value_at(const word *p, word u, word v, const int *cosine) {
    const word q = (u * u + v * v) >> 12;
    if (q >= ONE) return 0;
    word w = ONE - q;
    w = ((w * w >> 12) * w) >> 12;
    word total = 0;
    for (int i = 0; i < p[P_COUNT]; i++) {
        const word *wave = p + P_WAVES + WAVE * i;
        const word turn = ((wave[1] * u + wave[2] * v) >> 4) + wave[3];
        total += wave[0] * (word)cosine[turn & 1023];
    }
    return (total * w + ((word)1 << (SHIFT - 1))) >> SHIFT;
}

/* One column of blocks a window; the threads of a block go over rows and columns of its box.

   rows: (count, PREPARED); cosine: (1024); planes: (components, height, width). */
extern "C" __global__ void draw_windows(
    const word *rows, const int *cosine, int *planes, int height, int width
) {
    const word *p = rows + (word)blockIdx.x * PREPARED;
    const word top = p[P_TOP], left = p[P_LEFT], reach = p[P_ROWS];
    const word ux = p[P_UX], uy = p[P_UY], vx = p[P_VX], vy = p[P_VY];
    const word blue = p[P_BLUE], red = p[P_RED];
    const word area = (word)height * width;
    const word first_row = most((top - reach) >> 4, 0);
    const word end_row = least(((top + reach) >> 4) + 1, height);
    const word stride = (word)gridDim.y * blockDim.y;
    word y = first_row + (word)blockIdx.y * blockDim.y + threadIdx.y;
    for (; y < end_row; y += stride) {
        const word dy = y * UNIT + UNIT / 2 - top;
        word a0, a1, b0, b1;
        span(ux, dy * uy, &a0, &a1);
        span(vx, dy * vy, &b0, &b1);
        const word first = most((most(a0, b0) + left + UNIT / 2 - 1) >> 4, 0);
        const word end = least(((least(a1, b1) + left - UNIT / 2) >> 4) + 1, width);
        for (word x = first + threadIdx.x; x < end; x += blockDim.x) {
            const word dx = x * UNIT + UNIT / 2 - left;
            const word u = (dx * ux + dy * uy) >> 16, v = (dx * vx + dy * vy) >> 16;
            const word value = value_at(p, u, v, cosine);
            const word at = y * width + x;
            if (value == 0) continue;
            atomicAdd(planes + p[P_COMP] * area + at, (int)value);
            if (blue != 0 || red != 0) {
                atomicAdd(planes + area + at, (int)((value * blue) >> SLOPE_LOG));
                atomicAdd(planes + 2 * area + at, (int)((value * red) >> SLOPE_LOG));
            }
        }
    }
}
"""
)


_BASE = r"""
/* planes: (channels, height, width) += three rows of `rows` (channels, grid, width), weighed. */
extern "C" __global__ void spread_base(
    const word *rows, const word *down, int *planes, int grid, int side, int height, int width
) {
    const word x = (word)blockIdx.x * blockDim.x + threadIdx.x, plane = blockIdx.z;
    if (x >= width) return;
    const word total = (word)8 * side * side;
    for (word y = blockIdx.y; y < height; y += gridDim.y) {
        const word *row = rows + (plane * grid + y / side) * width + x, *weights = down + 3 * y;
        word sum = weights[0] * row[0] + weights[1] * row[width];
        sum += weights[2] * row[2 * width];
        planes[(plane * height + y) * width + x] += (int)floor_div(sum + total * 32, total * 64);
    }
}
"""
_BASE_THREADS = 128


def add_base(
    xp: Any,
    levels: npt.NDArray[np.int32],
    code: int,
    steps: npt.NDArray[np.int64],
    planes: Any,
    scale: int,
) -> None:
    """Do what `format.base.add_base` does, in one launch where `xp` has kernels."""
    if not code or not has_kernels(xp):
        base.add_base(xp, levels, code, steps, planes, scale)
        return
    count, height, width = planes.shape
    rows, down, side = base.widened(levels, code, steps, planes.shape[1:], scale)
    launch(
        xp, _BASE, "spread_base", (rows_of(width, _BASE_THREADS), height, count),
        (_BASE_THREADS,), xp.asarray(rows), xp.asarray(down), planes,
        rows.shape[1], side, height, width,
    )  # fmt: skip


def draw_windows(xp: Any, rows: npt.NDArray[np.int64], planes: Any, scale: int) -> None:
    """Add windows to planes, in place: in one launch, or one by one where `xp` has no kernels.

    Parameters
    ----------
    xp : module
    rows : (k, PREPARED) int64
        What `windows.prepared` gave.
    planes : (C, H * scale, W * scale) int32, of `xp`
        6 fractional bits, contiguous.
    scale : int
    """
    if not has_kernels(xp):
        windows.draw_arrays(xp, rows, planes, scale)
        return
    launch(
        xp, SOURCE, NAME, (len(rows), STRIPS), THREADS,
        xp.asarray(rows), xp.asarray(windows.COSINES), planes, *planes.shape[1:],
    )  # fmt: skip


__all__ = ["NAME", "SOURCE", "add_base", "draw_windows"]
