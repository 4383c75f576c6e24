"""What the detail of leaves is worth: contrast and error, and sets without some of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...picture import color
from ..format.stream import TileSet
from ..format.syntax import COMP, GRADE, LOG, MEAN, REACH, START
from .encoder import Choice
from .weights import leaf_gains


def unit_error(choice: Choice) -> float:
    """Squared error over all samples that one squared step makes, in any component."""
    weight = color.ERROR_WEIGHTS[choice.tiles.geometry.channels][0]
    return float(weight * (choice.tiles.steps[0] / 65536.0) ** 2)


def peaks(choice: Choice) -> npt.NDArray[np.float64]:
    """Peak amplitude in the picture of each leaf's largest harmonic, code values.

    What counts more looks higher.
    """
    leaves, levels = choice.tiles.leaves, choice.tiles.levels
    largest = np.zeros(len(leaves))
    for comp in range(len(levels)):
        mine = np.nonzero(leaves[:, COMP] == comp)[0]
        starts = leaves[mine, START].astype(np.int64)
        if len(mine):
            largest[mine] = np.maximum.reduceat(np.abs(levels[comp].astype(np.int32)), starts)
    steps = choice.tiles.steps[leaves[:, COMP]] / 65536.0
    out: npt.NDArray[np.float64] = largest * steps * 2.0 / (1 << leaves[:, LOG])
    return out if choice.weights is None else out * np.sqrt(_weighted(choice)[1])


def errors(choice: Choice) -> tuple[npt.NDArray[np.float64], float]:
    """Squared error (weighted) that each leaf's levels remove, and what remains with all."""
    if choice.weights is not None:
        gain, _, left = _weighted(choice)
        unit = unit_error(choice)
        return gain * unit, (left + missed(choice)) * unit
    leaves, unit = choice.tiles.leaves, unit_error(choice)
    gain, left = np.zeros(len(leaves)), missed(choice)
    # Of all components at once, what lies between would take 150 bytes a pixel.
    for comp in range(len(choice.ratios)):
        mine = np.nonzero(leaves[:, COMP] == comp)[0]
        start = leaves[mine, START].astype(np.int64)
        ratio = choice.ratios[comp].astype(np.float64)
        left += float(((ratio[start] - leaves[mine, MEAN]) ** 2).sum())
        ratio[start] = 0.0
        level = choice.tiles.levels[comp]
        left += float(np.square(ratio - level).sum())
        ratio *= 2
        ratio -= level
        ratio *= level
        # Leaves lie one behind the other, and behind the last there is nothing.
        gain[mine] = np.add.reduceat(ratio, start)
    return gain * unit, left * unit


def missed(choice: Choice) -> float:
    """Squared error of palette blocks, in steps."""
    return float(choice.missed * (65536.0 / choice.tiles.steps[0]) ** 2)


def _weighted(choice: Choice) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    assert choice.weights is not None
    return leaf_gains(choice.tiles.leaves, choice.tiles.levels, choice.ratios, choice.weights)


def drop_details(tiles: TileSet, dropped: npt.NDArray[np.intp]) -> TileSet:
    """Copy a set without the levels of some leaves."""
    leaves, levels = tiles.leaves.copy(), tiles.levels.copy()
    leaves[dropped, GRADE] = 0
    leaves[dropped, REACH] = 0
    for comp, start, log in leaves[dropped][:, [COMP, START, LOG]].tolist():
        levels[comp, start : start + (1 << 2 * log)] = 0
    return tiles.emptied(leaves, levels)
