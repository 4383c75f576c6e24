"""All outlines of a picture in nine launches on a GPU: the twin of `coverage`.

Edges of all rings of all fills go into one buffer, a box a fill; their sums commute. Then every
launch does one thing to all boxes: sums along rows, a pass of softening along an axis, painting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.parallel.kernels import constants, launch, rows_of
from ..format.outlines import (
    CORNER,
    DOWN,
    FILL_FIELDS,
    LEFT,
    MOST_SOFT,
    NODE_FIELDS,
    NODES,
    PHASES,
    RIGHT,
    RINGS,
    SOFT,
    SOURCE,
    START,
    TOP,
    VALUE,
    W_AMOUNT,
    W_COMP,
    W_DOWN,
    W_PHASE,
    W_RIGHT,
    WAVE,
    WAVE_FIELDS,
    WAVES,
    Outlines,
)
from .coverage import _FLAT_LOG, FULL_LOG, box_at
from .windows import COSINES

_THREADS = 64
_MOST_CELLS = 1 << 26
"""Pixels of boxes that are drawn at once."""

_BOX = ("B_TOP", "B_LEFT", "B_ROWS", "B_COLUMNS", "B_AT", "B_SOFT", "B_FILL")
_NODE_TOP, _NODE_LEFT, _NODE_DOWN, _NODE_RIGHT = range(len(_BOX), len(_BOX) + 4)
BOX_FIELDS = len(_BOX) + 4
"""Of a table of boxes: corner, size, place in the buffer, softness, fill; box of the nodes."""
_PLACE = ("Q_Y", "Q_X", "Q_FIRST", "Q_COUNT", "Q_NODE", "Q_BOX")
PLACE_FIELDS = len(_PLACE)
"""Of a table of nodes: corner of their ring, its nodes, the node, the box."""

SOURCE_TEXT = (
    constants(
        {
            **{name: at for at, name in enumerate(_BOX)},
            "N_TOP": _NODE_TOP,
            "N_LEFT": _NODE_LEFT,
            "N_DOWN": _NODE_DOWN,
            "N_RIGHT": _NODE_RIGHT,
            **{name: at for at, name in enumerate(_PLACE)},
            "BOX": BOX_FIELDS,
            "PLACE": PLACE_FIELDS,
            "NODE": NODE_FIELDS,
            "FILL": FILL_FIELDS,
            "DOWN": DOWN,
            "RIGHT": RIGHT,
            "CORNER": CORNER,
            "FLAT_LOG": _FLAT_LOG,
            "VALUE": VALUE,
            "WAVES": WAVES,
            "WAVE": WAVE,
            "WAVE_FIELDS": WAVE_FIELDS,
            "W_COMP": W_COMP,
            "W_DOWN": W_DOWN,
            "W_RIGHT": W_RIGHT,
            "W_PHASE": W_PHASE,
            "W_AMOUNT": W_AMOUNT,
            "PHASES": PHASES,
            "FULL_LOG": FULL_LOG,
        }
    )
    + r"""
/* See `coverage.add_edge`. acc: rows of columns + 1 differences. */
static __device__ void add_edge(word y0, word x0, word y1, word x1, int *acc, const word *box) {
    word sign = -1;
    if (y0 == y1) return;
    if (y0 > y1) {
        word swap = y0; y0 = y1; y1 = swap;
        swap = x0; x0 = x1; x1 = swap;
        sign = 1;
    }
    const word rows = box[B_ROWS], columns = box[B_COLUMNS], right = columns * 256;
    y0 -= box[B_TOP] * 256; y1 -= box[B_TOP] * 256;
    x0 -= box[B_LEFT] * 256; x1 -= box[B_LEFT] * 256;
    const word end_row = least((y1 + 255) >> 8, rows);
    for (word row = most(y0 >> 8, 0); row < end_row; row++) {
        const word ya = most(y0, row * 256), yb = least(y1, row * 256 + 256);
        word xa = x0 + floor_div((x1 - x0) * (ya - y0), y1 - y0);
        word xb = x0 + floor_div((x1 - x0) * (yb - y0), y1 - y0);
        xa = bounded(xa, 0, right); xb = bounded(xb, 0, right);
        if (xa > xb) {
            const word swap = xa; xa = xb; xb = swap;
        }
        const word high = yb - ya, last = xb >> 8;
        word column = xa >> 8;
        int *line = acc + row * (columns + 1);
        if (column == last) {
            const word part = high * ((xa & 255) + (xb & 255));
            atomicAdd(line + column, (int)(sign * (512 * high - part)));
            if (column < columns) atomicAdd(line + column + 1, (int)(sign * part));
            continue;
        }
        word done = 0, at = xa;
        while (at < xb) {
            const word end = least((column + 1) * 256, xb);
            const word reach = high * (end - xa) / (xb - xa), step = reach - done;
            const word part = step * ((at - column * 256) + (end - column * 256));
            atomicAdd(line + column, (int)(sign * (512 * step - part)));
            atomicAdd(line + column + 1, (int)(sign * part));
            done = reach;
            at = end;
            column++;
        }
    }
}

