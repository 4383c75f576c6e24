"""Blocks of a few colours that hide the leaves below them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from .syntax import LEFT, LOG, ROOT, ROOT_LOG, TOP, int64

BLOCK_LOG = 3
BLOCK = 1 << BLOCK_LOG
"""Pixels a side of a block."""
MOST_COLOURS = 256
MARGIN = 3
"""Pixels around the plane of indices; contexts reach this far."""


@dataclass
class Palette:
    """Blocks of few colours, integers.

    Parameters
    ----------
    colours : (n, C) int32
        Components of each colour, code values as the planes hold them; the most frequent one
        first, the others from dark to bright.
    blocks : (rows + 2, columns + 2) uint8
        Whether a block is one, with a margin of one block.
    indices : (H + 6, W + 6) uint8
        Index of each pixel, `MARGIN` around; 0 outside the blocks.
    price : float
        Bits of all indices, as far as the encoder knows without writing them.
    """

    colours: npt.NDArray[np.int32]
    blocks: npt.NDArray[np.uint8]
    indices: npt.NDArray[np.uint8]
    price: float = 0.0

    @classmethod
    def room(cls, height: int, width: int, components: int) -> Palette:
        """Make a palette without blocks and with room for all colours."""
        rows, columns = -(-height // BLOCK), -(-width // BLOCK)
        return cls(
            np.zeros((MOST_COLOURS, components), np.int32),
            np.zeros((rows + 2, columns + 2), np.uint8),
            np.zeros((height + 2 * MARGIN, width + 2 * MARGIN), np.uint8),
        )

    def hidden(self, log: int) -> npt.NDArray[np.bool_]:
        """Tiles of a size of which blocks leave nothing to see, in whole superblocks."""
        inside = self.blocks[1:-1, 1:-1] != 0
        per = ROOT >> BLOCK_LOG
        rest = [(0, -n % per) for n in inside.shape]
        out = np.pad(inside, rest, constant_values=True)
        if log < BLOCK_LOG:
            return np.kron(out, np.ones((2, 2), np.bool_))
        for _ in range(log - BLOCK_LOG):
            out = out[::2] & out[1::2]
            out = out[:, ::2] & out[:, 1::2]
        return out

    def hides(self, leaves: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Tell which leaves blocks leave nothing to see of."""
        out = np.zeros(len(leaves), np.bool_)
        for log in range(BLOCK_LOG, ROOT_LOG + 1):
            mine = leaves[:, LOG] == log
            at = leaves[mine]
            out[mine] = self.hidden(log)[at[:, TOP] >> log, at[:, LEFT] >> log]
        return out


@compiled
def covered(blocks, top, left, log, height, width):  # type: ignore[no-untyped-def]
    """Whether all that a tile shows of the picture lies in palette blocks."""
    if len(blocks) == 0 or log < BLOCK_LOG:
        return False
    side = int64(1) << log
    for y in range(top >> BLOCK_LOG, ((min(top + side, height) - 1) >> BLOCK_LOG) + 1):
        for x in range(left >> BLOCK_LOG, ((min(left + side, width) - 1) >> BLOCK_LOG) + 1):
            if not blocks[y + 1, x + 1]:
                return False
    return True
