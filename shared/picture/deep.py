"""Colour of 16 bits a sample, which Pillow cuts to eight: its low bytes, and rounding.

Pillow has no mode for such pictures, but decoders for either byte of a sample: it unpacks the high
one if told the file's order of bytes, and the low one if told the other order. So the file is
decoded twice.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from ..errors import ImageInputError

_DEEP = re.compile(r"^(\w+);16([BLN])$")
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_TIFF_BITS, _TIFF_PLANES = 258, 284


def _layouts(image: ImageFile.ImageFile) -> list[str]:
    """How the samples lie in the file, for each of its parts; empty once they are loaded."""
    found = (tile[3] for tile in image.tile)
    return [str(args[0] if isinstance(args, tuple) else args) for args in found]


def is_deep(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has 16-bit samples of which Pillow drops half.

    Raises
    ------
    ImageInputError
        If Pillow would mistake bytes for samples (TIFF, 16 bits, separate planes, uncompressed).
    """
    if not isinstance(image, ImageFile.ImageFile) or image.mode.startswith(("I", "F")):
        return False
    layouts = _layouts(image)
    if any(_DEEP.match(layout) for layout in layouts):
        return True
    bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS, ())
    if layouts and 16 in (bits if isinstance(bits, tuple) else (bits,)):
        message = "16-bit samples in separate planes are not supported; store them interleaved"
        raise ImageInputError(message)
    return False


def round_in_place(image: ImageFile.ImageFile, again: Callable[[], ImageFile.ImageFile]) -> bool:
    """Round the samples of a deep image to eight bits, where Pillow can be made to give them.

    Parameters
    ----------
    image : ImageFile
        For which `is_deep` holds; is loaded and changed.
    again : callable
        Opens the same file once more.

    Returns
    -------
    bool
        Whether they were rounded; else they are cut off, which is Pillow's way.
    """
    layouts = _layouts(image)
    match = _DEEP.match(layouts[0])
    planes = getattr(image, "tag_v2", {}).get(_TIFF_PLANES, 1)
    if match is None or len(set(layouts)) > 1 or planes != 1:
        return False
    base, order = match.groups()
    # Grey with alpha has as many bits as four bytes, and is shown as RGBA by Pillow.
    pairs = base == "LA" and image.mode == "RGBA"
    if base != image.mode and not pairs:
        return False
    image.load()
    low = _unpacked(again(), "RGBA" if pairs else f"{base};16{_OTHER[order]}")
    if pairs:
        grey, alpha = (low[..., k].astype(np.uint16) << 8 | low[..., k + 1] for k in (0, 2))
        wide = np.stack([grey, grey, grey, alpha], -1)
    else:
        wide = np.asarray(image).astype(np.uint16) << 8 | low
    # 257 * 255 = 65535: the nearest eight-bit sample.
    image.paste(
        Image.fromarray(((wide.astype(np.uint32) + 128) // 257).astype(np.uint8), image.mode)
    )
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and wide.shape[2] == 3:
        # One colour is transparent, of 16 bits like all others; rounded, others may look like it.
        del image.info["transparency"]
        solid = (wide != np.array(clear, np.uint16)).any(axis=2)
        image.putalpha(Image.fromarray(solid.astype(np.uint8) * 255))
    return True


def _unpacked(image: ImageFile.ImageFile, layout: str) -> npt.NDArray[np.uint8]:
    """Decode an image as if its samples lay in another way."""
    image.tile = [
        tile._replace(args=(layout, *tile[3][1:]) if isinstance(tile[3], tuple) else layout)
        for tile in image.tile
    ]
    return np.asarray(image)
