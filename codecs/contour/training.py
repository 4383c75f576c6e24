"""Train the initial states of the contour coder: those of the tiles, and of the layers.

Run ``python -m fractour.codecs.contour.training CORPUS_FOLDER``, see `shared.priors`.
"""

from __future__ import annotations

from ...shared.entropy import Tables
from ...shared.tiles import training as tile_training
from ...shared.tiles.contexts import WEIGHT_INPUTS as TILE_INPUTS
from .contexts import CONTEXTS, WEIGHT_INPUTS, WEIGHTS


def untrained() -> Tables:
    """States of the trained tiles, and untrained ones for the layers."""
    known = Tables.load(tile_training.TABLES)
    out = Tables.untrained(CONTEXTS, WEIGHTS, (*TILE_INPUTS, *WEIGHT_INPUTS))
    out.probability[: len(known.probability)] = known.probability
    out.confidence[: len(known.confidence)] = known.confidence
    out.weights[: len(known.weights)] = known.weights
    return out
