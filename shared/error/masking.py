"""Importance made by hand: errors hide where much goes on, and the finer they are.

What a network that was trained on the smart error has to beat: the search of the same format,
told by ten lines that errors in busy places count less, as the adaptive quantization of video
encoders does [1]_, and from octave to octave a little more, as contrast is seen [2]_. The constants
were chosen on training pictures by MS-SSIM and SSIMULACRA2, which networks are not trained on.

References
----------
.. [1] J. Garrett-Glaser, "A novel macroblock-tree algorithm for high-performance optimization
   of dependent video coding in H.264/AVC", 2009, and `x264_adaptive_quant_frame` of x264, whose
   step grows with the energy of a macroblock to the power 0.17.
.. [2] J. Mannos, D. Sakrison, "The effects of a visual fidelity criterion on the encoding of
   images", IEEE Transactions on Information Theory 20(4), 1974, doi:10.1109/TIT.1974.1055250
"""

from __future__ import annotations

import numpy as np

from ..picture import color
from ..picture.raster import Image
from .importance import GRID, OCTAVES, ROLES, Importance

POWER = 0.35
"""Squared errors count as the variance around them to minus this power; x264 has the same."""
FLOOR = 10.0
"""Variance, code values squared, that even flat places are taken to have."""
OCTAVE, CHROMA = 0.1, 0.2
"""Logarithms by which errors count for more an octave coarser, and in chroma."""


def masked_importance(image: Image) -> Importance:
    """Return the importance of errors in a picture (H, W, C) uint8, by activity and octave."""
    luma = color.to_components(image)[0]
    wide = np.pad(luma, [(0, -size % GRID) for size in luma.shape], mode="edge")
    rows, columns = (size // GRID for size in wide.shape)
    variance = wide.reshape(rows, GRID, columns, GRID).var((1, 3), dtype=np.float64)
    logarithms = -POWER * np.log(variance + FLOOR)
    octaves = OCTAVE * np.arange(OCTAVES) + CHROMA * np.arange(ROLES)[:, None]
    found = logarithms - logarithms.mean() + octaves[:, :, None, None]
    return Importance(found.astype(np.float32))
