"""Train the initial states of the entropy coder (``tables.npz``), see `shared.entropy.priors`.

Run ``python -m fractour.codecs.wavelet.priors CORPUS_FOLDER``. Which coefficients are worth
their bits is decided with the shipped tables.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...shared.codec import Image
from ...shared.entropy import IntArray, Tables
from ...shared.entropy.priors import Trainee, train_command
from .analysis import Analysis, analyze, code_values, propose
from .format.stream import default_tables


def _prepare(pixels: Image, number: int) -> Analysis:
    return analyze(pixels)


def _count(analysis: Analysis, step: int, tables: Tables) -> tuple[npt.NDArray[np.int64], IntArray]:
    state = propose(analysis, step).state
    written = code_values(analysis, state.where, state.values, tables=tables, counted=True)
    assert written.learned is not None
    return written.learned


TRAINEE = Trainee(
    _prepare,
    _count,
    steps=(336, 600),  # about 1.5 bpp down to 0.02 bpp
    path=Path(__file__).with_name("tables.npz"),
    start=default_tables,
)

if __name__ == "__main__":
    from . import priors  # not __main__: what processes are sent must be importable

    train_command(priors.TRAINEE, __doc__)
