"""Blocks of a few colours: which blocks, which colours, and the colour of every pixel.

Text, icons and frames on a screen have few colours and repeat themselves. A *palette block* of
8 x 8 pixels says the colour of each of its pixels by an index; what lies below it does not
count. Nothing is copied by reference: three tables remember which index followed the last time
that 4, 10 or 16 pixels nearby looked like now, so that the second "e" of a page costs little
(soft context formation, Strutz and Möller 2020 [1]_, by binary decisions and mixed contexts).

References
----------
.. [1] T. Strutz, P. Möller, "Screen content compression based on enhanced soft context
   formation", IEEE Trans. Multimedia 22(5), 2020, doi:10.1109/TMM.2019.2941270.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ... import entropy
from ...compiled import compiled
from ...entropy import CONTEXT, ENDED, bits_of, code_bit, decide, decide_flat, starts
from .palette import BLOCK_LOG, MARGIN, MOST_COLOURS, Palette
from .syntax import PALETTE, code_escape, int64

TABLES = files(__package__.rpartition(".")[0]).joinpath("palettes.npz")
_CHANCE = 128
"""Of 65536: how likely a picture is taken to have such blocks."""
_NAME_BITS = 16
_NAMES = 1 << _NAME_BITS
_MULTIPLIER = 0x2545F491
_MOST_TRUST = 7

# Contexts: those that are trained, then those found by the hash of what is nearby.
_SIZES = (16, 16, 4 * 8 * 16, 4 * 8, MOST_COLOURS)
BLOCK_AT, BLOCK_AT2, HIT_AT, AGAIN_AT, TREE_AT, TRAINED = starts(0, _SIZES)
HASHED = starts(TRAINED, (_NAMES,) * 7)
CONTEXTS = HASHED[-1]
# Mixing weights: two sets of rows for every kind of decision.
BLOCK_ROW, BLOCK_ROW2, HIT_ROW, HIT_ROW2, AGAIN_ROW, AGAIN_ROW2, TREE_ROW, TREE_ROW2, WEIGHTS = (
    starts(0, (2, 2, 4 * 5, 8 * 5, 4 * 3, 3, 8 * 3, 4 * 3))
)
WEIGHT_INPUTS = ((BLOCK_ROW, HIT_ROW, 2), (HIT_ROW, AGAIN_ROW, 5), (AGAIN_ROW, WEIGHTS, 3))


@dataclass
class Memory:
    """What followed what, while indices are coded.

    Parameters
    ----------
    symbols, trust : (3, 65536) uint8
        By order and hash: the index that came last, and how often it did.
    names : (8,) int64
        Scratch: hashes, and what they predict.
    """

    symbols: npt.NDArray[np.uint8]
    trust: npt.NDArray[np.uint8]
    names: npt.NDArray[np.int64]

    @classmethod
    def empty(cls) -> Memory:
        """Make one that knows nothing."""
        shape = 3, _NAMES
        return cls(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros(8, np.int64))


@compiled
def code_presence(m, present):  # type: ignore[no-untyped-def]
    """Code whether the picture has palette blocks."""
    return code_bit(m, PALETTE, present, _CHANCE)


@compiled
def _signed(m, value):  # type: ignore[no-untyped-def]
    """Code an integer as an Exp-Golomb word: 0, -1, 1, -2, 2 .."""
    word = code_escape(m, PALETTE, 2 * value if value >= 0 else -2 * value - 1)
    return -((word + 1) >> 1) if word & 1 else word >> 1


@compiled
def code_colours(m, count, colours):  # type: ignore[no-untyped-def]
    """Code the colours; returns how many there are.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    count : int
    colours : (256, C) int32
        Read when writing, filled when reading.
    """
    most = int64(count - 1)
    count = int64(0)
    for k in range(7, -1, -1):
        count = count << 1 | decide_flat(m, PALETTE, (most >> k) & 1)
    count += 1
    for i in range(count):
        for c in range(colours.shape[1]):
            # The second is the darkest of the rest and may be darker than the first.
            before = int64(colours[i - 1, c]) if i else int64(0)
            if c or i < 2:
                value = before + _signed(m, int64(colours[i, c]) - before)
            else:
                value = before + code_escape(m, PALETTE, int64(colours[i, c]) - before)
            colours[i, c] = min(max(value, -128), 127)
    return count


@compiled
def code_blocks(m, contexts, weights, rows, columns, blocks):  # type: ignore[no-untyped-def]
    """Code which blocks have palettes; `contexts` and `weights` are where the palette's begin."""
    for y in range(1, rows + 1):
        for x in range(1, columns + 1):
            west, north = int64(blocks[y, x - 1]), int64(blocks[y - 1, x])
            near = west * 2 + north
            m[CONTEXT] = (
                contexts + BLOCK_AT + near * 4 + blocks[y - 1, x - 1] * 2 + blocks[y - 1, x + 1]
            )
            west2 = int64(blocks[y, x - 2]) if x > 1 else int64(0)
            north2 = int64(blocks[y - 2, x]) if y > 1 else int64(0)
            m[CONTEXT + 1] = contexts + BLOCK_AT2 + near * 4 + west2 * 2 + north2
            blocks[y, x] = decide(
                m, PALETTE, int64(blocks[y, x]), 2, weights + BLOCK_ROW, weights + BLOCK_ROW2
            )[0]


