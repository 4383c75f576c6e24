"""Train the initial states of the contour coder: those of the tiles, and of the layers.

Run ``python -m fractour.codecs.contour.priors CORPUS_FOLDER``, see `shared.entropy.priors`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...shared.codec import Geometry, Image
from ...shared.entropy.coder import IntArray, Tables
from ...shared.entropy.priors import Trainee, train_command
from ...shared.picture import color
from ...shared.tiles import priors as tile_training
from ...shared.tiles.format.contexts import WEIGHT_INPUTS as TILE_INPUTS
from ...shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps
from .analysis import pursuit
from .analysis.prices import layer_prices
from .format.contexts import CONTEXTS, WEIGHT_INPUTS, WEIGHTS
from .format.point_sets import arrange
from .format.stream import Ground, write

TABLES = Path(__file__).with_name("tables.npz")
STEP_RANGE = (174, 228)
_SMOOTH = 2


def untrained() -> Tables:
    """States of the trained tiles, and untrained ones for the layers."""
    known = Tables.load(tile_training.TABLES)
    out = Tables.untrained(CONTEXTS, WEIGHTS, (*TILE_INPUTS, *WEIGHT_INPUTS))
    out.probability[: len(known.probability)] = known.probability
    out.confidence[: len(known.confidence)] = known.confidence
    out.weights[: len(known.weights)] = known.weights
    return out


def _prepare(pixels: Image, number: int) -> list[npt.NDArray[np.float32]]:
    return color.to_components(pixels)


def _count(
    planes: list[npt.NDArray[np.float32]], step: int, tables: Tables
) -> tuple[npt.NDArray[np.int64], IntArray]:
    steps = component_steps(step, NEUTRAL_CHROMA, len(planes))
    height, width = planes[0].shape
    prices = layer_prices(tables, height, width)
    state = pursuit.search(planes, steps, _SMOOTH, prices, 3)
    layers = state.layers[arrange(state.layers, height, width)]
    geometry = Geometry(height, width, len(planes))
    ground = Ground(geometry, steps, state.base_code, state.base, layers)
    tally = np.zeros((CONTEXTS, 2), np.int64)
    return tally, write(tables, ground, None, tally=tally).coder.weights


TRAINEE = Trainee(_prepare, _count, STEP_RANGE, TABLES, untrained)

if __name__ == "__main__":
    from . import priors  # not __main__: what processes are sent must be importable

    train_command(priors.TRAINEE, __doc__, every=8)
