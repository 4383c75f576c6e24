"""Wavelets of many pictures in few launches on a GPU: the twin of `reconstruction`.

Lifting is local and its borders mirror, so every pair of samples is computed on its own from
the nine coefficients around it: more work than steps in place, but one launch a direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.parallel.kernels import constants, launch, rows_of, together
from ....shared.parallel.threads import in_threads
from ..format.stream import Symbols, band_steps
from .dequantizing import list_nonzero
from .transform import ALPHA_INT, BETA_INT, DELTA_INT, GAMMA_INT, LIFT_BITS

_THREADS = 128
_BLOCKS = 64
Array = npt.NDArray[Any]

SOURCE = (
    constants(
        {
            "ALPHA": ALPHA_INT,
            "BETA": BETA_INT,
            "GAMMA": GAMMA_INT,
            "DELTA": DELTA_INT,
            "LIFT_BITS": LIFT_BITS,
        }
    )
    + r"""
/* Coefficients that are not zero, a thread each: pairs of place and value. places: in a plane;
   firsts: (planes + 1), where those of each begin; planes: (planes, area), zeros. */
extern "C" __global__ void scatter(
    const int *places, const int *values, const int *firsts, int *planes, int area
) {
    const int plane = (int)blockIdx.y, end = firsts[plane + 1];
    int *out = planes + (word)plane * area;
    int i = firsts[plane] + (int)(blockIdx.x * blockDim.x + threadIdx.x);
    for (; i < end; i += (int)(gridDim.x * blockDim.x)) out[places[i]] = values[i];
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
    const int period = 2 * (count - 1);
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
            int at = 2 * (int)k - 3 + n;
            /* Short lines mirror several times; a division takes long. */
            while (at < 0 || at >= count) at = at < 0 ? -at : period - at;
            x[n] = in[((at >> 1) + (at & 1 ? low : 0)) * (word)by];
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


def _nonzero(symbols: Symbols) -> tuple[Array, Array, Array]:
    """Places in a plane, values, and how many each plane has."""
    layout, channels = symbols.layout, symbols.geometry.channels
    steps = band_steps(layout, symbols.step, channels)
    # What is not written to takes no memory.
    places = np.empty(symbols.magnitude.size, np.int32)
    values = np.empty(symbols.magnitude.size, np.int32)
    counts = np.empty(channels, np.int64)
    width = layout.shapes[0][1]
    count = list_nonzero(
        symbols.magnitude, symbols.sign, layout.table, layout.corners, symbols.last_plane, steps,
        width, places, values, counts,
    )  # fmt: skip
    return places[:count].copy(), values[:count].copy(), counts


def _dequantized(xp: Any, symbols: Sequence[Symbols]) -> Any:
    """Dense subbands of all pictures, (planes, H, W) int32: a copy and a launch."""
    height, width = symbols[0].layout.shapes[0]
    places, values, counts = zip(*in_threads(_nonzero, symbols), strict=True)
    firsts = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int32)
    tables = together(xp, [np.concatenate(places), np.concatenate(values), firsts])
    planes = xp.zeros((len(firsts) - 1, height, width), xp.int32)
    blocks = min(rows_of(len(tables[0]), _THREADS), _BLOCKS)
    launch(
        xp, SOURCE, "scatter", (blocks, len(planes)), (_THREADS,), *tables, planes, height * width
    )
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
