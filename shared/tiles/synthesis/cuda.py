"""Tiles of many pictures in few launches on a GPU: the twin of `reconstruction`.

Pictures of one size lie one after the other: what is one component to a leaf is a plane here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...parallel.kernels import constants, launch, rows_of, together
from ..format.stream import TileSet, padded
from ..format.syntax import CELL, CELL_LOG
from .dct import BASES, TABLE_BITS
from .packing import COUNT, FIRST, FLAT, LEFT, LOG, PLACE_BITS, PLANE, RECORD, TOP, WORK, pack

_LEAF_THREADS = (32, 4)
"""Of a leaf, and leaves of a block."""
_COLUMN_THREADS = 64
_CELL_THREADS = 64

_RENDER = (
    constants(
        {
            "PLANE": PLANE,
            "TOP": TOP,
            "LEFT": LEFT,
            "LOG": LOG,
            "FLAT": FLAT,
            "FIRST": FIRST,
            "COUNT": COUNT,
            "WORK": WORK,
            "RECORD": RECORD,
            "PLACE_BITS": PLACE_BITS,
            "CELL_LOG": CELL_LOG,
            "TABLE_BITS": TABLE_BITS,
        }
    )
    + r"""
/* Which leaf each cell belongs to, plus one, and the logarithm of its side; a row of threads a
   leaf. records: (count, RECORD); owners, logs: (planes, rows, cells), zeros. */
extern "C" __global__ void own_cells(
    const int *records, int *owners, signed char *logs, int count, int rows, int cells
) {
    const int id = (int)(blockIdx.x * blockDim.y + threadIdx.y);
    if (id >= count) return;
    const int *leaf = records + (word)id * RECORD;
    const int log = leaf[LOG], wide = log - CELL_LOG;
    const word start = ((word)leaf[PLANE] * rows + (leaf[TOP] >> CELL_LOG)) * cells +
        (leaf[LEFT] >> CELL_LOG);
    for (int at = (int)threadIdx.x; at < 1 << 2 * wide; at += (int)blockDim.x) {
        const word cell = start + (at >> wide) * cells + (at & ((1 << wide) - 1));
        owners[cell] = id + 1;
        logs[cell] = (signed char)log;
    }
}

/* Columns of leaves with detail, a block a leaf. See `packing.Packed`; bases: (7, 64, 64). */
extern "C" __global__ void columns_of_leaves(
    const int *detailed, const int *records, const int *columns, const int *values,
    const int *bases, int *work
) {
    const int *leaf = records + (word)detailed[blockIdx.x] * RECORD;
    const int log = leaf[LOG], *basis = bases + log * 4096;
    int *out = work + 4 * (word)leaf[WORK];
    for (int at = (int)threadIdx.x; at < leaf[COUNT] << log; at += (int)blockDim.x) {
        const int *column = columns + 2 * ((word)leaf[FIRST] + (at >> log));
        const int n = at & ((1 << log) - 1), end = column[2];
        word total = (word)1 << (TABLE_BITS - 1);
        for (int k = column[0]; k < end; k++) {
            const int value = values[k], u = value & ((1 << PLACE_BITS) - 1);
            total += (word)(value >> PLACE_BITS) * basis[u * 64 + n];
        }
        out[at] = (int)(total >> TABLE_BITS);
    }
}

