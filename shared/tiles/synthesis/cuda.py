"""Tiles of many pictures in few launches on a GPU: the twin of `reconstruction` and `deblocking`.

Pictures of one size lie one after the other: what is one component to a leaf is a plane here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...parallel.kernels import constants, launch, rows_of, stacked, table
from ..format.stream import TileSet, parts_of
from ..format.syntax import (
    CELL,
    COMP,
    FIELDS,
    GRADE,
    LEFT,
    LOG,
    MEAN,
    REACH,
    START,
    TOP,
)
from ..format.turns import SCALE_BITS
from . import deblocking
from .dct import BASES, TABLE_BITS
from .reconstruction import LIMIT, SHIFT
from .turning import turned_back

_LEAF_THREADS = 64
_SEAM_THREADS = 128

_RENDER = (
    constants(
        {
            "COMP": COMP,
            "TOP": TOP,
            "LEFT": LEFT,
            "LOG": LOG,
            "MEAN": MEAN,
            "GRADE": GRADE,
            "REACH": REACH,
            "START": START,
            "FIELDS": FIELDS,
            "LIMIT": LIMIT,
            "SHIFT": SHIFT,
            "SCALE_BITS": SCALE_BITS,
            "TABLE_BITS": TABLE_BITS,
        }
    )
    + r"""
static __device__ word coefficient(word level, word step) {
    return bounded((level * step + ((word)1 << (SHIFT - 1))) >> SHIFT, -LIMIT, LIMIT);
}

/* Columns of all leaves with detail, a block a leaf.

   leaves: (n, FIELDS); known: (n); levels, work: (planes, size); steps: (planes);
   bases: (7, 64, 64). */
extern "C" __global__ void columns_of_leaves(
    const int *leaves, const unsigned char *known, const int *levels, const word *steps,
    const int *bases, int *work, int size
) {
    const int *leaf = leaves + (word)blockIdx.x * FIELDS;
    if (!known[blockIdx.x] || leaf[GRADE] == 0) return;
    const int log = leaf[LOG], side = 1 << log, reach = leaf[REACH];
    const word step = steps[leaf[COMP]], start = (word)leaf[COMP] * size + leaf[START];
    const int last = reach < side - 1 ? reach : side - 1;
    const int *basis = bases + log * 4096;
    for (int at = threadIdx.x; at < side * side; at += blockDim.x) {
        const int n = at >> log, v = at & (side - 1);
        if (v > last) continue;
        const int rows = reach - v < side - 1 ? reach - v : side - 1;
        word total = (word)1 << (TABLE_BITS - 1);
        for (int u = 0; u <= rows; u++) {
            const word level =
                u + v ? levels[start + u * side + v] : (word)leaf[MEAN] * (1 << SCALE_BITS);
            if (level != 0) total += coefficient(level, step) * basis[u * 64 + n];
        }
        work[start + at] = (int)(total >> TABLE_BITS);
    }
}

/* Rows of all leaves, and leaves without detail: samples. planes: (planes, height, width). */
extern "C" __global__ void rows_of_leaves(
    const int *leaves, const unsigned char *known, const word *steps, const int *bases,
    const int *work, int *planes, int size, int height, int width
) {
    const int *leaf = leaves + (word)blockIdx.x * FIELDS;
    const int log = leaf[LOG], side = 1 << log, reach = leaf[REACH];
    const word step = steps[leaf[COMP]], start = (word)leaf[COMP] * size + leaf[START];
    int *out = planes + (word)leaf[COMP] * height * width + (word)leaf[TOP] * width + leaf[LEFT];
    const int detailed = known[blockIdx.x] && leaf[GRADE] != 0;
    const word mean = bounded(
        (leaf[MEAN] * step + ((word)1 << (log + 9))) >> (log + 10), -((word)1 << 20), (word)1 << 20
    );
    const int last = reach < side - 1 ? reach : side - 1, shift = TABLE_BITS + log - 1;
    const int *basis = bases + log * 4096;
    for (int at = threadIdx.x; at < side * side; at += blockDim.x) {
        const int y = at >> log, n = at & (side - 1);
        word value = mean;
        if (detailed) {
            word total = (word)1 << (shift - 1);
            for (int v = 0; v <= last; v++)
                total += (word)work[start + y * side + v] * basis[v * 64 + n];
            value = total >> shift;
        }
        out[(word)y * width + n] = (int)value;
    }
}
"""
)

_SMOOTH = (
    constants({"CELL": CELL, "RAMP_BITS": deblocking._RAMP_BITS})
    + table("RAMPS", deblocking._RAMPS.ravel().tolist())
    + r"""
/* Softens the seam across which at[-by] and at[0] lie. */
static __device__ void soften(int *at, word by, int log, word limit) {
    const int kind = (log < 4 ? log : 4) - 2;
    word jump = (9 * ((word)at[0] - at[-by]) - 3 * ((word)at[by] - at[-2 * by])) >> 3;
    word size = magnitude(jump);
    if (size >= 2 * limit) return;
    size = least(size, 2 * limit - size);
    jump = jump > 0 ? size : -size;
    for (int i = 0; i < 2 << kind; i++) {
        const word change = jump * RAMPS[kind * 8 + i] + (1 << (RAMP_BITS - 1));
        at[-(i + 1) * by] += (int)(change >> RAMP_BITS);
        at[i * by] -= (int)(change >> RAMP_BITS);
    }
}

/* Seams between columns (down = 0) or rows (down = 1) of cells, a thread a line across a seam.

   owner, logs: (.., rows + 2, columns + 2), at map_of[plane]; limits: (planes, kinds), by the
   logarithm of the smaller leaf. */
