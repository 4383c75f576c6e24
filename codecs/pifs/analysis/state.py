"""A picture on its way to tiles and maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....shared.tiles.analysis.spectra import Spectra
from ....shared.tiles.format.stream import TileSet
from .domains import Shortlist

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Analysis:
    """What does not depend on the step.

    Parameters
    ----------
    spectra : Spectra
    planes : list by component of (H', W') float32
    shortlists : list by component of dict by size
    pure : bool
    quick : bool
        Whether choices are those of `quick`.
    near : State, optional
        A proposal that those begin from.
    """

    spectra: Spectra
    planes: list[FloatArray]
    shortlists: list[dict[int, Shortlist]]
    pure: bool
    quick: bool = False
    near: State | None = None


@dataclass
class State:
    """What `write` and proposals nearby need of a proposal."""

    step: int
    tiles: TileSet
    maps: npt.NDArray[np.int32]
    details: npt.NDArray[np.intp]
    mapped: npt.NDArray[np.intp]
    pure: bool
    probability: npt.NDArray[np.int32]
    postfilter: int
