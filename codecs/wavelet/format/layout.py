"""Where the coefficients lie: subbands of a full dyadic decomposition, padded and flattened.

Every component has the same layout. A subband is stored with a border of `PAD` zeros, so
that contexts read neighbours without asking for bounds; likewise the grids of coding blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

PAD = 2
NODE_PAD = 2
NODE_LEVELS = 3
"""Coding blocks of 4x4, 16x16 and 64x64 coefficients."""

LL, HL, LH, HH = range(4)

# Columns of the table of subbands.
(OFFSET, STRIDE, HEIGHT, WIDTH, ORIENT, LEVEL, PARENT, SIBLINGS) = range(8)
NODE_FIELDS = 8
"""From here on: offset, stride, rows, columns of the block grid of each of the three levels."""
_COLUMNS = NODE_FIELDS + 4 * NODE_LEVELS


@dataclass(frozen=True)
class Band:
    """A subband in the dense (Mallat) picture of a component."""

    top: int
    left: int
    height: int
    width: int
    orient: int
    level: int


@dataclass(frozen=True, eq=False)
class Layout:
    """Geometry shared by all components.

    Parameters
    ----------
    shapes : tuple of (int, int)
        Height and width of the low-pass picture after 0, 1, 2 ... levels.
    bands : tuple of Band
        Non-empty subbands, coarse to fine; within a level HL, LH, HH.
    table : (n_bands, 20) int64
        The same for the coder, see the column names of this module.
    size : int
        Length of a padded, flattened component.
    nodes : int
        Length of the flattened block grids of a component.
    """

    shapes: tuple[tuple[int, int], ...]
    bands: tuple[Band, ...]
    table: npt.NDArray[np.int64]
    size: int
    nodes: int

    @property
    def levels(self) -> int:
        """Number of decomposition levels."""
        return len(self.shapes) - 1

    @property
    def corners(self) -> npt.NDArray[np.int64]:
        """First row and column of each band in a dense plane, (n_bands, 2)."""
        return np.array([(band.top, band.left) for band in self.bands], np.int64)


@lru_cache(maxsize=8)
def make_layout(height: int, width: int) -> Layout:
    """Lay out the subbands of a `height` x `width` component, decomposed to a single sample."""
    shapes = [(height, width)]
    while max(shapes[-1]) > 1:
        h, w = shapes[-1]
        shapes.append(((h + 1) // 2, (w + 1) // 2))
    bands = [Band(0, 0, 1, 1, LL, len(shapes) - 1)]
    for level in range(len(shapes) - 1, 0, -1):
        low_h, low_w = shapes[level]
        h, w = shapes[level - 1]
        bands += [
            Band(0, low_w, low_h, w - low_w, HL, level),
            Band(low_h, 0, h - low_h, low_w, LH, level),
            Band(low_h, low_w, h - low_h, w - low_w, HH, level),
        ]
    bands = [band for band in bands if band.height and band.width]
    index = {(band.orient, band.level): i for i, band in enumerate(bands)}
    table = np.zeros((len(bands), _COLUMNS), np.int64)
    size = nodes = 0
    for i, band in enumerate(bands):
        row = table[i]
        row[STRIDE], row[HEIGHT], row[WIDTH] = band.width + 2 * PAD, band.height, band.width
        row[OFFSET] = size + PAD * row[STRIDE] + PAD
        # A single pixel has no level; its contexts are those of level 1.
        row[ORIENT], row[LEVEL] = band.orient, max(band.level, 1)
        row[PARENT] = index.get((band.orient, band.level + 1), -1)
        # Subbands of the same level and shape that are coded before this one.
        row[SIBLINGS] = 0
        for other in range(HL, band.orient):
            twin = bands[index[other, band.level]] if (other, band.level) in index else None
            if (
                twin is not None
                and abs(twin.height - band.height) + abs(twin.width - band.width) <= 2
            ):
                row[SIBLINGS] |= 1 << other
        size += (band.height + 2 * PAD) * (band.width + 2 * PAD)
        for k in range(NODE_LEVELS):
            side = 4 ** (k + 1)
            rows, columns = -(-band.height // side), -(-band.width // side)
            stride = columns + 2 * NODE_PAD
            at = NODE_FIELDS + 4 * k
            row[at : at + 4] = nodes + NODE_PAD * stride + NODE_PAD, stride, rows, columns
            nodes += (rows + 2 * NODE_PAD) * stride
    return Layout(tuple(shapes), tuple(bands), table, size, nodes)
