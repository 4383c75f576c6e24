"""The encoder's decisions: levels by Lagrangian cost, quadtree by bottom-up pruning.

Prices are those of the coder: its first context of every kind of decision, as trained or as
adapted to the picture. Pruning a full tree from the leaves up is that of Breiman, Friedman,
Olshen and Stone as Chou, Lookabaugh and Gray (1989) [1]_ brought it to source coding.

References
----------
.. [1] P. A. Chou, T. Lookabaugh, R. M. Gray, "Optimal pruning with applications to
   tree-structured source coding and modeling", IEEE Trans. Inf. Theory 35, 1989,
   doi:10.1109/18.32124.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from ..format.contexts import TURN_GROUP
from ..format.palette import covered
from ..format.syntax import (
    CELL_LOG,
    COMP,
    GRADE,
    LEFT,
    LOG,
    MEAN,
    REACH,
    ROOT,
    ROOT_LOG,
    START,
    TOP,
    TURN,
    int64,
)
from ..format.turns import MIXED, PLACES
from . import turning
from .prices import Prices
from .quantizer import quantize_tiles
from .weights import EQUAL, OCTAVE_OF

FloatArray = npt.NDArray[np.float32]


@dataclass
class Candidates:
    """All tiles of one component, of all sizes, quantized; index: log - 2."""

    levels: list[npt.NDArray[np.int16]]
    means: list[npt.NDArray[np.int32]]
    reaches: list[npt.NDArray[np.int32]]
    grades: list[npt.NDArray[np.int32]]
    turns: list[npt.NDArray[np.int32]]
    costs: list[FloatArray]


def quantize(
    ratios: Iterable[FloatArray],
    role: int,
    lmbda: float,
    prices: Prices,
    height: int,
    width: int,
    *,
    plain: bool = False,
    turned: bool = True,
    weights: Sequence[FloatArray] | None = None,
) -> Candidates:
    """Quantize one component at several sizes.

    Parameters
    ----------
    ratios : iterable of (rows, columns, side * side) float32
        Coefficients in steps, one size at a time; those of an empty array are skipped.
    role : int
        1 for chroma.
    lmbda : float
    prices : Prices
    height, width : int
        Of the picture.
    plain : bool
        Whether levels are not allowed.
    turned : bool
        Whether turns are tried.
    weights : sequence by size of (rows * columns, OCTAVES) float32, optional
        What squared error counts for.
    """
    out = Candidates([], [], [], [], [], [])
    scratch = (*np.zeros((2, 128), np.float32), np.zeros(128, np.int64), np.zeros(4096, np.int64))
    room = (
        np.zeros(4096, np.float32), np.zeros(MIXED, np.float32),
        np.zeros(turning.TRIED, np.int64), np.zeros(MIXED * turning.WAYS, np.float32),
        np.zeros(turning.WAYS, np.float32), np.zeros(EQUAL.shape[1], np.float32),
    )  # fmt: skip
    for k, block in enumerate(ratios):
        rows, columns = block.shape[:2]
        side = 1 << (k + CELL_LOG)
        levels = np.zeros(block.shape, np.int16)
        means, reaches, grades, turns = (np.zeros((rows, columns), np.int32) for _ in range(4))
        costs = np.zeros((rows, columns), np.float32)
        inside = np.array([-(-height // side), -(-width // side)], np.int64)
        if block.size:
            quantize_tiles(
                block, EQUAL if weights is None else weights[k], k + CELL_LOG, role,
                np.float32(lmbda), prices.significance, prices.more,
                prices.grade[role, k], prices.reach[role, k], prices.mean[role, k],
                inside, plain, _turns(prices, turned and not role, k + CELL_LOG), levels, means,
                reaches, grades, turns, costs, *scratch, room,
            )  # fmt: skip
        out.levels.append(levels)
        out.means.append(means)
        out.reaches.append(reaches)
        out.grades.append(grades)
        out.turns.append(turns)
        out.costs.append(costs)
    return out


def _turns(prices: Prices, tried: bool, log: int) -> tuple[npt.NDArray[Any], ...]:
    """What the choice of a turn goes by, for tiles of one size; nothing if none is `tried`."""
    k, place = log - CELL_LOG, PLACES[log]
    group = TURN_GROUP[k]
    ways = np.full(turning.WAYS, turning.HOPED, np.float32)
    ways[:-1] = prices.turns[group]
    return (
        place if tried else np.zeros_like(place), turning.forward()[group], turning.beside()[group],
        turning.level_bits(prices, log), prices.turn[k], ways,
    )  # fmt: skip


def prune(
    costs: list[FloatArray], split: FloatArray, lmbda: float
) -> tuple[FloatArray, list[npt.NDArray[np.bool_]]]:
    """Prune the full tree from the leaves up.

    Parameters
    ----------
    costs : list of (rows, columns) float32
        Of a leaf, by size.
    split : (4, 2) float32
        Bits of the split flag by size (8 up) and value.
    lmbda : float

    Returns
    -------
    best : (rows, columns) float32
        Cost of each superblock.
    splits : list of (rows, columns) bool
        Whether a node is split, by size; nothing is at the smallest.
    """
    best = costs[0]
    splits = [np.zeros(best.shape, np.bool_)]
    for k in range(1, len(costs)):
        rows, columns = costs[k].shape
        children = best.reshape(rows, 2, columns, 2).sum((1, 3)) + lmbda * split[k - 1, 1]
        leaf = costs[k] + lmbda * split[k - 1, 0]
        splits.append(children < leaf)
        best = np.where(splits[-1], children, leaf)
    return best, splits


@compiled
def collect(  # type: ignore[no-untyped-def]
    height,
    width,
    parts,
    splits,
    levels,
    ratios,
    scales,
    means,
    reaches,
    grades,
    turns,
    blocks,
    leaves,
    all_levels,
    all_ratios,
    stack,
    starts,
):
    """Gather the leaves of a pruned picture in coding order.

    Parameters
    ----------
    height, width : int
    parts : (P, 2) int64
    splits : tuple by partition of tuple by size of (rows, columns) bool
    levels, ratios, means, reaches, grades, turns
        Tuples by component of tuples by size, see `Candidates`.
    scales : (C,) float32
        What each component's ratios are yet to be multiplied by.
    blocks : (rows + 2, columns + 2) uint8 or (0, 0)
        See `format.palette.Palette`: tiles that they hide are leaves without anything.
    leaves : (n, FIELDS) int32
        Filled.
    all_levels, all_ratios : (C, size)
        Filled from each leaf's start.
    stack : (32, 3) int64
    starts : (C,) int64
        Zeros.

    Returns
    -------
    int
        Number of leaves.
    """
    at = 0
    for y0 in range(0, height, ROOT):
        for x0 in range(0, width, ROOT):
            for part in range(len(parts)):
                stack[0, 0], stack[0, 1], stack[0, 2] = y0, x0, ROOT_LOG
                depth = 1
                while depth:
                    depth -= 1
                    top, left, log = stack[depth, 0], stack[depth, 1], stack[depth, 2]
                    if top >= height or left >= width:
                        continue
                    k = log - CELL_LOG
                    y, x = top >> log, left >> log
                    hidden = covered(blocks, top, left, log, height, width)
                    if splits[part][k][y, x] and not hidden:
                        half = 1 << (log - 1)
                        for i in range(3, -1, -1):
                            stack[depth, 0] = top + half * (i >> 1)
                            stack[depth, 1] = left + half * (i & 1)
                            stack[depth, 2] = log - 1
                            depth += 1
                        continue
                    area = 1 << (2 * log)
                    for comp in range(parts[part, 0], parts[part, 0] + parts[part, 1]):
                        leaf = leaves[at]
                        leaf[COMP], leaf[TOP], leaf[LEFT], leaf[LOG] = comp, top, left, log
                        leaf[MEAN], leaf[REACH], leaf[GRADE], leaf[TURN] = 0, 0, 0, 0
                        start, scale = starts[comp], scales[comp]
                        leaf[START] = start
                        starts[comp] += area
                        at += 1
                        if hidden:
                            continue
                        leaf[MEAN] = means[comp][k][y, x]
                        leaf[REACH], leaf[GRADE] = reaches[comp][k][y, x], grades[comp][k][y, x]
                        leaf[TURN] = turns[comp][k][y, x]
                        level, ratio = levels[comp][k][y, x], ratios[comp][k][y, x]
                        for i in range(area):
                            all_levels[comp, start + i] = level[i]
                            all_ratios[comp, start + i] = ratio[i] * scale
    return at


@compiled
def drop_dear(leaves, weights, levels, ratios, prices, lmbda):  # type: ignore[no-untyped-def]
    """Set levels of 1 to 0 where the coder's real price is more than they are worth.

    `weights` are (n, OCTAVES), or (1, OCTAVES) if they are the same everywhere.
    """
    for i in range(len(leaves)):
        leaf = leaves[i]
        weight = weights[i if len(weights) > 1 else 0]
        if leaf[GRADE] == 0:
            continue
        comp, side = leaf[COMP], 1 << leaf[LOG]
        start = leaf[START]
        top = 0
        reach = 0
        for u in range(min(leaf[REACH], side - 1) + 1):
            for v in range(min(leaf[REACH] - u, side - 1) + 1):
                at = start + u * side + v
                level = abs(int64(levels[comp, at]))
                if level == 1:
                    c = abs(ratios[comp, at])
                    w = weight[OCTAVE_OF[leaf[LOG], max(u, v)]]
                    if w * (c * c - (c - 1) * (c - 1)) < lmbda * prices[comp, at]:
                        levels[comp, at] = 0
                        level = 0
                if level:
                    reach = max(reach, u + v)
                    top = max(top, level)
        grade = 0
        while top >> grade:
            grade += 1
        leaf[GRADE], leaf[REACH] = grade, reach


__all__ = ["Candidates", "Prices", "collect", "drop_dear", "prune", "quantize"]
