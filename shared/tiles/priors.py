"""Train the initial states of the tile coder (``tables.npz``), see `shared.entropy.priors`.

Run ``python -m fractour.shared.tiles.priors CORPUS_FOLDER``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..codec import Image
from ..entropy import IntArray, Tables, learned
from ..entropy.priors import Trainee, train_command
from ..picture import color
from .analysis.encoder import choose, code
from .analysis.spectra import Spectra, transform
from .format.stream import NEUTRAL_CHROMA, default_tables

TABLES = Path(__file__).with_name("tables.npz")
STEP_RANGE = (126, 228)


def _prepare(pixels: Image, number: int) -> Spectra:
    return transform(color.to_components(pixels))


def _count(spectra: Spectra, step: int, tables: Tables) -> tuple[npt.NDArray[np.int64], IntArray]:
    tiles = choose(spectra, step, NEUTRAL_CHROMA, tables, passes=1).tiles
    again = tiles.emptied()
    return learned(code(tables, again, priced=False, counted=True).coder.state)


TRAINEE = Trainee(_prepare, _count, STEP_RANGE, TABLES, default_tables)

if __name__ == "__main__":
    from . import priors  # not __main__: what processes are sent must be importable

    train_command(priors.TRAINEE, __doc__)
