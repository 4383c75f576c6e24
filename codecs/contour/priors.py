"""Train the initial states of the contour coder: those of the tiles, and of the layers.

Run ``python -m fractour.codecs.contour.priors CORPUS_FOLDER``, see `shared.entropy.priors`; first
for windows, then, with ``--outlines --resume`` on drawings and screens, for outlines.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...shared.codec import Geometry, Image
from ...shared.entropy import IntArray, Tables, learned
from ...shared.entropy.priors import Trainee, train_command
from ...shared.picture import color
from ...shared.tiles import priors as tile_training
from ...shared.tiles.format.contexts import WEIGHT_INPUTS as TILE_INPUTS
from ...shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps
from .analysis import pursuit
from .analysis.outlines import tracing
from .analysis.outlines.borders import Border, trace
from .analysis.outlines.regions import Regions, segment
from .analysis.outlines.tables import gather
from .analysis.prices import layer_prices, node_prices
from .format.contexts import CONTEXTS, WEIGHT_INPUTS, WEIGHTS
from .format.point_sets import arrange
from .format.stream import Ground, write

TABLES = Path(__file__).with_name("tables.npz")
STEP_RANGE = (174, 228)
OUTLINE_RANGE = (120, 228)
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
    return learned(write(tables, ground, None, counted=True).coder.state)


@dataclass(frozen=True)
class _Traced:
    planes: list[npt.NDArray[np.float32]]
    found: Regions
    borders: list[Border]


def _prepare_outlines(pixels: Image, number: int) -> _Traced:
    planes = color.to_components(pixels)
    found = segment(planes)
    return _Traced(planes, found, trace(planes, found))


def _count_outlines(
    traced: _Traced, step: int, tables: Tables
) -> tuple[npt.NDArray[np.int64], IntArray]:
    planes = traced.planes
    steps = component_steps(step, NEUTRAL_CHROMA, len(planes))
    fitted = tracing.fit(planes, traced.found, traced.borders, steps, node_prices(tables))
    height, width = planes[0].shape
    geometry = Geometry(height, width, len(planes))
    outlines, _ = gather(fitted)
    ground = replace(Ground.empty(geometry, steps), outlines=outlines)
    return learned(write(tables, ground, None, counted=True).coder.state)


TRAINEE = Trainee(_prepare, _count, STEP_RANGE, TABLES, untrained)
OUTLINE_TRAINEE = Trainee(_prepare_outlines, _count_outlines, OUTLINE_RANGE, TABLES, untrained)

if __name__ == "__main__":
    from . import priors  # not __main__: what processes are sent must be importable

    if "--outlines" in sys.argv:
        sys.argv.remove("--outlines")
        train_command(priors.OUTLINE_TRAINEE, __doc__)
    else:
        train_command(priors.TRAINEE, __doc__, every=8)