extern "C" __global__ void soften_seams(
    int *planes, const int *owner, const signed char *logs, const int *map_of,
    const word *limits, int kinds, int rows, int columns, int down
) {
    const word plane = blockIdx.z, width = (word)columns * CELL, height = (word)rows * CELL;
    const word x = (word)blockIdx.x * blockDim.x + threadIdx.x;
    const word cells = columns + 2, map = (rows + 2) * cells * map_of[plane];
    for (word y = blockIdx.y; y < (down ? rows - 1 : height); y += gridDim.y) {
        const word cx = down ? x / CELL : x + 1, cy = down ? y + 1 : y / CELL;
        if (cx >= columns) return;
        const word here = map + (cy + 1) * cells + cx + 1, before = here - (down ? cells : 1);
        const int a = owner[before], b = owner[here];
        if (a == b || a < 0 || b < 0) continue;
        const int log = logs[before] < logs[here] ? logs[before] : logs[here];
        int *at = planes + plane * height * width;
        at += down ? cy * CELL * width + x : y * width + cx * CELL;
        soften(at, down ? width : 1, log, limits[plane * kinds + log]);
    }
}
"""
)


@dataclass(frozen=True)
class Batch:
    """Tiles of pictures of one size, on the device.

    Parameters
    ----------
    pictures, channels, height, width : int
        Sides padded to whole superblocks.
    leaves : (n, FIELDS) int32
        Of all pictures; `COMP` is the plane.
    known : (n,) uint8
    levels : (planes, size) int32
        Turned back, see `turning.turned_back`; so are the reaches.
    steps : (planes,) int64
    owner, logs : (maps, rows + 2, columns + 2) int32 and int8
    map_of : (planes,) int32
    """

    pictures: int
    channels: int
    height: int
    width: int
    leaves: Any
    known: Any
    levels: Any
    steps: Any
    owner: Any
    logs: Any
    map_of: Any


def gather(xp: Any, tiles: Sequence[TileSet], known: Sequence[npt.NDArray[np.bool_]]) -> Batch:
    """Bring tiles of pictures of one size to the device."""
    comps = tiles[0].geometry.channels
    rows, columns = tiles[0].owner.shape[1] - 2, tiles[0].owner.shape[2] - 2
    turned = [turned_back(one) for one in tiles]
    leaves = np.concatenate([mine for _, mine in turned])
    sizes = [len(one.leaves) for one in tiles]
    leaves[:, COMP] += np.repeat(np.arange(len(tiles), dtype=np.int32) * comps, sizes)
    parts = parts_of(comps)
    part = np.repeat(np.arange(len(parts)), parts[:, 1])
    picture = np.arange(len(tiles))[:, None]
    at = (picture * len(parts) + part).ravel().astype(np.int32)
    return Batch(
        len(tiles),
        comps,
        rows * CELL,
        columns * CELL,
        xp.asarray(leaves),
        xp.asarray(np.concatenate(list(known)).astype(np.uint8)),
        stacked(xp, [levels for levels, _ in turned]),
        xp.asarray(np.concatenate([one.steps for one in tiles])),
        stacked(xp, [one.owner[parts[:, 0]] for one in tiles]),
        stacked(xp, [one.logs for one in tiles]),
        xp.asarray(at),
    )


def render(xp: Any, batch: Batch) -> Any:
    """Render tiles without deblocking: two launches.

    Returns
    -------
    (pictures, C, H', W') int32
        See `reconstruction.render`.
    """
    planes = xp.zeros((batch.pictures, batch.channels, batch.height, batch.width), xp.int32)
    bases = xp.asarray(BASES.astype(np.int32))
    work = xp.empty(batch.levels.shape, xp.int32)
    grid, size = (len(batch.leaves),), batch.levels.shape[1]
    tables = (batch.leaves, batch.known)
    launch(
        xp, _RENDER, "columns_of_leaves", grid, (_LEAF_THREADS,),
        *tables, batch.levels, batch.steps, bases, work, size,
    )  # fmt: skip
    launch(
        xp, _RENDER, "rows_of_leaves", grid, (_LEAF_THREADS,),
        *tables, batch.steps, bases, work, planes, size, batch.height, batch.width,
    )  # fmt: skip
    return planes


def smooth(
    xp: Any, batch: Batch, tiles: Sequence[TileSet], postfilters: Sequence[int], planes: Any
) -> None:
    """Soften all seams, in place: two launches.

    Parameters
    ----------
    xp : module
    batch : Batch
    tiles : sequence of TileSet
        What it was made of.
    postfilters : sequence of int
        By picture; where it is 0 its seams stay.
    planes : (pictures, C, H', W') int32
    """
    if not any(postfilters):
        return
    limits = np.stack(
        [
            deblocking.thresholds(int(step) if postfilter else 0)
            for one, postfilter in zip(tiles, postfilters, strict=True)
            for step in one.steps
        ]
    )
    rows, columns = batch.height // CELL, batch.width // CELL
    maps = (batch.owner, batch.logs, batch.map_of, xp.asarray(limits))
    count = batch.pictures * batch.channels
    for down, wide, high in ((0, columns - 1, batch.height), (1, batch.width, rows - 1)):
        grid = (rows_of(wide, _SEAM_THREADS), high, count)
        launch(
            xp, _SMOOTH, "soften_seams", grid, (_SEAM_THREADS,),
            planes, *maps, limits.shape[1], rows, columns, down,
        )  # fmt: skip
