"""Which set of filters a picture asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..format.stream import TileSet
from ..synthesis import deblocking, reconstruction, wiener


def postfilter_of(tiles: TileSet, luma: npt.NDArray[np.float32], planes: Any = None) -> int:
    """Post-filter of least squared error in the first component.

    Parameters
    ----------
    tiles : TileSet
    luma : (H, W) float32
        What the first component should be, code values.
    planes : (C, H', W') int32, optional
        What is seen before deblocking, where it is not the tiles alone; changed in place.

    Returns
    -------
    int
    """
    if planes is None:
        planes = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
    height, width = luma.shape
    shown = deblocking.smooth(np, tiles, planes)[0, :height, :width]
    return wiener.best(shown, luma, int(tiles.steps[0]))
