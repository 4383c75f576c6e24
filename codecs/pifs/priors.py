"""Train the initial states of the pifs coder: those of the tiles, and of the maps.

Run ``python -m fractour.codecs.pifs.priors [--pure] CORPUS_FOLDER``, see `shared.entropy.priors`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...shared.codec import Image
from ...shared.entropy import IntArray, Tables, learned
from ...shared.entropy.priors import Trainee, train_command
from ...shared.tiles import priors as tile_training
from ...shared.tiles.format.contexts import WEIGHT_INPUTS as TILE_INPUTS
from .analysis.search import analyze, choose
from .analysis.state import Analysis
from .format.maps import CONTEXTS, WEIGHT_INPUTS, WEIGHTS
from .format.stream import write


def untrained() -> Tables:
    """States of the trained tiles, and untrained ones for the maps."""
    known = Tables.load(tile_training.TABLES)
    blank = Tables.untrained(CONTEXTS, WEIGHTS, (*TILE_INPUTS, *WEIGHT_INPUTS))
    out = blank
    out.probability[: len(known.probability)] = known.probability
    out.confidence[: len(known.confidence)] = known.confidence
    out.weights[: len(known.weights)] = known.weights
    return out


def _prepare(pixels: Image, number: int) -> Analysis:
    return analyze(pixels, pure=False)


def _prepare_pure(pixels: Image, number: int) -> Analysis:
    return analyze(pixels, pure=True)


def _count(analysis: Analysis, step: int, tables: Tables) -> tuple[npt.NDArray[np.int64], IntArray]:
    tiles, maps, _, _ = choose(analysis, step, tables, compare=False)
    again = tiles.emptied()
    written = write(tables, again, maps, pure=analysis.pure, counted=True)
    return learned(written.coder.state)


TRAINEE = Trainee(
    _prepare,
    _count,
    steps=tile_training.STEP_RANGE,
    path=Path(__file__).with_name("tables.npz"),
    start=untrained,
)
PURE_TRAINEE = replace(
    TRAINEE, prepare=_prepare_pure, path=TRAINEE.path.with_name("pure.npz"), steps=(110, 210)
)

if __name__ == "__main__":
    from . import priors  # not __main__: what processes are sent must be importable

    pure = "--pure" in sys.argv
    if pure:
        sys.argv.remove("--pure")
    train_command(priors.PURE_TRAINEE if pure else priors.TRAINEE, __doc__, every=8)
