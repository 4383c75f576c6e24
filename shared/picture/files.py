"""Image files of any kind that Pillow knows, as eight-bit samples."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ..errors import FractourError, ImageInputError
from .deep import is_deep, round_in_place
from .pillow import CUT_TO_EIGHT, Samples, samples_of
from .raster import as_raster

_ROUNDED = "has 16-bit samples; they are rounded to 8 bits"


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
        If something of the file is left out: further frames, bits beyond eight, a colour
        profile of no use (samples with one are brought to sRGB).
    """
    try:
        samples, losses = _opened(source)
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
    if samples.dtype == np.uint16:
        losses.append(_ROUNDED)
    for loss in losses:
        warnings.warn(f"{name} {loss}", stacklevel=2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="16-bit samples")
        raster = as_raster(samples)
    return raster[:, :, 0] if raster.shape[2] == 1 else raster


def _opened(source: Any) -> tuple[Samples, list[str]]:
    """Read samples, and say what was left out, see `samples_of`."""
    losses: list[str] = []

    def again() -> Any:
        if hasattr(source, "seek"):
            source.seek(0)
        return Image.open(source)

    with Image.open(source) as image:
        # An MPO is a photograph with its own preview behind it, not an animation.
        frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
        if frames > 1:
            losses.append(f"holds {frames} frames; only the first is used")
        if is_deep(image):
            losses.append(_ROUNDED if round_in_place(image, again) else CUT_TO_EIGHT)
        samples, more = samples_of(image)
    return samples, losses + more
