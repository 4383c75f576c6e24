"""Tiles to bytes and back: quantizer steps, tables, and the two stages in one stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import entropy
from ...codec import Geometry
from . import details, palette_coding, partition, turns
from .contexts import CONTEXTS, WEIGHT_INPUTS, WEIGHTS
from .palette import Palette
from .syntax import CELL_LOG, COMP, FIELDS, GRADE, KINDS, PALETTE, ROOT

STEPS = 256
EXTRA_STEPS = 2
"""Beyond the coarsest step: superblocks with their means alone, and nothing at all."""
STEPS_PER_OCTAVE = 24
# 2**14 * 2**(i / 24), rounded; step index 0 is a quarter of a code value, as Q16.
_MANTISSA = (
    *(16384, 16864, 17358, 17867, 18390, 18929, 19484, 20055),
    *(20643, 21247, 21870, 22511, 23170, 23849, 24548, 25268),
    *(26008, 26770, 27554, 28362, 29193, 30048, 30929, 31835),
)
# Relative step of Y, Cb, Cr (and A): sqrt(3 / squared error in RGB), times 4096.
COMPONENT_GAIN = (4096, 3931, 4509, 4096)
CHROMA_OFFSETS = (-12, -6, 0, 6, 12, 18, 24, 36)
NEUTRAL_CHROMA = CHROMA_OFFSETS.index(0)

_STACK = 32
NO_PRICES = np.zeros((0, 0), np.float32)
NO_BLOCKS = np.zeros((0, 0), np.uint8)
_NOT_TOLD = np.zeros((0, 0))


def component_steps(step: int, chroma: int, components: int) -> npt.NDArray[np.int64]:
    """Quantizer steps of orthonormal coefficients, (components,) int64, 16 fractional bits."""
    out = np.empty(components, np.int64)
    for comp in range(components):
        role = comp if components >= 3 else 0
        index = step + (CHROMA_OFFSETS[chroma] if role in (1, 2) else 0)
        index = min(max(index, 0), STEPS + 47)
        base = _MANTISSA[index % STEPS_PER_OCTAVE] << (index // STEPS_PER_OCTAVE)
        out[comp] = base * COMPONENT_GAIN[role] >> 12
    return out


def parts_of(components: int) -> npt.NDArray[np.int64]:
    """First component and number of components of each partition."""
    table = {1: [(0, 1)], 2: [(0, 1), (1, 1)], 3: [(0, 1), (1, 2)], 4: [(0, 1), (1, 2), (3, 1)]}
    return np.array(table[components], np.int64)


def padded(length: int) -> int:
    """Length of a side in whole superblocks."""
    return -(-length // ROOT) * ROOT


def default_tables() -> entropy.Tables:
    """Untrained states: where training starts."""
    return entropy.Tables.untrained(CONTEXTS, WEIGHTS, WEIGHT_INPUTS)


@dataclass
class TileSet:
    """Tiles of one picture, integers.

    Parameters
    ----------
    geometry : Geometry
    steps : (C,) int64
        Quantizer steps, 16 fractional bits.
    leaves : (n, FIELDS) int32
        See `syntax`; in coding order.
    levels : (C, size) int16
        Levels of each leaf from its `START`, row by row, lowest frequency first; the mean's
        place is 0.
    logs : (P, rows + 2, columns + 2) int8
        Binary logarithm of the leaf side at each cell of 4 pixels, by partition.
    means : (C, rows + 2, columns + 2) int32
        Mean of the leaf at each cell.
    owner : (C, rows + 2, columns + 2) int32
        Leaf at each cell, or -1.
    palette : Palette, optional
        Blocks of few colours that hide what the leaves say.
    """

    geometry: Geometry
    steps: npt.NDArray[np.int64]
    leaves: npt.NDArray[np.int32]
    levels: npt.NDArray[np.int16]
    logs: npt.NDArray[np.int8]
    means: npt.NDArray[np.int32]
    owner: npt.NDArray[np.int32]
    palette: Palette | None = None

    @classmethod
    def blank(
        cls,
        geometry: Geometry,
        steps: npt.NDArray[np.int64],
        leaves: npt.NDArray[np.int32] | None = None,
        levels: npt.NDArray[np.int16] | None = None,
        palette: Palette | None = None,
    ) -> TileSet:
        """Make a set with empty maps, and room for the leaves unless they are given."""
        rows, columns = padded(geometry.height) >> CELL_LOG, padded(geometry.width) >> CELL_LOG
        comps = geometry.channels
        if leaves is None:
            leaves = np.zeros((comps * rows * columns, FIELDS), np.int32)
        if levels is None:
            levels = np.zeros((comps, rows * columns << 2 * CELL_LOG), np.int16)
        shape = (rows + 2, columns + 2)
        return cls(
            geometry,
            steps,
            leaves,
            levels,
            np.zeros((len(parts_of(comps)), *shape), np.int8),
            np.zeros((comps, *shape), np.int32),
            np.full((comps, *shape), -1, np.int32),
            palette,
        )

    def emptied(
        self,
        leaves: npt.NDArray[np.int32] | None = None,
        levels: npt.NDArray[np.int16] | None = None,
    ) -> TileSet:
        """Make a set to write: the same, or other leaves and levels, with empty maps."""
        leaves = self.leaves if leaves is None else leaves
        levels = self.levels if levels is None else levels
        return TileSet.blank(self.geometry, self.steps, leaves, levels, self.palette)

    def order(self) -> npt.NDArray[np.int64]:
        """Leaves with detail in the order in which their levels are coded."""
        found = np.nonzero(self.leaves[:, GRADE])[0]
        rows = self.leaves[found]
        return found[np.lexsort((found, rows[:, COMP], -rows[:, GRADE]))].astype(np.int64)


def capacity(geometry: Geometry) -> int:
    """Bytes that no set of tiles of this geometry exceeds."""
    return 4 * padded(geometry.height) * padded(geometry.width) * geometry.channels + 65536


class Coder:
    """A range coder with its contexts and statistics, in either direction.

    Parameters
    ----------
    tables : Tables
        Initial states, copied.
    data : bytes, optional
        What to read; a writer if there is none.
    complete : bool
        See `shared.entropy.reader`.
    capacity : int
        Bytes that a writer may write.
    counted : bool
        Whether to count decisions by context (for training).
    kinds : tuple of str
        Names of the kinds of decision; a format that adds its own puts them after the tiles'.
    priced : bool
        Whether a writer is to say what things cost, and its bytes are no file.
    """

    def __init__(
        self,
        tables: entropy.Tables,
        *,
        data: bytes | None = None,
        complete: bool = True,
        capacity: int = 0,
        counted: bool = False,
        kinds: tuple[str, ...] = KINDS,
        priced: bool = False,
    ) -> None:
        if data is None:
            self.state = entropy.writer(tables, capacity, counted=counted)
        else:
            self.state = entropy.reader(tables, data, complete=complete)
        self.kinds = kinds
        self.priced = priced
        self.palette_at = len(tables.probability), len(tables.weights)

    @property
    def probability(self) -> npt.NDArray[np.int32]:
        """Probabilities as adapted so far, but those of palettes, (n,) int32."""
        return entropy.adapted(self.state).probability[: self.palette_at[0]]

    def _palette_head(self, tiles: TileSet) -> npt.NDArray[np.uint8]:
        """Code whether there are palette blocks, and which; return them."""
        if not palette_coding.code_presence(self.state, 1 if tiles.palette else 0):
            return NO_BLOCKS
        geometry = tiles.geometry
        if tiles.palette is None:
            tiles.palette = Palette.room(geometry.height, geometry.width, geometry.channels)
        # Only now, for few files have any, and hashed contexts are many.
        self.state = entropy.extended(self.state, palette_coding.initial_tables())
        palette_coding.code_head(self.state, self.palette_at, tiles.palette)
        return tiles.palette.blocks

    def _palette_body(self, tiles: TileSet, spent: npt.NDArray[np.float64]) -> None:
        """Code the colours of all pixels in palette blocks."""
        if tiles.palette is None:
            return
        if self.priced and tiles.palette.price:
            # Nothing else depends on their states, and whoever asks for prices asks often.
            self.state[entropy.BITS + PALETTE] += round(tiles.palette.price * 65536)
        else:
            palette_coding.code_body(self.state, self.palette_at, tiles.palette, spent)

    def palettes(self, tiles: TileSet) -> npt.NDArray[np.float64]:
        """Code the palette blocks alone; return the bits of each, (rows, columns)."""
        blocks = self._palette_head(tiles)
        spent = np.zeros([max(n - 2, 0) for n in blocks.shape])
        self._palette_body(tiles, spent)
        return spent

    def partition(self, tiles: TileSet, *, plain: bool = False) -> npt.NDArray[np.int64]:
        """Code the first stage, `plain` if no leaf has detail.

        Returns
        -------
        (rows,) int64
            Shifts after each row of superblocks.
        """
        geometry = tiles.geometry
        marks = np.zeros(padded(geometry.height) // ROOT, np.int64)
        blocks = NO_BLOCKS if plain else self._palette_head(tiles)
        count = partition.code_partition(
            self.state,
            geometry.height,
            geometry.width,
            parts_of(geometry.channels),
            tiles.steps,
            tiles.leaves,
            marks,
            tiles.logs,
            tiles.means,
            tiles.owner,
            plain,
            blocks,
            np.zeros((_STACK, 3), np.int64),
            np.zeros(geometry.channels, np.int64),
        )
        tiles.leaves = tiles.leaves[:count]
        return marks

    def details(
        self,
        tiles: TileSet,
        order: npt.NDArray[np.int64],
        prices: npt.NDArray[np.float32] = NO_PRICES,
    ) -> tuple[int, npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Code the second stage.

        Returns
        -------
        done, spent, marks
            Leaves completed; bits by leaf; shifts after each leaf.
        """
        geometry = tiles.geometry
        self._palette_body(tiles, _NOT_TOLD)
        spent, marks = np.zeros(len(tiles.leaves)), np.zeros(len(order) + 1, np.int64)
        done = details.code_details(
            self.state,
            (geometry.height + 3) >> CELL_LOG,
            (geometry.width + 3) >> CELL_LOG,
            tiles.steps,
            tiles.leaves,
            order,
            tiles.owner,
            tiles.means,
            tiles.levels,
            tiles.levels.reshape(-1),
            prices,
            spent,
            marks,
            geometry.channels >= 3,
            np.zeros(len(tiles.leaves), np.uint8),
            turns.matrices(),
            np.zeros((6, 6), np.int64),
        )
        return done, spent, marks

    def shares(self) -> dict[str, float]:
        """Bits by kind of decision."""
        return entropy.spent(self.state, self.kinds)