@compiled
def _mixed_in(name, value):  # type: ignore[no-untyped-def]
    return ((name + value + 1) * _MULTIPLIER) & 0xFFFFFFFF


@compiled
def foresee(plane, y, x, symbols, trust, names):  # type: ignore[no-untyped-def]
    """Predict the index at a place of the plane (margin counted).

    Fills `names`: three hashes, the first and the second guess (or -1), the order of the first
    (3 to 1; 0: the pixel at the left), its trust, and the order of the second.
    """
    west, north = int64(plane[y, x - 1]), int64(plane[y - 1, x])
    west_north, east_north = int64(plane[y - 1, x - 1]), int64(plane[y - 1, x + 1])
    name = _mixed_in(_mixed_in(_mixed_in(_mixed_in(int64(0), west), north), west_north), east_north)
    names[0] = name >> (32 - _NAME_BITS)
    name = _mixed_in(
        _mixed_in(_mixed_in(name, plane[y, x - 2]), plane[y - 2, x]), plane[y - 1, x - 2]
    )
    name = _mixed_in(
        _mixed_in(_mixed_in(name, plane[y - 1, x + 2]), plane[y - 2, x - 1]), plane[y - 2, x + 1]
    )
    names[1] = name >> (32 - _NAME_BITS)
    name = _mixed_in(
        _mixed_in(_mixed_in(name, plane[y, x - 3]), plane[y - 3, x]), plane[y - 2, x - 2]
    )
    name = _mixed_in(
        _mixed_in(_mixed_in(name, plane[y - 2, x + 2]), plane[y - 1, x + 3]), plane[y - 1, x - 3]
    )
    names[2] = name >> (32 - _NAME_BITS)
    names[3], names[4], names[5], names[6], names[7] = west, -1, 0, 0, 0
    for order in range(2, -1, -1):
        sure = int64(trust[order, names[order]])
        if sure == 0:
            continue
        guess = int64(symbols[order, names[order]])
        if names[5] == 0:
            names[3], names[5], names[6] = guess, order + 1, sure
        elif names[4] < 0 and guess != names[3]:
            names[4], names[7] = guess, order + 1
    if names[4] < 0:
        for other in (west, north, east_north, west_north):
            if names[4] < 0 and other != names[3]:
                names[4] = other


@compiled
def learn(index, symbols, trust, names):  # type: ignore[no-untyped-def]
    """Remember which index came after what is nearby."""
    for order in range(3):
        name = names[order]
        if symbols[order, name] == index:
            trust[order, name] = min(trust[order, name] + 1, _MOST_TRUST)
        elif trust[order, name] > 1:
            trust[order, name] >>= 1
        else:
            symbols[order, name] = index
            trust[order, name] = 1


