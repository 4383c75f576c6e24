"""The classified Wiener filter of many pictures, to pixels, in one launch: the twin of `wiener`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ...parallel.kernels import constants, launch, rows_of, together
from ...picture.cuda import COLOUR
from ..format.syntax import FRACTION_BITS
from . import wiener

_THREADS = 8
"""Columns and rows of cells of a block: flat cells lie together, and neighbours are shared."""
BIAS = wiener.BOUND + 1
"""Added to samples of 16 bits, which are bounded, so that all are positive."""

_INT32 = r"""
static __device__ unsigned biased(int value) {
    const int bound = BIAS - 1;
    return (unsigned)((value < -bound ? -bound : value > bound ? bound : value) + BIAS);
}

static __device__ void load_four(const int *from, unsigned *out) {
    const int4 four = *(const int4 *)from;
    out[0] = biased(four.x) | biased(four.y) << 16;
    out[1] = biased(four.z) | biased(four.w) << 16;
}
"""
_INT16 = r"""
static __device__ unsigned biased(short value) { return (unsigned)value; }

static __device__ void load_four(const short *from, unsigned *out) {
    const int2 four = *(const int2 *)from;
    out[0] = (unsigned)four.x;
    out[1] = (unsigned)four.y;
}
"""
_TAPS = "".join(f"    TAP({i}, {y}, {x})\n" for i, (y, x) in enumerate(wiener.TAPS.tolist()))
_STEEPER = " + ".join(f"(steep >= {least} * step)" for least in wiener.STEEPNESS.tolist())

_SOURCE = r"""
/* Samples around a cell, two a word: rows from 3 above, columns from 4 left of its corner. */
struct Patch { unsigned at[10][6]; };
#define WORD(y, x) patch->at[3 + (y)][(4 + (x)) >> 1]
#define AT(y, x) ((int)(WORD(y, x) >> (16 * ((x) & 1)) & 65535u))

/* The border of what is shown of a plane repeats for ever. */
static __device__ void load_patch(
    const SAMPLE *plane, int y, int x, int height, int width, int columns, Patch *patch
) {
    if (y >= 3 && y + 7 <= height && x >= 4 && x + 8 <= width && (columns & 3) == 0) {
        const SAMPLE *from = plane + (word)(y - 3) * columns + x - 4;
#pragma unroll
        for (int r = 0; r < 10; r++)
#pragma unroll
            for (int k = 0; k < 3; k++)
                load_four(from + (word)r * columns + 4 * k, patch->at[r] + 2 * k);
        return;
    }
#pragma unroll
    for (int r = 0; r < 10; r++) {
        const int row = y + r - 3, inside = row < 0 ? 0 : row < height ? row : height - 1;
        const SAMPLE *from = plane + (word)inside * columns;
#pragma unroll
        for (int k = 0; k < 6; k++) {
            const int a = x + 2 * k - 4, b = a + 1;
            const unsigned low = biased(from[a < 0 ? 0 : a < width ? a : width - 1]);
            patch->at[r][k] = low | biased(from[b < 0 ? 0 : b < width ? b : width - 1]) << 16;
        }
    }
}

static __device__ int size_of(int value) { return value < 0 ? -value : value; }

/* Class of a cell, see `wiener.classes`. */
static __device__ int class_of(const Patch *patch, word step) {
    int h = 0, v = 0, d = 0, e = 0;
#pragma unroll
    for (int y = -2; y < 6; y += 2)
#pragma unroll
        for (int x = -2; x < 6; x++) {
            const int c = 2 * AT(y, x);
            h += size_of(c - AT(y, x - 1) - AT(y, x + 1));
            v += size_of(c - AT(y - 1, x) - AT(y + 1, x));
            d += size_of(c - AT(y - 1, x - 1) - AT(y + 1, x + 1));
            e += size_of(c - AT(y - 1, x + 1) - AT(y + 1, x - 1));
        }
    const word steep = (word)(h + v) << STEEP_BITS;
    const int group = STEEPER;
    if (group == 0) return 0;
    const int straight = h > v ? h : v, flat = h > v ? v : h;
    const int oblique = d > e ? d : e, even = d > e ? e : d;
    const int upright = (word)straight * even >= (word)oblique * flat;
    const int high = upright ? straight : oblique, low = upright ? flat : even;
    const int way = upright ? (h > v ? 0 : 1) : (d > e ? 2 : 3);
    const int clear = (high > 2 * low) + (2 * high > 9 * low);
    return (clear == 0 ? 0 : way + 4 * clear - 3) * GROUPS + group;
}

