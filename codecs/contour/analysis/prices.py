"""What a layer costs, about: from the initial states of the coder."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.entropy import COST, Tables
from ..format.contexts import FIRST_AT, LENGTHS, T_ASPECT, T_FREQUENCY
from ..format.layout import ASPECTS, FREQUENCIES

_SHARED = 5.5
"""Bits a place costs less than in a picture with one layer: order, density."""
_REST = 2.5
"""Bits of counts, kind, chroma flags, and the ends of the lists of harmonics and cuts."""


def _tree(tables: Tables, symbol: int, classes: int, values: int) -> npt.NDArray[np.float64]:
    """Bits of each value of a tree by its first context, (classes, values)."""
    bits = LENGTHS[symbol]
    out = np.zeros((classes, values))
    for c in range(classes):
        at = FIRST_AT[symbol] + (c << bits)
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
