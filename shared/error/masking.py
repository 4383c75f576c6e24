"""Importance made by hand: errors hide where much goes on.

What a network that was trained on the smart error has to beat: the search of the same format,
told by ten lines that errors in busy places count less, as the adaptive quantization of video
encoders does [1]_.

References
----------
.. [1] J. Garrett-Glaser, "A novel macroblock-tree algorithm for high-performance optimization
   of dependent video coding in H.264/AVC", 2009, and `x264_adaptive_quant_frame` of x264, whose
   step grows with the energy of a macroblock to the power 0.17.
"""

from __future__ import annotations

import numpy as np

from ..picture import color
from ..picture.raster import Image
from .importance import GRID, OCTAVES, ROLES, Importance

_POWER = 0.35
"""Squared errors count as the variance around them to minus this power; x264 has the same."""
_FLOOR = 2.0
"""Variance, code values squared, that even flat places are taken to have."""


def masked_importance(image: Image) -> Importance:
    """Return the importance of errors in a picture (H, W, C) uint8, by activity alone."""
    luma = color.to_components(image)[0]
    wide = np.pad(luma, [(0, -size % GRID) for size in luma.shape], mode="edge")
    rows, columns = (size // GRID for size in wide.shape)
    variance = wide.reshape(rows, GRID, columns, GRID).var((1, 3), dtype=np.float64)
    logarithms = -_POWER * np.log(variance + _FLOOR)
    logarithms -= logarithms.mean()
    return Importance(np.tile(logarithms.astype(np.float32), (ROLES, OCTAVES, 1, 1)))