/* Samples, a thread a cell. planes: (planes, 4 * rows, 4 * cells). */
extern "C" __global__ void rows_of_leaves(
    const int *records, const int *columns, const int *work, const int *bases, const int *owners,
    SAMPLE *planes, int rows, int cells
) {
    const int cx = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (cx >= cells) return;
    const word plane = (word)blockIdx.z * rows;
    for (int cy = (int)blockIdx.y; cy < rows; cy += (int)gridDim.y) {
        const int owner = owners[(plane + cy) * cells + cx];
        const int *leaf = records + (word)(owner > 0 ? owner - 1 : 0) * RECORD;
        const int count = owner > 0 ? leaf[COUNT] : 0, flat = owner > 0 ? leaf[FLAT] : 0;
        int out[16];
        for (int i = 0; i < 16; i++) out[i] = flat;
        if (count > 0) {
            const int log = leaf[LOG], shift = TABLE_BITS + log - 1;
            const int *from = work + 4 * (word)leaf[WORK] + (4 * cy - leaf[TOP]);
            const int *basis = bases + log * 4096 + (4 * cx - leaf[LEFT]);
            const int *column = columns + 2 * (word)leaf[FIRST];
            word total[16];
            for (int i = 0; i < 16; i++) total[i] = (word)1 << (shift - 1);
            for (int j = 0; j < count; j++) {
                const int4 a = *(const int4 *)(from + (j << log));
                const int4 b = *(const int4 *)(basis + column[2 * j + 1] * 64);
                const int down[4] = {a.x, a.y, a.z, a.w}, across[4] = {b.x, b.y, b.z, b.w};
                for (int i = 0; i < 16; i++) total[i] += (word)down[i >> 2] * across[i & 3];
            }
            for (int i = 0; i < 16; i++) out[i] = (int)(total[i] >> shift);
        }
        for (int y = 0; y < 4; y++) {
            const int *row = out + 4 * y;
            const SAMPLE4 four = {
                (SAMPLE)row[0], (SAMPLE)row[1], (SAMPLE)row[2], (SAMPLE)row[3]};
            *(SAMPLE4 *)(planes + ((plane + cy) * 4 + y) * 4 * cells + 4 * cx) = four;
        }
    }
}
"""
)

_NARROW, _WIDE = (_RENDER.replace("SAMPLE", kind) for kind in ("short", "int"))


@dataclass(frozen=True)
class Batch:
    """Tiles of pictures of one size, on the device; see `packing.Packed`.

    Parameters
    ----------
    pictures, channels, height, width : int
        Sides padded to whole superblocks.
    records : (n, RECORD) int32
    columns : (m + 1, 2) int32
    values : (k,) int32
    detailed : (d,) int32
    room : int
    small : bool
        Whether samples fit into 16 bits.
    owners : (planes, rows, cells) int32
        Leaf of each cell, plus one; 0 where there is none.
    logs : (planes, rows, cells) int8
        Logarithm of its side; 0 where there is none.
    """

    pictures: int
    channels: int
    height: int
    width: int
    records: Any
    columns: Any
    values: Any
    detailed: Any
    room: int
    small: bool
    owners: Any
    logs: Any


def gather(xp: Any, tiles: Sequence[TileSet], known: Sequence[npt.NDArray[np.bool_]]) -> Batch:
    """Bring tiles of pictures of one size to the device: a copy, and a launch."""
    packed = pack(tiles, known)
    geometry = tiles[0].geometry
    height, width = padded(geometry.height), padded(geometry.width)
    records, columns, values, detailed = together(
        xp, [packed.records, packed.columns, packed.values, packed.detailed]
    )
    shape = (len(tiles) * geometry.channels, height // CELL, width // CELL)
    owners, logs = xp.zeros(shape, xp.int32), xp.zeros(shape, xp.int8)
    blocks = rows_of(len(records), _LEAF_THREADS[1])
    launch(
        xp, _NARROW, "own_cells", (blocks,), _LEAF_THREADS,
        records, owners, logs, len(records), *shape[1:],
    )  # fmt: skip
    return Batch(
        len(tiles), geometry.channels, height, width,
        records, columns, values, detailed, packed.room, packed.most < 1 << 15, owners, logs,
    )  # fmt: skip


def render(xp: Any, batch: Batch, *, narrow: bool = False) -> Any:
    """Render tiles without deblocking: two launches.

    Parameters
    ----------
    xp : module
    batch : Batch
    narrow : bool
        Whether samples shall have 16 bits; only if the batch is `small`.

    Returns
    -------
    (pictures, C, H', W') int16 or int32
        See `reconstruction.render`.
    """
    shape = batch.pictures, batch.channels, batch.height, batch.width
    planes = xp.empty(shape, xp.int16 if narrow else xp.int32)
    source = _NARROW if narrow else _WIDE
    bases = xp.asarray(BASES.astype(np.int32))
    work = xp.empty((batch.room + 1) * 4, xp.int32)
    launch(
        xp, source, "columns_of_leaves", (len(batch.detailed),), (_COLUMN_THREADS,),
        batch.detailed, batch.records, batch.columns, batch.values, bases, work,
    )  # fmt: skip
    count, rows, cells = batch.owners.shape
    launch(
        xp, source, "rows_of_leaves", (rows_of(cells, _CELL_THREADS), rows, count),
        (_CELL_THREADS,),
        batch.records, batch.columns, work, bases, batch.owners, planes, rows, cells,
    )  # fmt: skip
    return planes