/* The way round each node, a thread a node; see `coverage.add_piece`. */
extern "C" __global__ void add_pieces(
    const word *places, const int *nodes, const word *boxes, int *acc, int count, int scale
) {
    const word id = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (id >= count) return;
    const word *place = places + id * PLACE, *box = boxes + place[Q_BOX] * BOX;
    const word n = place[Q_COUNT], unit = 16 * (word)scale;
    const int *ring = nodes + place[Q_FIRST] * NODE;
    const int *here = ring + place[Q_NODE] * NODE;
    const int *before = ring + (place[Q_NODE] + n - 1) % n * NODE;
    const int *after = ring + (place[Q_NODE] + 1) % n * NODE;
    const word y = (place[Q_Y] + here[DOWN]) * unit, x = (place[Q_X] + here[RIGHT]) * unit;
    const word ya = ((place[Q_Y] + before[DOWN]) * unit + y) >> 1;
    const word xa = ((place[Q_X] + before[RIGHT]) * unit + x) >> 1;
    const word yb = ((place[Q_Y] + after[DOWN]) * unit + y) >> 1;
    const word xb = ((place[Q_X] + after[RIGHT]) * unit + x) >> 1;
    int *mine = acc + box[B_AT];
    if (here[CORNER]) {
        add_edge(ya, xa, y, x, mine, box);
        add_edge(y, x, yb, xb, mine, box);
        return;
    }
    const word down = ya - 2 * y + yb, right = xa - 2 * x + xb;
    const word bend = most(down < 0 ? -down : down, right < 0 ? -right : right);
    int log = 0;
    while (log < FLAT_LOG && bend >> (6 + 2 * log)) log++;
    const word lines = (word)1 << log, half = (lines * lines) >> 1;
    word y0 = ya, x0 = xa;
    for (word t = 1; t <= lines; t++) {
        const word a = (lines - t) * (lines - t), b = 2 * t * (lines - t), c = t * t;
        const word y1 = (a * ya + b * y + c * yb + half) >> (2 * log);
        const word x1 = (a * xa + b * x + c * xb + half) >> (2 * log);
        add_edge(y0, x0, y1, x1, mine, box);
        y0 = y1;
        x0 = x1;
    }
}

/* Differences to coverage, in place; a block a box, a thread a row. */
extern "C" __global__ void sum_rows(const word *boxes, int *acc) {
    const word *box = boxes + (word)blockIdx.x * BOX, columns = box[B_COLUMNS];
    for (word y = threadIdx.x; y < box[B_ROWS]; y += blockDim.x) {
        int *line = acc + box[B_AT] + y * (columns + 1);
        word total = 0;
        for (word x = 0; x < columns; x++) {
            total += line[x];
            line[x] = (int)total;
        }
    }
}

/* A pass of softening along one axis; see `coverage.soften`. A block row a row of a box. */
extern "C" __global__ void soften_boxes(
    const word *boxes, const int *from, int *to, int pass, int down
) {
    const word *box = boxes + (word)blockIdx.x * BOX, stride = box[B_COLUMNS] + 1;
    const word rows = box[B_ROWS], columns = box[B_COLUMNS];
    for (word y = blockIdx.y; y < rows; y += gridDim.y)
        for (word x = threadIdx.x; x < columns; x += blockDim.x) {
            const word at = box[B_AT] + y * stride + x;
            word before = at - (down ? (y > 0 ? stride : 0) : x > 0);
            word after = at + (down ? (y + 1 < rows ? stride : 0) : x + 1 < columns);
            const word total = (word)from[before] + 2 * (word)from[at] + from[after] + 2;
            to[at] = pass < box[B_SOFT] ? (int)(total >> 2) : from[at];
        }
}

/* turns of a harmonic at a place along an axis, 1024ths of a cycle; see `coverage.turns` */
static __device__ word turn_at(word pixel, word low, word high, word rate, int scale) {
    const word place = 16 * pixel + 8 - low * scale;
    return floor_div(place * 512 * rate, most((high - low) * scale, 1));
}

