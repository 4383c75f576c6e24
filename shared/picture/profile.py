"""Colour profiles (ICC): samples of any colour space that Pillow reads, brought to sRGB.

References
----------
ICC.1:2022 (profile format); IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

_SPACES = {"RGB": ("RGB",), "L": ("GRAY", "RGB"), "CMYK": ("CMYK",)}
"""Colour spaces of a profile that fits samples of a mode. Grey files often carry one for RGB."""
_LATTICE = 17


class _UnfitError(Exception):
    """A profile for other samples than those beside it."""


def to_srgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Bring samples with a colour profile to sRGB.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode L, LA, RGB, RGBA or CMYK; the profile is ``info["icc_profile"]``. Without one the
        image is returned as it is.

    Returns
    -------
    PIL.Image.Image
        In the same mode, CMYK as RGB. Where a profile is of sRGB up to rounding, and where it
        cannot be used, the very same image.
    str
        What was lost, to stand behind the image's name; empty if nothing was.
    """
    data = image.info.get("icc_profile")
    if not data:
        return image, ""
    mode = {"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode)
    try:
        transform, taken = _transform(data, mode)
        if transform is None:
            return image, ""
        solid = image if image.mode == taken else image.convert(taken)
        found = _applied(transform, solid)
    except _UnfitError as error:
        return image, f"has a colour profile for {error}; its samples are taken as sRGB"
    # PyCMSError, OSError, TypeError, ValueError, and ImportError where Pillow lacks Little CMS:
    # whatever a profile holds, the picture can be read without it.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return image, f"has a colour profile of no use ({reason}); its samples are taken as sRGB"
    if mode == "L":
        found = found.getchannel("G")
    if image.mode in {"LA", "RGBA"}:
        found.putalpha(image.getchannel("A"))
    return found, ""


def _transform(data: bytes, mode: str) -> tuple[Any, str]:
    """Build the transform to sRGB, None if it would change nothing, and the mode it takes."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    space = profile.profile.xcolor_space.strip()
    if space not in _SPACES[mode]:
        raise _UnfitError(space)
    taken = "RGB" if space == "RGB" else mode
    # Optimized, Little CMS draws a curve of grey through few points: 9 off in dark linear ones.
    flags = ImageCms.Flags.NOOPTIMIZE if taken == "L" else ImageCms.Flags.NONE
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(profile, srgb, taken, "RGB", flags=flags)
    return (None if _is_srgb(transform, taken) else transform), taken


def _applied(transform: Any, image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    found = ImageCms.applyTransform(image, transform)
    assert found is not None  # It is only where the image itself is changed.
    return found


def _is_srgb(transform: Any, mode: str) -> bool:
    """Whether a transform moves no sample by more than rounding does."""
    if mode == "CMYK":
        return False
    if mode == "L":
        samples = np.arange(256, dtype=np.uint8)[None]
    else:
        steps = np.linspace(0, 255, _LATTICE).round().astype(np.uint8)
        samples = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(_LATTICE, -1, 3)
    moved = np.asarray(_applied(transform, Image.fromarray(samples))).astype(np.int16)
    return bool(np.abs(moved - samples.reshape(*samples.shape[:2], -1)).max() <= 1)
