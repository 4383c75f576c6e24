"""SSIMULACRA2 as an outside judge, by the package of that name; nothing here is tuned on it.

References
----------
J. Sneyers, "SSIMULACRA 2: Structural SIMilarity Unveiling Local And Compression Related Artifacts",
Cloudinary, 2023, https://github.com/cloudinary/ssimulacra2; its formulas in NumPy:
``pip install ssimulacra2`` (0.3.0, not the reference program: figures are for comparison with
figures of the same package).
"""

from __future__ import annotations

import io
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from ...shared.errors import BackendUnavailableError
from ...shared.picture.raster import without_alpha

Pixels = npt.NDArray[np.uint8]

MIN_SIDE = 8
"""Pixels; of smaller pictures the formula holds no scale."""


def installed() -> bool:
    """Tell whether the package is there, without loading it."""
    return find_spec("ssimulacra2") is not None


def require() -> None:
    """Raise if the package is missing.

    Raises
    ------
    BackendUnavailableError
    """
    if not installed():
        message = "SSIMULACRA2 needs a package: pip install ssimulacra2 (in fractour[report])"
        raise BackendUnavailableError(message)


def _file(image: Pixels) -> io.BytesIO:
    """Picture as the package wants it: something that Pillow opens."""
    from PIL import Image

    colour = without_alpha(image)
    whole = np.repeat(colour, 3, 2) if colour.shape[2] == 1 else colour
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(whole)).save(file, "PPM")
    file.seek(0)
    return file


def score(reference: Pixels, decoded: Pixels) -> float | None:
    """Score a decoded picture.

    Parameters
    ----------
    reference, decoded : (H, W, C) uint8
        Alpha is ignored.

    Returns
    -------
    float or None
        100 for equal pictures, 90 where nobody sees a difference, 50 medium, may be negative;
        None if a side is shorter than `MIN_SIDE`.

    Raises
    ------
    BackendUnavailableError
        If the package is missing.
    """
    if min(reference.shape[:2]) < MIN_SIDE:
        return None
    require()
    from ssimulacra2 import compute_ssimulacra2

    return float(compute_ssimulacra2(_file(reference), _file(decoded)))
