"""What may come in as an image: arrays and Pillow images, brought to (H, W, C) uint8."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ImageInputError

Image = npt.NDArray[np.uint8]
"""Pixels, (H, W, C) with C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""

MAX_SIDE = (1 << 21) - 1


def as_raster(image: Any) -> Image:
    """Bring `image` to (H, W, C) uint8 with C = 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA.

    Parameters
    ----------
    image : array_like or PIL.Image.Image
        uint8, bool (black and white) or uint16 (rounded to eight bits, with a warning);
        anything with an array interface.

    Raises
    ------
    ImageInputError
        If shape or dtype is none of these.
    """
    if "PIL.Image" in sys.modules and isinstance(image, sys.modules["PIL.Image"].Image):
        from .pillow import pillow_to_array  # it may hold a palette, EXIF, ...

        image = pillow_to_array(image)
    array = np.asarray(image)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4 or 0 in array.shape:
        message = (
            f"an image has shape (H, W) or (H, W, 1..4) with at least one pixel, not {array.shape}"
        )
        raise ImageInputError(message)
    if max(array.shape[:2]) > MAX_SIDE:
        message = f"no side may exceed {MAX_SIDE} pixels; this image is {array.shape[:2]}"
        raise ImageInputError(message)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype.kind == "u" and array.dtype.itemsize == 2:
        warnings.warn("16-bit samples are rounded to 8 bits", UserWarning, stacklevel=3)
        # 257 * 255 = 65535, so this rounds to the nearest eight-bit sample.
        array = ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif array.dtype != np.uint8:
        message = (
            f"samples must be uint8 (or uint16, bool), not {array.dtype}; "
            "scale to 0..255 and convert with .astype(np.uint8)"
        )
        raise ImageInputError(message)
    return np.ascontiguousarray(array)


def without_alpha(image: Any) -> Any:
    """Leave the alpha plane out of an (H, W, 1 to 4) image."""
    return image[:, :, : image.shape[2] - (image.shape[2] in (2, 4))]


def as_colour(image: Image) -> Image:
    """Bring (H, W) or (H, W, 1 to 4) to (H, W, 3), a view: grey is repeated, alpha left out."""
    solid = without_alpha(image[:, :, None] if image.ndim == 2 else image)
    return np.broadcast_to(solid, (*solid.shape[:2], 3))
