"""Correlation along an axis in one launch: what `bands.ArrayOperations.filter` does in many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ..parallel.kernels import launch, rows_of

_THREADS = 128

SOURCE = r"""
/* from: (planes, height, width); to: the same, along one axis every `step`-th place alone.
   Taps mirror each other, with the sign of `sign`; beyond the edges the samples are mirrored. */
extern "C" __global__ void correlate(
    const float *from, float *to, const float *taps, int radius, int sign, int height, int width,
    int out_height, int out_width, int step, int down
) {
    const word x = (word)blockIdx.x * blockDim.x + threadIdx.x, plane = blockIdx.z;
    if (x >= out_width) return;
    const int size = down ? height : width;
    for (word y = blockIdx.y; y < out_height; y += gridDim.y) {
        const float *line = from + plane * height * width + (down ? x : y * width);
        const word by = down ? width : 1, centre = step * (down ? y : x);
        float total = taps[radius] * line[centre * by];
        for (int at = 0; at < radius; at++) {
            word low = (centre + at - radius) % (2 * size);
            word high = (centre + radius - at) % (2 * size);
            if (low < 0) low += 2 * size;
            if (low >= size) low = 2 * size - 1 - low;
            if (high >= size) high = 2 * size - 1 - high;
            const float a = line[high * by], b = line[low * by];
            total += (sign > 0 ? a + b : a - b) * taps[2 * radius - at];
        }
        to[(plane * out_height + y) * out_width + x] = total;
    }
}
"""


@cache
def _on_device(xp: Any, taps: tuple[float, ...]) -> Any:
    return xp.asarray(np.array(taps, np.float32))


def correlate(xp: Any, x: Any, taps: Sequence[float], axis: int, step: int) -> Any:
    """Correlate with taps that mirror each other.

    Parameters
    ----------
    xp : module
        One that has kernels.
    x : (..., H, W) float32
    taps : sequence of float
        Of odd number.
    axis : {-2, -1}
    step : int
        Every so manyth place is computed.

    Returns
    -------
    (..., H, W) float32
        Shorter along `axis` where `step` is not 1.
    """
    x = xp.ascontiguousarray(x)
    height, width = x.shape[-2:]
    shape = list(x.shape)
    shape[axis] = -(-shape[axis] // step)
    out = xp.empty(tuple(shape), xp.float32)
    planes = x.size // (height * width)
    launch(
        xp, SOURCE, "correlate", (rows_of(shape[-1], _THREADS), shape[-2], planes), (_THREADS,),
        x, out, _on_device(xp, tuple(taps)), len(taps) // 2, 1 if taps[0] == taps[-1] else -1,
        height, width, shape[-2], shape[-1], step, int(axis == -2),
    )  # fmt: skip
    return out
