"""What a layer costs, about: from the initial states of the coder."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.entropy import COST, Tables
from ..format.contexts import (
    FIRST_AT,
    LENGTHS,
    R_CORNER,
    R_LENGTH,
    SECOND_AT,
    T_ASPECT,
    T_FREQUENCY,
    T_TURN,
)
from ..format.layout import ASPECTS, FREQUENCIES

_SHARED = 5.5
"""Bits a place costs less than in a picture with one layer: order, density."""
_REST = 2.5
"""Bits of counts, kind, chroma flags, and the ends of the lists of harmonics and cuts."""


def _tree(
    tables: Tables, symbol: int, classes: int, values: int, starts: tuple[int, ...] = FIRST_AT
) -> npt.NDArray[np.float64]:
    """Bits of each value of a tree by one of its contexts, (classes, values)."""
    bits = LENGTHS[symbol]
    out = np.zeros((classes, values))
    for c in range(classes):
        at = starts[symbol] + (c << bits)
        for value in range(values):
            node = 1
            for i in range(bits):
                bit = value >> (bits - 1 - i) & 1
                p = int(tables.probability[at + node])
                out[c, value] += COST[(p if bit else 65536 - p) >> 4]
                node = node << 1 | bit
    return out


def layer_prices(tables: Tables, height: int, width: int) -> tuple[Any, ...]:
    """Prices as the kernels of `matching` want them.

    Returns
    -------
    place : float
        Bits of a place on a grid of a sixteenth pixel.
    aspects : (8, ASPECTS) float64
        By half the scale.
    frequencies : (ASPECTS, FREQUENCIES) float64
    rest : float
    """
    place = np.log2(height * width * 256.0) - _SHARED
    aspects = _tree(tables, T_ASPECT, 8, ASPECTS)
    frequencies = _tree(tables, T_FREQUENCY, ASPECTS, FREQUENCIES)
    return float(place), aspects, frequencies, _REST


def _run(tables: Tables, symbol: int, classes: int, most: int) -> npt.NDArray[np.float64]:
    """Bits of the numbers 0 to `most` as runs, by their first context, (classes, most + 1)."""
    length = LENGTHS[symbol]
    out = np.zeros((classes, most + 1))
    for c in range(classes):
        for value in range(most + 1):
            for i in range(min(value + 1, most)):
                p = int(tables.probability[FIRST_AT[symbol] + c * length + min(i, length - 1)])
                out[c, value] += COST[(p if i < value else 65536 - p) >> 4]
    return out


def node_prices(tables: Tables) -> tuple[Any, ...]:
    """Prices of the nodes of rings as the kernels of `outlines.climbing` want them.

    Returns
    -------
    lengths : (13, 13) float64
        Bits of the size of a distance, by that of the distance before.
    rests : (13,) float64
        Of the bits below the highest.
    turns : (2, 12, 64) float64
        By whether the way turns at a corner, and by the size of the distance.
    corners : (2, 2) float64
        Of being a corner or not, by whether the node before is one.
    """
    lengths = _run(tables, R_LENGTH, 13, 12)
    turns = _tree(tables, T_TURN, 24, 64, SECOND_AT).reshape(2, 12, 64)
    corners = _run(tables, R_CORNER, 4, 1)[::2]
    return lengths, np.arange(13, dtype=np.float64), turns, corners
