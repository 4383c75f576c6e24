"""Tiles as they travel to a GPU: what is not zero, dequantized, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from ...parallel.threads import in_threads
from ..format.contexts import TURN_GROUP
from ..format.means import mean_of
from ..format.stream import TileSet
from ..format.syntax import CELL_LOG, GRADE, MEAN, REACH, START, TURN
from ..format.syntax import COMP as LEAF_COMP
from ..format.syntax import LEFT as LEAF_LEFT
from ..format.syntax import LOG as LEAF_LOG
from ..format.syntax import TOP as LEAF_TOP
from ..format.turns import DEPTH, EXTENT, MIXED, PLACES, SCALE_BITS, matrices
from .reconstruction import LIMIT, SHIFT
from .turning import mixed_back

PLANE, TOP, LEFT, LOG, FLAT, FIRST, COUNT, WORK = range(8)
"""Of a leaf: its plane, corner and size; its sample if it has no columns; its first column, how
many there are, and where what is made of them begins, in units of four."""
RECORD = 8
PLACE_BITS = 6
"""Lower bits of a coefficient that tell its vertical frequency."""


@compiled
def _pack(  # type: ignore[no-untyped-def]
    leaves, known, levels, steps, turns, places, extent, sums, turned, records, columns, values
):
    """Fill the tables of one picture.

    Returns
    -------
    columns, values, room, most
        How many there are, see `Packed`; what no sample exceeds in magnitude.
    """
    wide, count, room, most = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for n in range(len(leaves)):
        leaf, record = leaves[n], records[n]
        log, step = np.int64(leaf[LEAF_LOG]), steps[leaf[LEAF_COMP]]
        record[PLANE], record[TOP], record[LEFT] = leaf[LEAF_COMP], leaf[LEAF_TOP], leaf[LEAF_LEFT]
        record[LOG], record[FIRST], record[COUNT], record[WORK] = log, wide, 0, room
        if leaf[GRADE] == 0 or not known[n]:
            record[FLAT] = mean_of(leaf[MEAN], log, step)
            most = max(most, abs(np.int64(record[FLAT])))
            continue
        record[FLAT], total = 0, np.int64(0)
        side, reach, start = np.int64(1) << log, np.int64(leaf[REACH]), np.int64(leaf[START])
        own, depth = levels[leaf[LEAF_COMP]], np.int64(-1)
        if leaf[TURN]:
            place, depth = places[log], np.int64(DEPTH)
            mixed_back(own, start, place, turns[TURN_GROUP[log - CELL_LOG], leaf[TURN] - 1], sums)
            for i in range(place[0]):
                at = place[1 + i]
                turned[at >> log, at & (side - 1)] = sums[i]
            reach = max(reach, extent[log])
        for v in range(min(reach, side - 1) + 1):
            first = count
            for u in range(min(reach - v, side - 1) + 1):
                if u + v == 0:
                    level = np.int64(leaf[MEAN]) << SCALE_BITS
                elif u + v <= depth:
                    level = turned[u, v]
                else:
                    level = np.int64(own[start + u * side + v]) << SCALE_BITS
                if level == 0:
                    continue
                value = (level * step + (1 << (SHIFT - 1))) >> SHIFT
                value = min(max(value, -LIMIT), LIMIT)
                if value:
                    values[count] = (value << PLACE_BITS) + u
                    total += abs(value)
                    count += 1
            if count > first:
                columns[wide, 0], columns[wide, 1] = first, v
                wide += 1
        record[COUNT] = wide - record[FIRST]
        room += np.int64(record[COUNT]) << (log - 2)
        # No cosine is more than 1, and both roundings together less than 2.
        most = max(most, (2 * total >> log) + 2)
    return wide, count, room, most


@dataclass(frozen=True)
class Packed:
    """Tiles of pictures of one size.

    Parameters
    ----------
    records : (n, RECORD) int32
        Of all leaves; planes of pictures follow each other.
    columns : (m + 1, 2) int32
        Where the values of each begin, and its horizontal frequency; where the last one ends.
    values : (k,) int32
        Coefficients of `FRACTION_BITS`, above `PLACE_BITS` bits of their vertical frequency.
    detailed : (d,) int32
        Leaves that have columns.
    room : int
        Fours of samples of all columns.
    most : int
        No sample exceeds this in magnitude.
    """

    records: npt.NDArray[np.int32]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.int32]
    detailed: npt.NDArray[np.int32]
    room: int
    most: int


def _packed(
    given: tuple[TileSet, npt.NDArray[np.bool_]],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32], int, int]:
    tiles, known = given
    records = np.empty((len(tiles.leaves), RECORD), np.int32)
    # What is not written to takes no memory. A leaf has a quarter as many columns as places.
    columns = np.empty((tiles.levels.size // 4, 2), np.int32)
    values = np.empty(tiles.levels.size, np.int32)
    sums, turned = np.zeros(MIXED, np.int64), np.zeros((DEPTH + 1, DEPTH + 1), np.int64)
    wide, count, room, most = _pack(
        tiles.leaves, known, tiles.levels, tiles.steps, matrices(), PLACES, EXTENT, sums, turned,
        records, columns, values,
    )  # fmt: skip
    return records, columns[:wide].copy(), values[:count].copy(), int(room), int(most)


def pack(tiles: Sequence[TileSet], known: Sequence[npt.NDArray[np.bool_]]) -> Packed:
    """Pack tiles of pictures of one size; `known` tells of each leaf whether its levels are."""
    found = in_threads(_packed, list(zip(tiles, known, strict=True)))
    records, columns, values, rooms, most = (list(one) for one in zip(*found, strict=True))
    counts = [len(one) for one in records]

    def starts(sizes: Sequence[int]) -> npt.NDArray[np.int32]:
        return (np.cumsum([0, *sizes[:-1]])).astype(np.int32)

    all_records = np.concatenate(records)
    comps = tiles[0].geometry.channels
    for field, per_picture in (
        (PLANE, np.arange(len(tiles), dtype=np.int32) * comps),
        (FIRST, starts([len(one) for one in columns])),
        (WORK, starts(rooms)),
    ):
        all_records[:, field] += np.repeat(per_picture, counts)
    end = np.array([[sum(len(one) for one in values), 0]], np.int32)
    all_columns = np.concatenate([*columns, end])
    firsts = np.repeat(starts([len(one) for one in values]), [len(one) for one in columns])
    all_columns[:-1, 0] += firsts
    detailed = np.nonzero(all_records[:, COUNT])[0].astype(np.int32)
    joined = np.concatenate(values)
    return Packed(all_records, all_columns, joined, detailed, sum(rooms), max(most))
