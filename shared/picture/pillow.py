"""Pillow images of any mode to arrays, and decoded pixels to Pillow images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ..errors import ImageInputError

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Modes by the number of channels."""
_CHANNELS = {mode: channels for channels, mode in MODES.items()}
# Modes that Pillow converts without loss of meaning to one of ours.
_CONVERT = {
    "1": "L",
    "La": "LA",
    "PA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
}


def pillow_to_array(image: Image.Image) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Bring a Pillow image of any mode to samples that `raster.as_raster` accepts.

    The EXIF orientation is applied; of an animation the frame that `image` stands at is
    taken. Palettes become RGB, a transparent colour becomes an alpha channel.

    Parameters
    ----------
    image : PIL.Image.Image

    Returns
    -------
    ndarray
        (H, W) grey, or (H, W, C) with C = 2 grey and alpha, 3 RGB, 4 RGBA; uint8, or
        uint16 for 16-bit grey.

    Raises
    ------
    ImageInputError
        If the mode has no eight-bit meaning (floating point, 32-bit integers beyond 65535).
    """
    image = ImageOps.exif_transpose(image)
    mode = image.mode
    if mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if mode == "I":
        wide = np.asarray(image)
        if wide.min() < 0 or wide.max() > 65535:
            message = "32-bit integer samples have no known range; scale the image to 8 or 16 bits"
            raise ImageInputError(message)
        return wide.astype(np.uint16)
    if "transparency" in image.info and mode in {"1", "L", "P", "RGB"}:
        image = image.convert("RGBA" if mode in {"P", "RGB"} else "LA")
    elif mode == "P":
        image = image.convert("RGB")
    elif mode in _CONVERT:
        image = image.convert(_CONVERT[mode])
    elif mode not in _CHANNELS:
        message = f"images of mode {mode!r} are not supported; convert to 8-bit grey or RGB first"
        raise ImageInputError(message)
    return np.asarray(image)


def array_to_pillow(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    """Make a Pillow image of decoded pixels, (H, W) or (H, W, C) uint8."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(pixels))