/* A tap: the samples ahead and behind as one word, less the middle, thrice bounded and weighed.
   Without a carry from one half to the other, for samples are positive: adding 32768. */
#define TAP(i, dy, dx) { \
    const unsigned ahead = WORD(y + (dy), x + (dx)), behind = WORD(y - (dy), x - (dx)); \
    const unsigned both = __byte_perm(ahead, behind, \
        ((x + (dx)) & 1 ? 0x32 : 0x10) | ((x - (dx)) & 1 ? 0x7600 : 0x5400)); \
    const unsigned less = (both + (0x80008000u - middle)) ^ 0x80008000u; \
    const unsigned large = __vmaxs2(__vmins2(less, limit[2]), limit[5]); \
    const unsigned fair = __vmaxs2(__vmins2(large, limit[1]), limit[4]); \
    const unsigned small = __vmaxs2(__vmins2(fair, limit[0]), limit[3]); \
    total = __dp2a_lo((int)small, weight[2 * (i)], total); \
    total = __dp2a_hi((int)fair, weight[2 * (i)], total); \
    total = __dp2a_lo((int)large, weight[2 * (i) + 1], total); \
}

/* Filters a cell and shows it, a thread a cell.

   planes: (n, channels, rows, columns), of which height x width are shown; steps: (n, channels),
   0 for those that stay; limits: (n, channels, 6), twice each, then less than zero; weights:
   (sets of luma and chroma, classes, taps, 2), see `_weights`; sets: (n), of luma;
   pixels: (n, height, width, channels). */
