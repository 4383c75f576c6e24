"""What both stages of the tile syntax share: the leaf table, small helpers.

Functions take the state of a coder (`shared.entropy`) and work in its direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...compiled import compiled
from ...entropy import decide_flat

int64: Any = np.int64
"""In kernels: what they hold is typed by Numba, not by the checker."""

# Columns of the leaf table, int32.
COMP, TOP, LEFT, LOG, MEAN, GRADE, REACH, START, MAPPED, RESIDUE, TURN = range(11)
FIELDS = 11

KINDS = (
    *("partition", "means", "grades", "reaches", "significance", "signs", "magnitudes", "maps"),
    *("palettes", "turns"),
)
SPLIT, MEANS, GRADES, REACHES, SIGNIFICANCE, SIGNS, MAGNITUDES, MAPS, PALETTE, TURNED = range(
    len(KINDS)
)

CELL = 4
"""Pixels a side of the smallest tile, the unit of all maps."""
CELL_LOG = 2
ROOT = 64
ROOT_LOG = 6
FRACTION_BITS = 6
"""Fractional bits of means, coefficients and samples."""
STEP_BITS = 16
MAX_GRADE = 15


@compiled
def code_escape(m, kind, value):  # type: ignore[no-untyped-def]
    """Code a non-negative integer as an Exp-Golomb word of order 0, at most 16 bits long."""
    size = int64(0)
    while size < 16:
        more = decide_flat(m, kind, 1 if (value + 1) >> (size + 1) else 0)
        if not more:
            break
        size += 1
    out = int64(1)
    for k in range(size - 1, -1, -1):
        out = out << 1 | decide_flat(m, kind, ((value + 1) >> k) & 1)
    return out - 1


@compiled
def bit_length(value):  # type: ignore[no-untyped-def]
    """Bits of a non-negative integer."""
    size = int64(0)
    while value > 0:
        value >>= 1
        size += 1
    return size


@compiled
def rescale(value, log_from, log_to):  # type: ignore[no-untyped-def]
    """Frequency of a tile of one side as a frequency of a tile of another side."""
    if log_to >= log_from:
        return value << (log_to - log_from)
    return value >> (log_from - log_to)
