"""Train the initial states of palettes (``palettes.npz``), see `shared.entropy.priors`.

Run ``python -m fractour.shared.tiles.palette_priors CORPUS_FOLDER``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..codec import Image
from ..entropy import IntArray, Tables, learned
from ..entropy.priors import Trainee, train_command
from ..picture import color
from .analysis.palette import painted
from .analysis.screen import screen_of
from .analysis.spectra import Spectra, transform
from .format import palette_coding
from .format.stream import Coder, capacity
from .priors import STEP_RANGE
from .priors import TABLES as TILE_TABLES

TABLES = Path(__file__).with_name("palettes.npz")
_NO_BITS = np.zeros((0, 0))


def _prepare(pixels: Image, number: int) -> Spectra | None:
    screen = screen_of(pixels)
    return None if screen is None else transform(color.to_components(pixels), None, screen)


def _count(
    spectra: Spectra | None, step: int, tables: Tables
) -> tuple[npt.NDArray[np.int64], IntArray]:
    nothing = np.zeros((palette_coding.TRAINED, 2), np.int64), tables.weights
    if spectra is None:
        return nothing
    found = painted(spectra, step, Tables.load(TILE_TABLES)).palette
    if found is None:
        return nothing
    coder = Coder(
        palette_coding.with_hashed(tables), capacity=capacity(spectra.geometry), counted=True
    )
    palette_coding.code_head(coder.state, (0, 0), found)
    palette_coding.code_body(coder.state, (0, 0), found, _NO_BITS)
    tally, weights = learned(coder.state)
    return tally[: palette_coding.TRAINED], weights


TRAINEE = Trainee(_prepare, _count, STEP_RANGE, TABLES, palette_coding.default_tables)

if __name__ == "__main__":
    from . import palette_priors  # not __main__: what processes are sent must be importable

    train_command(palette_priors.TRAINEE, __doc__)
