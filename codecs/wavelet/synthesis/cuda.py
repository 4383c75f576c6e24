"""Wavelets of many pictures in few launches on a GPU: the twin of `reconstruction`.

Lifting is local and its borders mirror, so every pair of samples is computed on its own from
the nine coefficients around it: more work than steps in place, but one launch a direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....shared.parallel.kernels import constants, launch, rows_of, stacked
from ..format.layout import HEIGHT, OFFSET, STRIDE, WIDTH
from ..format.stream import FRACTION_BITS, Symbols, band_steps
from .transform import ALPHA_INT, BETA_INT, DELTA_INT, GAMMA_INT, LIFT_BITS

LIMIT = 1 << 26
SHIFT = 17 - FRACTION_BITS
"""Twice a magnitude times a step of 16 fractional bits, to `FRACTION_BITS`."""
_THREADS = 128

SOURCE = (
    constants(
        {
            "ALPHA": ALPHA_INT,
            "BETA": BETA_INT,
            "GAMMA": GAMMA_INT,
            "DELTA": DELTA_INT,
            "LIFT_BITS": LIFT_BITS,
            "LIMIT": LIMIT,
            "SHIFT": SHIFT,
        }
    )
    + r"""
/* A subband of all planes. magnitude, sign: (planes, size); planes: (planes, height, width);
   last_plane, steps: (planes). */
extern "C" __global__ void dequantize(
    const int *magnitude, const signed char *sign, const int *last_plane, const word *steps,
    int *planes, int size, int start, int stride, int rows, int columns, int top, int left,
    int height, int width
) {
    const word x = (word)blockIdx.x * blockDim.x + threadIdx.x, plane = blockIdx.z;
    if (x >= columns) return;
    for (word y = blockIdx.y; y < rows; y += gridDim.y) {
        const word at = plane * size + start + y * stride + x, m = magnitude[at];
        if (m == 0) continue;
        int unknown = last_plane[plane];
        if (unknown > 0 && (m >> (unknown - 1)) & 1) unknown--;
        const word middle = ((word)1 << unknown) - 1;
        const word value = ((2 * m + middle) * steps[plane] + ((word)1 << (SHIFT - 1))) >> SHIFT;
        int *out = planes + (plane * height + top + y) * width + left + x;
        *out = (int)(least(value, LIMIT) * sign[at]);
    }
}

static __device__ int lifted(int here, int left, int right, word factor) {
    const word change = ((word)left + right) * factor + ((word)1 << (LIFT_BITS - 1));
    return (int)(here - (change >> LIFT_BITS));
}

/* Undo one level along one axis. Sample i of line j lies at i * by + j * next; of the `count`
   samples of a line the low half comes first in `from`. */
extern "C" __global__ void merge(
    const int *from, int *to, int count, int lines, int by, int next, int area, int down
) {
    const word i = (word)blockIdx.x * blockDim.x + threadIdx.x;
    const int low = (count + 1) / 2;
    const word period = 2 * ((word)count - 1);
    for (word j = blockIdx.y; j < (down ? low : lines); j += gridDim.y) {
        const word k = down ? j : i, line = down ? i : j;
        if (i >= (down ? lines : low)) return;
        const int *in = from + (word)blockIdx.z * area + line * next;
        int *out = to + (word)blockIdx.z * area + line * next;
        if (count == 1) {
            out[0] = in[0];
            continue;
        }
        int x[9];
        for (int n = 0; n < 9; n++) {
            word at = (2 * k - 3 + n) % period;
            if (at < 0) at += period;
            if (at >= count) at = period - at;
            x[n] = in[(at / 2 + (at & 1 ? low : 0)) * by];
        }
        /* x[3] is sample 2 k; odd places of x are low samples. */
        for (int n = 1; n < 8; n += 2) x[n] = lifted(x[n], x[n - 1], x[n + 1], DELTA);
        for (int n = 2; n < 7; n += 2) x[n] = lifted(x[n], x[n - 1], x[n + 1], GAMMA);
        for (int n = 3; n < 6; n += 2) x[n] = lifted(x[n], x[n - 1], x[n + 1], BETA);
        out[2 * k * by] = x[3];
        if (2 * k + 1 < count) out[(2 * k + 1) * by] = lifted(x[4], x[3], x[5], ALPHA);
    }
}
"""
)


def _dequantized(xp: Any, symbols: Sequence[Symbols]) -> Any:
    """Dense subbands of all pictures, (planes, H, W) int32: a launch a subband."""
    layout, channels = symbols[0].layout, symbols[0].geometry.channels
    height, width = layout.shapes[0]
    count = len(symbols) * channels
    magnitude = stacked(xp, [one.magnitude for one in symbols])
    sign = stacked(xp, [one.sign for one in symbols])
    steps = np.concatenate([band_steps(layout, one.step, channels) for one in symbols])
    last = np.repeat(np.stack([one.last_plane for one in symbols]), channels, axis=0)
    steps = xp.asarray(np.ascontiguousarray(steps.T))
    last = xp.asarray(np.ascontiguousarray(last.T.astype(np.int32)))
    planes = xp.zeros((count, height, width), xp.int32)
    for i, band in enumerate(layout.bands):
        row = layout.table[i]
        at = (int(row[OFFSET]), int(row[STRIDE]), int(row[HEIGHT]), int(row[WIDTH]))
        grid = (rows_of(band.width, _THREADS), band.height, count)
        launch(
            xp, SOURCE, "dequantize", grid, (_THREADS,),
            magnitude, sign, last[i], steps[i], planes,
            layout.size, *at, band.top, band.left, height, width,
        )  # fmt: skip
    return planes


def components(xp: Any, symbols: Sequence[Symbols]) -> Any:
    """Decode the components of pictures of one size, (n, C, H, W) int32."""
    shapes = symbols[0].layout.shapes
    height, width = shapes[0]
    planes = _dequantized(xp, symbols)
    other, count, area = xp.empty_like(planes), len(planes), height * width
    threads = (_THREADS,)
    for h, w in shapes[-2::-1]:
        high, wide = (h + 1) // 2, (w + 1) // 2
        launch(
            xp, SOURCE, "merge", (rows_of(w, _THREADS), high, count), threads,
            planes, other, h, w, width, 1, area, 1,
        )  # fmt: skip
        launch(
            xp, SOURCE, "merge", (rows_of(wide, _THREADS), h, count), threads,
            other, planes, w, h, 1, width, area, 0,
        )  # fmt: skip
    return planes.reshape(len(symbols), -1, height, width)
