"""A picture on its way to layers or tiles, and what was found of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ....shared.codec import Geometry, Progress
from ....shared.tiles.analysis.spectra import Spectra
from . import guided_pursuit, pursuit
from .outlined import Shapes

FloatArray = npt.NDArray[np.float32]


@dataclass
class Analysis:
    """A picture, and what was found of it so far.

    Parameters
    ----------
    geometry : Geometry
    planes : list of (H, W) float32
        Components.
    pure : bool
        Whether tiles are not allowed.
    effort : int
    spectra : Spectra
        Of tiles; with what a network says of errors.
    progress : callable, optional
    found : dict
        Pursuits by step.
    rough : dict
        Pursuits on the way to those, by step.
    before : dict
        Those under other importance.
    limit : int, optional
        Bytes of the file, which networks are told; none for the search.
    proposed : Proposed, optional
        What the network wants, once it has been asked.
    fitting : Effort
    layers : bool, optional
        Where a network fills the file: with layers alone, or with tiles and outlines. The smart
        error of real files decides; squared error as the search does otherwise.
    aim : int, optional
        Bytes of the file that the search is asked for.
    look : callable, optional
        Asks the network what windows planes want, within `limit`.
    shapes : Shapes, optional
        Regions that outlines are traced from.
    ways : dict
        By step, of what the file is made there.
    costs : dict
        By step, squared error and weighed bits of each way that has been tried there.
    again : Pursuit, optional
        Windows of the next step that is proposed, to be fitted again as strictly as `spectra` says.
    """

    geometry: Geometry
    planes: list[FloatArray]
    pure: bool
    effort: int
    spectra: Spectra
    progress: Progress | None = None
    found: dict[int, pursuit.Pursuit] = field(default_factory=dict)
    rough: dict[int, pursuit.Pursuit] = field(default_factory=dict)
    before: dict[int, pursuit.Pursuit] = field(default_factory=dict)
    limit: int | None = None
    proposed: guided_pursuit.Proposed | None = None
    fitting: guided_pursuit.Effort = guided_pursuit.THOROUGH
    layers: bool | None = None
    aim: int | None = None
    look: guided_pursuit.Look | None = None
    shapes: Shapes | None = None
    ways: dict[int, str] = field(default_factory=dict)
    costs: dict[int, dict[str, float]] = field(default_factory=dict)
    again: pursuit.Pursuit | None = None

    @property
    def tiles_alone(self) -> bool:
        """Whether there are no windows."""
        return self.layers is False