/* planes: (channels, height, width) += coverage times colour. */
extern "C" __global__ void paint_boxes(
    const word *boxes, const int *fills, const int *cover, const int *cosine, int *planes,
    int channels, int height, int width, int scale
) {
    const word *box = boxes + (word)blockIdx.x * BOX, stride = box[B_COLUMNS] + 1;
    const int *fill = fills + box[B_FILL] * FILL;
    const word half = (word)1 << (FULL_LOG - 1);
    for (word y = blockIdx.y; y < box[B_ROWS]; y += gridDim.y)
        for (word x = threadIdx.x; x < box[B_COLUMNS]; x += blockDim.x) {
            const word here = cover[box[B_AT] + y * stride + x];
            if (here == 0) continue;
            const word row = box[B_TOP] + y, column = box[B_LEFT] + x;
            for (int comp = 0; comp < channels; comp++) {
                word total = (word)fill[VALUE + comp] * 64;
                for (int i = 0; i < fill[WAVES]; i++) {
                    const int *wave = fill + WAVE + WAVE_FIELDS * i;
                    if (wave[W_COMP] != comp) continue;
                    word turn = 1024 / PHASES * (word)wave[W_PHASE];
                    turn += turn_at(row, box[N_TOP], box[N_DOWN], wave[W_DOWN], scale);
                    turn += turn_at(column, box[N_LEFT], box[N_RIGHT], wave[W_RIGHT], scale);
                    total += ((word)wave[W_AMOUNT] * cosine[turn & 1023]) >> 8;
                }
                if (total == 0) continue;
                const word change = (here * total + half) >> FULL_LOG;
                atomicAdd(planes + (comp * (word)height + row) * width + column, (int)change);
            }
        }
}
"""
)


def _boxes(outlines: Outlines, shape: tuple[int, int], scale: int) -> npt.NDArray[np.int64]:
    """Boxes of the fills that show in the picture, not yet placed; see `coverage.coverage`."""
    out = []
    for k, fill in enumerate(outlines.fills):
        if not fill[RINGS]:
            continue
        nodes = box_at(outlines, k)
        y0, x0, y1, x1 = (nodes * scale >> 4).tolist()
        soft = int(fill[SOFT])
        top, left = max(y0 - soft, 0), max(x0 - soft, 0)
        rows = min(y1 + 1 + soft, shape[0]) - top
        columns = min(x1 + 1 + soft, shape[1]) - left
        if rows > 0 and columns > 0:
            out.append([top, left, rows, columns, 0, soft, k, *nodes.tolist()])
    return np.array(out, np.int64).reshape(-1, BOX_FIELDS)


def _places(outlines: Outlines, boxes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Nodes of all rings of these boxes' fills, repeats included, (n, PLACE_FIELDS)."""
    box_of = np.full(len(outlines.fills), -1)
    box_of[boxes[:, _BOX.index("B_FILL")]] = np.arange(len(boxes))
    rings = outlines.rings.astype(np.int64)
    shapes = np.where(rings[:, SOURCE] < 0, np.arange(len(rings)), rings[:, SOURCE])
    owners = box_of[outlines.owners()]
    drawn = np.nonzero(owners >= 0)[0]
    counts = rings[shapes[drawn], NODES]
    ring = np.repeat(drawn, counts)
    node = np.arange(len(ring)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = rings[shapes[ring], START]
    columns = (rings[ring, TOP], rings[ring, LEFT], first, rings[shapes[ring], NODES], node)
    return np.stack([*columns, owners[ring]], axis=1).astype(np.int64)


def draw_outlines(xp: Any, outlines: Outlines, planes: Any, scale: int) -> None:
    """Add all fills to planes, in place; see `coverage.draw`.

    Parameters
    ----------
    xp : module
        One that has kernels.
    outlines : Outlines
    planes : (C, H * scale, W * scale) int32, of `xp`
        6 fractional bits, contiguous.
    scale : int
    """
    if not len(outlines.fills):
        return
    boxes = _boxes(outlines, planes.shape[1:], scale)
    cells = boxes[:, 2] * (boxes[:, 3] + 1)
    first = 0
    while first < len(boxes):
        end = first + max(int(np.searchsorted(np.cumsum(cells[first:]), _MOST_CELLS)), 1)
        some = boxes[first:end].copy()
        some[:, _BOX.index("B_AT")] = np.cumsum(cells[first:end]) - cells[first:end]
        _draw(xp, outlines, some, int(cells[first:end].sum()), planes, scale)
        first = end


def _draw(
    xp: Any, outlines: Outlines, boxes: npt.NDArray[np.int64], cells: int, planes: Any, scale: int
) -> None:
    places = _places(outlines, boxes)
    acc = xp.zeros(cells, xp.int32)
    table, count = xp.asarray(boxes), len(boxes)
    grid = (rows_of(len(places), _THREADS),)
    nodes = (xp.asarray(places), xp.asarray(outlines.nodes))
    launch(xp, SOURCE_TEXT, "add_pieces", grid, (_THREADS,), *nodes, table, acc, len(places), scale)
    launch(xp, SOURCE_TEXT, "sum_rows", (count,), (_THREADS,), table, acc)
    rows = (count, int(boxes[:, 2].max()))
    most = int(boxes[:, _BOX.index("B_SOFT")].max(initial=0))
    other = xp.empty_like(acc) if most else acc
    for step in range(min(most, MOST_SOFT)):
        launch(xp, SOURCE_TEXT, "soften_boxes", rows, (_THREADS,), table, acc, other, step, 0)
        launch(xp, SOURCE_TEXT, "soften_boxes", rows, (_THREADS,), table, other, acc, step, 1)
    launch(
        xp, SOURCE_TEXT, "paint_boxes", rows, (_THREADS,),
        table, xp.asarray(outlines.fills), acc, xp.asarray(COSINES), planes, *planes.shape, scale,
    )  # fmt: skip


__all__ = ["draw_outlines"]
