"""What squared error counts for: importance at tiles, by octave.

The octave of a coefficient is that of the larger of its two frequencies. In a tile of side ``s``,
index ``m`` is ``m / (2 s)`` cycles a pixel, and octave 0 reaches from 1/4 to 1/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from ...error.importance import OCTAVES, ROLES, Importance
from ..format.syntax import CELL_LOG, COMP, LEFT, LOG, MEAN, REACH, ROOT_LOG, START, TOP
from ..synthesis import dct

FloatArray = npt.NDArray[np.float32]
Weights = list[list[FloatArray]]
"""By role and size (index: log - 2), (tiles, OCTAVES), tiles row by row."""

EQUAL: FloatArray = np.ones((1, OCTAVES), np.float32)
"""Weights of any number of tiles when all errors count the same."""


def _octaves() -> npt.NDArray[np.int64]:
    out = np.zeros((ROOT_LOG + 1, 1 << ROOT_LOG), np.int64)
    for log in range(CELL_LOG, ROOT_LOG + 1):
        for index in range(1 << log):
            out[log, index] = min(log - index.bit_length(), OCTAVES - 1)
    return out


OCTAVE_OF = _octaves()
"""Octave by the logarithm of the side and the larger index; the mean is beyond the others."""


def weights_of(importance: Importance, height: int, width: int) -> Weights:
    """Weights of all tiles of a padded picture."""
    return [
        [
            np.stack(
                [
                    importance.at(role, octave, height >> log, width >> log, 1 << log).ravel()
                    for octave in range(OCTAVES)
                ],
                -1,
            )
            for log in range(CELL_LOG, ROOT_LOG + 1)
        ]
        for role in range(ROLES)
    ]


@cache
def _indicator(log: int) -> FloatArray:
    """Which coefficient of a tile is of which octave, (side * side, OCTAVES)."""
    index = np.arange(1 << log)
    octave = OCTAVE_OF[log][np.maximum(index[:, None], index)].ravel()
    out: FloatArray = (octave[:, None] == np.arange(OCTAVES)).astype(np.float32)
    return out


def weighted_energy(coefficients: FloatArray, weights: FloatArray, log: int) -> FloatArray:
    """Weighted squares of tiles, (n, side * side) and (n, OCTAVES) to (n,)."""
    out: FloatArray = ((coefficients * coefficients @ _indicator(log)) * weights).sum(-1)
    return out


def tile_energy(blocks: FloatArray, weights: FloatArray, log: int) -> FloatArray:
    """Weighted squared error of tiles of samples, (n, side, side) to (n,)."""
    if weights is EQUAL:
        out: FloatArray = (blocks * blocks).sum((1, 2))
        return out
    coefficients = dct.forward_blocks(blocks, log).reshape(-1, 1 << 2 * log)
    return weighted_energy(coefficients, weights, log)


def at_edge(
    blocks: Sequence[FloatArray], weights: Weights, roles: Sequence[int], log: int
) -> float:
    """Return the geometric mean of the weights of coefficients that are about one step.

    Where a bit has to remove as much as this, the step alone decides how many coefficients there
    are, whatever the importance is on the whole.

    Parameters
    ----------
    blocks : sequence by component of (rows, columns, side * side) float32
        Coefficients in steps.
    weights : Weights
    roles : sequence of int
    log : int
        Of the tiles given.
    """
    total, count = 0.0, 0.0
    for block, role in zip(blocks, roles, strict=True):
        size = np.abs(block.reshape(-1, block.shape[-1]))
        found = ((size > 0.6) & (size < 1.5)).astype(np.float32) @ _indicator(log)
        total += float((found * np.log(weights[role][log - CELL_LOG])).sum())
        count += float(found.sum())
    return float(np.exp(total / count)) if count else 1.0


def of_leaves(
    leaves: npt.NDArray[np.int32], weights: Weights, roles: Sequence[int], width: int
) -> FloatArray:
    """Weights of leaves, (n, OCTAVES); `width` is that of the padded picture."""
    out = np.empty((len(leaves), OCTAVES), np.float32)
    role = np.asarray(roles)[leaves[:, COMP]]
    for r in range(ROLES):
        for log in range(CELL_LOG, ROOT_LOG + 1):
            mine = np.nonzero((role == r) & (leaves[:, LOG] == log))[0]
            at = (leaves[mine, TOP] >> log) * (width >> log) + (leaves[mine, LEFT] >> log)
            out[mine] = weights[r][log - CELL_LOG][at]
    return out


@compiled
def _sums(leaves, levels, ratios, weights, gain, plain):  # type: ignore[no-untyped-def]
    """Squared error that levels remove, weighted and not, by leaf; return what is left."""
    left = 0.0
    for i in range(len(leaves)):
        leaf = leaves[i]
        comp, start, log, reach = leaf[COMP], leaf[START], leaf[LOG], leaf[REACH]
        side = 1 << log
        for u in range(side):
            for v in range(side):
                at = start + u * side + v
                w = weights[i, OCTAVE_OF[log, max(u, v)]]
                c = ratios[comp, at]
                if u + v == 0:
                    left += w * (c - leaf[MEAN]) ** 2
                    continue
                left += w * c * c
                if u + v <= reach and levels[comp, at]:
                    removed = levels[comp, at] * (2 * c - levels[comp, at])
                    gain[i] += w * removed
                    plain[i] += removed
        left -= gain[i]
    return left


def leaf_gains(
    leaves: npt.NDArray[np.int32], levels: npt.NDArray[Any], ratios: FloatArray, weights: FloatArray
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Weighted squared error, in steps, that the levels of leaves remove.

    Returns
    -------
    gain : (n,) float64
    factor : (n,) float64
        Weight on average.
    left : float
        What remains with all levels.
    """
    gain, plain = np.zeros((2, len(leaves)))
    left = float(_sums(leaves, levels, ratios, weights, gain, plain))
    factor = np.where(plain > 0, gain / np.maximum(plain, 1e-9), weights.mean(1))
    return gain, np.maximum(factor, 1e-6), left