@compiled
def code_indices(  # type: ignore[no-untyped-def]
    m, contexts, weights, count, blocks, plane, symbols, trust, names, spent
):
    """Code the index of every pixel in palette blocks, row by row.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    contexts, weights : int
        Where those of palettes begin.
    count : int
        Colours.
    blocks, plane
        See `Palette`.
    symbols, trust, names
        See `Memory`.
    spent : (rows, columns) float64 or (0, 0)
        Filled with the bits of each block.
    """
    depth = int64(0)
    while (int64(1) << depth) < count:
        depth += 1
    telling = len(spent) > 0
    for y in range(MARGIN, plane.shape[0] - MARGIN):
        for x in range(MARGIN, plane.shape[1] - MARGIN):
            row, column = (y - MARGIN) >> BLOCK_LOG, (x - MARGIN) >> BLOCK_LOG
            if not blocks[row + 1, column + 1]:
                continue
            if m[ENDED]:
                return
            before = bits_of(m, PALETTE)
            want = int64(plane[y, x])
            foresee(plane, y, x, symbols, trust, names)
            first, second, order, sure = names[3], names[4], names[5], names[6]
            west, north = int64(plane[y, x - 1]), int64(plane[y - 1, x])
            pattern = (8 if west == first else 0) + (4 if north == first else 0)
            if plane[y - 1, x + 1] == first:
                pattern += 2
            if plane[y - 1, x - 1] == first:
                pattern += 1
            near = _mixed_in(_mixed_in(_mixed_in(int64(7), first), west), north)
            m[CONTEXT] = contexts + HIT_AT + (order * 8 + sure) * 16 + pattern
            m[CONTEXT + 1] = contexts + HASHED[0] + names[0]
            m[CONTEXT + 2] = contexts + HASHED[1] + names[1]
            m[CONTEXT + 3] = contexts + HASHED[2] + names[2]
            m[CONTEXT + 4] = contexts + HASHED[3] + (near >> (32 - _NAME_BITS))
            index = first
            if not decide(
                m,
                PALETTE,
                1 if want == first else 0,
                5,
                weights + HIT_ROW + order * 5,
                weights + HIT_ROW2 + sure * 5,
            )[0]:
                again = int64(0)
                if second >= 0:
                    m[CONTEXT] = contexts + AGAIN_AT + names[7] * 8 + (pattern >> 1)
                    near = _mixed_in(near, second)
                    m[CONTEXT + 1] = contexts + HASHED[4] + (near >> (32 - _NAME_BITS))
                    m[CONTEXT + 2] = (
                        contexts
                        + HASHED[4]
                        + (_mixed_in(names[0] << 8, first) >> (32 - _NAME_BITS))
                    )
                    again = decide(
                        m,
                        PALETTE,
                        1 if want == second else 0,
                        3,
                        weights + AGAIN_ROW + names[7] * 3,
                        weights + AGAIN_ROW2,
                    )[0]
                index = second
                if not again:
                    index = int64(0)
                    node = int64(1)
                    beside = _mixed_in(_mixed_in(int64(3), west), north)
                    for k in range(depth - 1, -1, -1):
                        m[CONTEXT] = contexts + TREE_AT + node
                        m[CONTEXT + 1] = (
                            contexts + HASHED[5] + (_mixed_in(beside, node) >> (32 - _NAME_BITS))
                        )
                        m[CONTEXT + 2] = (
                            contexts
                            + HASHED[6]
                            + (_mixed_in(names[0] << 8, node) >> (32 - _NAME_BITS))
                        )
                        bit = decide(
                            m,
                            PALETTE,
                            (want >> k) & 1,
                            3,
                            weights + TREE_ROW + k * 3,
                            weights + TREE_ROW2 + order * 3,
                        )[0]
                        node = node * 2 + bit
                        index = index * 2 + bit
                    index = min(index, count - 1)
            plane[y, x] = index
            learn(index, symbols, trust, names)
            if telling:
                spent[row, column] += bits_of(m, PALETTE) - before


def default_tables() -> entropy.Tables:
    """Untrained states: where training starts."""
    return entropy.Tables.untrained(TRAINED, WEIGHTS, WEIGHT_INPUTS)


def with_hashed(tables: entropy.Tables) -> entropy.Tables:
    """Append the contexts that are found by hashes, which know nothing yet."""
    more = CONTEXTS - TRAINED
    return entropy.Tables(
        np.concatenate([tables.probability, np.full(more, 32768, np.int32)]),
        np.concatenate([tables.confidence, np.zeros(more, np.int32)]),
        tables.weights,
    )


@cache
def initial_tables() -> entropy.Tables:
    """Trained initial states, part of the format (``shared/tiles/palettes.npz``)."""
    return with_hashed(entropy.Tables.load(TABLES))


def code_head(m: entropy.State, at: tuple[int, int], palette: Palette) -> None:
    """Code colours and blocks.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    at : (int, int)
        Where contexts and weights of palettes begin in it.
    palette : Palette
        Written, or room for it.
    """
    count = code_colours(m, len(palette.colours), palette.colours)
    palette.colours = palette.colours[:count]
    rows, columns = (n - 2 for n in palette.blocks.shape)
    code_blocks(m, *at, rows, columns, palette.blocks)


def code_body(
    m: entropy.State, at: tuple[int, int], palette: Palette, spent: npt.NDArray[np.float64]
) -> None:
    """Code the indices; `spent` (rows, columns) or (0, 0) is filled with the bits of blocks."""
    memory = Memory.empty()
    code_indices(
        m, *at, len(palette.colours), palette.blocks, palette.indices,
        memory.symbols, memory.trust, memory.names, spent,
    )  # fmt: skip