extern "C" __global__ void show_cells(
    const SAMPLE *planes, const word *steps, const int *limits, const int *sets,
    const int *weights, unsigned char *pixels, int channels, int rows, int columns, int height,
    int width
) {
    const int left = 4 * (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const int stride = 4 * (int)(gridDim.y * blockDim.y);
    if (left >= width) return;
    const word picture = blockIdx.z, area = (word)rows * columns;
    const int last = channels >= 3 ? 3 : 1;
    int top = 4 * (int)(blockIdx.y * blockDim.y + threadIdx.y);
    for (; top < height; top += stride) {
        int luma[16], blue[16], red[16];
#pragma unroll
        for (int i = 0; i < 16; i++) luma[i] = blue[i] = red[i] = 0;
#pragma unroll 1
        for (int comp = 0; comp < last; comp++) {
            const word plane = picture * channels + comp, step = steps[plane];
            Patch loaded, *patch = &loaded;
            load_patch(planes + plane * area, top, left, height, width, columns, patch);
            const int kind = step ? class_of(patch, step) : 0;
            const int set = sets[picture] + (comp > 0);
            const int *weight = weights + (set * CLASSES + kind) * (2 * TAPS);
            unsigned limit[6];
#pragma unroll
            for (int i = 0; i < 6; i++) limit[i] = (unsigned)limits[plane * 6 + i];
#pragma unroll
            for (int y = 0; y < 4; y++)
#pragma unroll
                for (int x = 0; x < 4; x++) {
                    const int here = AT(y, x), i = 4 * y + x;
                    int value = here - BIAS;
                    if (kind) {
                        const unsigned middle = (unsigned)here * 65537u;
                        int total = 1 << (WEIGHT_BITS - 1);
                        ALL_TAPS
                        value += total >> WEIGHT_BITS;
                    }
                    luma[i] = comp == 0 ? value : luma[i];
                    blue[i] = comp == 1 ? value : blue[i];
                    red[i] = comp == 2 ? value : red[i];
                }
        }
        const int whole = left + 4 <= width && channels == 3 && (width & 3) == 0;
#pragma unroll
        for (int y = 0; y < 4; y++) {
            if (top + y >= height) break;
            const word row = picture * height + top + y;
            unsigned char *out = pixels + (row * width + left) * channels, four[12];
#pragma unroll
            for (int x = 0; x < 4; x++) {
                const int i = 4 * y + x;
                if (channels >= 3) colour_of(luma[i], blue[i], red[i], FRACTION_BITS, four + 3 * x);
                else four[3 * x] = byte_of((luma[i] + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS);
            }
            if (whole) {
#pragma unroll
                for (int k = 0; k < 12; k += 4)
                    *(unsigned *)(out + k) = four[k] | (unsigned)four[k + 1] << 8 |
                        (unsigned)four[k + 2] << 16 | (unsigned)four[k + 3] << 24;
                continue;
            }
#pragma unroll
            for (int x = 0; x < 4; x++) {
                if (left + x >= width) break;
                for (int c = 0; c < last; c++) out[x * channels + c] = four[3 * x + c];
                if (last == channels) continue;
                const word at = (picture * channels + last) * area + (word)(top + y) * columns;
                const int alpha = (int)biased(planes[at + left + x]) - BIAS;
                out[x * channels + last] =
                    byte_of((alpha + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS);
            }
        }
    }
}
""".replace("ALL_TAPS", _TAPS).replace("STEEPER", _STEEPER)
_CONSTANTS = constants(
    {
        "FRACTION_BITS": FRACTION_BITS,
        "GROUPS": len(wiener.STEEPNESS),
        "STEEP_BITS": wiener.STEEP_BITS,
        "WEIGHT_BITS": wiener.WEIGHT_BITS,
        "CLASSES": wiener.CLASSES,
        "TAPS": len(wiener.TAPS),
        "BIAS": BIAS,
    }
)


@cache
def _weights() -> npt.NDArray[np.int32]:
    """Each weight twice in a row, in bytes; those of a tap fill six of eight."""
    table = wiener.table().astype(np.int8).reshape(-1, wiener.LIMITS)
    twice = np.zeros((len(table), 8), np.int8)
    twice[:, : 2 * wiener.LIMITS] = table.repeat(2, axis=1)
    return twice.view(np.int32).ravel()


def shown(
    xp: Any,
    planes: Any,
    steps: Sequence[npt.NDArray[np.int64]],
    postfilters: Sequence[int],
    height: int,
    width: int,
) -> Any:
    """Filter pictures and make pixels of them: one launch.

    Parameters
    ----------
    xp : module
        One that has kernels.
    planes : (n, C, H', W') int16 or int32
        Deblocked, `FRACTION_BITS`; int16 are bounded, and `BIAS` added.
    steps : sequence of (C,) int64
        By picture, `STEP_BITS`.
    postfilters : sequence of int
        By picture, none of them 0: without a filter samples are not bounded, as they are here.
    height, width : int
        What is shown of the planes.

    Returns
    -------
    (n, H, W, C) uint8
    """
    count, channels, rows, columns = planes.shape
    every = np.zeros((count, channels), np.int64)
    for mine, one in zip(every, steps, strict=True):
        used = wiener.filtered_steps(one)
        mine[: len(used)] = used
    limits = np.stack([wiener.limits_of(int(step)) for step in every.ravel()])
    # Samples differ by less than this.
    limits = np.minimum(limits, (1 << 15) - 1).astype(np.int16)
    limits = np.concatenate([limits, -limits], axis=1).repeat(2, axis=1).view(np.int32)
    sets = 2 * (np.array(postfilters, np.int32) - 1)
    pixels = xp.empty((count, height, width, channels), xp.uint8)
    narrow = planes.dtype == xp.int16
    source = _SOURCE.replace("SAMPLE", "short" if narrow else "int")
    source = _CONSTANTS + COLOUR + (_INT16 if narrow else _INT32) + source
    blocks = (rows_of(width, 4 * _THREADS), rows_of(height, 4 * _THREADS), count)
    launch(
        xp, source, "show_cells", blocks, (_THREADS, _THREADS),
        planes, *together(xp, [every, limits, sets, _weights()]), pixels,
        channels, rows, columns, height, width,
    )  # fmt: skip
    return pixels
