"""Pillow at both ends: any Pillow image to an array, and ``.frc`` as a Pillow format.

Pillow never loads third-party plugins on its own, so the format is registered by a call:

>>> import fractour
>>> fractour.register_pillow()
>>> from PIL import Image
>>> "FRACTOUR" in Image.SAVE
True
"""

from __future__ import annotations

import warnings
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from .codec import Image as Raster
from .errors import FractourError, ImageInputError

FORMAT = "FRACTOUR"
EXTENSION = ".frc"
MIME = "image/x-fractour"

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_CHANNELS = {mode: channels for channels, mode in _MODES.items()}
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


def array_to_pillow(pixels: Raster) -> Image.Image:
    """Make a Pillow image of decoded pixels, (H, W) or (H, W, C) uint8."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(pixels))


def read_image(source: Any, name: str) -> npt.NDArray[np.uint8]:
    """Read any image file that Pillow knows, as eight-bit samples.

    Parameters
    ----------
    source : path or binary file
    name : str
        What messages call it.

    Returns
    -------
    ndarray
        (H, W) or (H, W, C) uint8.

    Raises
    ------
    ImageInputError
        If it is no image, is truncated or damaged, or is too large to open safely.

    Warns
    -----
    UserWarning
        If something of the file is left out: further frames, bits beyond eight.
    """
    from .raster import as_raster

    try:
        with Image.open(source) as image:
            # An MPO is a photograph with its own preview behind it, not an animation.
            frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
            samples = pillow_to_array(image)
    except FractourError as error:
        message = f"{name}: {error}"
        raise ImageInputError(message) from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        message = f"cannot read {name}: {error.strerror}"
        raise ImageInputError(message) from error
    except UnidentifiedImageError as error:
        message = f"{name} is not an image that Pillow can read"
        raise ImageInputError(message) from error
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        message = f"{name} declares more than {limit} pixels; refused as a decompression bomb"
        raise ImageInputError(message) from error
    except MemoryError:
        raise
    # Pillow's parsers raise nearly anything on damaged files: OSError, SyntaxError, ValueError,
    # EOFError, struct.error, zlib.error, IndexError ...
    except Exception as error:
        message = f"{name} cannot be read as an image: {error or type(error).__name__}"
        raise ImageInputError(message) from error
    if frames > 1:
        warnings.warn(f"{name} holds {frames} frames; only the first is used", stacklevel=2)
    with warnings.catch_warnings():
        if samples.dtype == np.uint16:
            warnings.filterwarnings("ignore", message="16-bit samples")
            warnings.warn(f"{name} has 16-bit samples; they are rounded to 8 bits", stacklevel=2)
        raster = as_raster(samples)
    return raster[:, :, 0] if raster.shape[2] == 1 else raster


class FractourImageFile(ImageFile.ImageFile):
    """A ``.frc`` file as Pillow sees it: the header at once, the pixels when asked for."""

    format = FORMAT
    format_description = "fractour"

    def _open(self) -> None:
        from . import container

        if self.fp is None:
            message = "no file"
            raise SyntaxError(message)
        data = self.fp.read()
        try:
            # No limit here: nothing is allocated yet, and Pillow applies its own to the size.
            frame = container.unpack(data, max_pixels=1 << 62)
        except FractourError as error:
            # What Pillow expects of a plugin that does not recognise a file.
            raise SyntaxError(str(error)) from error
        geometry = frame.geometry
        self._size = (geometry.width, geometry.height)
        self._mode = _MODES[geometry.channels]
        self._data: bytes | None = data
        self.tile = []

    def load(self) -> Any:
        """Decode the pixels, once."""
        data = getattr(self, "_data", None)
        if data is not None:
            from .api import decode

            try:
                pixels = decode(
                    data,
                    max_pixels=self.width * self.height,
                    allow_truncated=ImageFile.LOAD_TRUNCATED_IMAGES,
                )
            except FractourError as error:
                raise OSError(str(error)) from error
            self.im = array_to_pillow(pixels).im
            self._data = None
            if self.fp is not None and getattr(self, "_exclusive_fp", False):
                self.fp.close()
            self.fp = None
        return super().load()


def _accept(prefix: bytes) -> bool:
    from .container import MAGIC

    return prefix.startswith(MAGIC)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """Write with ``target_bytes=N`` or ``bpp=X``, and ``codec=``, ``encoder=``, ``effort=``."""
    from .api import encode
    from .budget import Budget

    options = image.encoderinfo
    target, bpp = options.get("target_bytes"), options.get("bpp")
    if (target is None) == (bpp is None):
        message = "saving as FRACTOUR needs exactly one of target_bytes= and bpp="
        raise ValueError(message)
    chosen = {key: options[key] for key in ("codec", "encoder", "effort") if key in options}
    budget = Budget(bytes=target) if bpp is None else Budget(bpp=bpp)
    try:
        file.write(encode(pillow_to_array(image), budget=budget, **chosen))
    except FractourError as error:
        raise OSError(str(error)) from error


def register_pillow() -> None:
    """Make Pillow open and save ``.frc`` files; calling it again changes nothing."""
    Image.register_open(FORMAT, FractourImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, EXTENSION)
    Image.register_mime(FORMAT, MIME)
