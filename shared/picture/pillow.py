"""Pillow images of any mode to arrays, and decoded pixels to Pillow images."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ..errors import ImageInputError
from .deep import is_deep
from .profile import to_srgb

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


CUT_TO_EIGHT = "has 16-bit samples; all but their upper 8 bits are left out"
Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def pillow_to_array(image: Image.Image) -> Samples:
    """Bring a Pillow image of any mode to samples that `raster.as_raster` accepts.

    The EXIF orientation is applied; of an animation the frame that `image` stands at is
    taken. Palettes become RGB, a transparent colour becomes an alpha channel, samples with a
    colour profile are brought to sRGB.

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

    Warns
    -----
    UserWarning
        If something is left out: a colour profile of no use, bits beyond eight of colour.
    """
    losses = [CUT_TO_EIGHT] if is_deep(image) else []
    samples, more = samples_of(image)
    for loss in losses + more:
        warnings.warn(f"the picture {loss}", stacklevel=2)
    return samples


def samples_of(image: Image.Image) -> tuple[Samples, list[str]]:
    """Do what `pillow_to_array` does, and say what was left out instead of warning of it.

    Returns
    -------
    ndarray
        See `pillow_to_array`.
    list of str
        To stand behind the image's name.
    """
    image = ImageOps.exif_transpose(image)
    mode, profile = image.mode, image.info.get("icc_profile")
    if mode.startswith("I;16"):
        return _wide_to_srgb(np.asarray(image).astype(np.uint16), profile)
    if mode == "I":
        wide = np.asarray(image)
        if wide.min() < 0 or wide.max() > 65535:
            message = "32-bit integer samples have no known range; scale the image to 8 or 16 bits"
            raise ImageInputError(message)
        return _wide_to_srgb(wide.astype(np.uint16), profile)
    if "transparency" in image.info and mode in {"1", "L", "P", "RGB"}:
        image = image.convert("RGBA" if mode in {"P", "RGB"} else "LA")
    elif mode == "P":
        image = image.convert("RGB")
    elif mode == "CMYK" and profile:
        pass  # The profile knows better than Pillow how inks look.
    elif mode in _CONVERT:
        image = image.convert(_CONVERT[mode])
    elif mode not in _CHANNELS:
        message = f"images of mode {mode!r} are not supported; convert to 8-bit grey or RGB first"
        raise ImageInputError(message)
    if profile:
        image.info["icc_profile"] = profile  # Which conversions drop.
    image, loss = to_srgb(image)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return np.asarray(image), [loss] if loss else []


def _wide_to_srgb(wide: npt.NDArray[np.uint16], profile: bytes | None) -> tuple[Samples, list[str]]:
    """Bring 16-bit grey to sRGB: the profile knows 256 greys, others lie between them."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    ramp.info["icc_profile"] = profile
    found, loss = to_srgb(ramp)
    if found is not ramp:
        greys = np.asarray(found)[0].astype(np.uint16) * 257
        wide = np.interp(wide, np.arange(256) * 257, greys).round().astype(np.uint16)
    return wide, [loss] if loss else []


def array_to_pillow(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    """Make a Pillow image of decoded pixels, (H, W) or (H, W, C) uint8."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(pixels))
