"""A picture in a packet: the best of our formats at some hundred bytes, and as a data URI."""

from __future__ import annotations

import base64
import operator
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from .. import container
from ..encoding import MAX_FILE, AnyScale
from ..errors import BudgetError, FractourError
from ..picture.invisible import without_invisible
from ..picture.raster import Image, as_raster
from ..pillow_plugin import MIME
from ..registry import get_codec

CODECS = ("tiles", "wavelet")
"""What is tried where nothing is named: the two that take a fraction of a second. On training
pictures `tiles` is nearly always the better below 500 bytes, `wavelet` on smooth ones."""
THOROUGH = ("contour",)
"""What is tried too where an effort of `_THOROUGH` allows one to three seconds. On training
photographs the best of the three is 0.3 dB nearer than `tiles` at 64 and 150 bytes."""
_THOROUGH = 7
BUDGET = 200
"""Bytes: what a packet of the common radio networks holds."""


def usual_codecs(effort: int) -> tuple[str, ...]:
    """Names of the formats that are tried where none is named."""
    return CODECS + (THOROUGH if effort >= _THOROUGH else ())


def placeholder(
    image: npt.ArrayLike,
    budget: int = BUDGET,
    *,
    codecs: Sequence[str] | None = None,
    compact: bool = True,
    effort: int = 5,
) -> bytes:
    """Encode an image into at most `budget` bytes, by whichever format shows it best.

    The format is the one whose decoded picture has the least squared error at full size.

    Parameters
    ----------
    image : array_like or PIL.Image.Image
        As for `fractour.encode`.
    budget : int
        Bytes of the whole file, headers included.
    codecs : sequence of str, optional
        Names of the formats that are tried; ``tiles`` and ``wavelet`` by default, from effort 7
        up ``contour`` too. With that photographs gain some tenths of a decibel and drawings one
        to three, for seconds of encoding.
    compact : bool
        Leave out the checksum of two bytes: pages, databases and packets, which carry
        placeholders, have checksums of their own. Damage cannot be told then.
    effort : int
        1 (fast) to 9 (thorough).

    Returns
    -------
    bytes
        A ``.frc`` file; `fractour.decode` gives the picture at the size of `image`, and with
        ``reduce=`` a small one.

    Raises
    ------
    BudgetError
        If no file that small exists; names the smallest that does.
    TypeError
        If `budget` or `effort` is no integer of any kind.
    FractourError
        If there is no codec, or `effort` is not 1 to 9.
    UnknownCodecError, ImageInputError
        If the other arguments make no sense.
    """
    limit, effort = operator.index(budget), operator.index(effort)
    if limit < 1:
        message = f"a placeholder has at least one byte, not {limit}; 12 hold any flat picture"
        raise BudgetError(message)
    if not 1 <= effort <= 9:
        message = f"effort must be 1 to 9, not {effort}"
        raise FractourError(message)
    tried = [get_codec(name) for name in (usual_codecs(effort) if codecs is None else codecs)]
    if not tried:
        message = "name at least one codec, such as codecs=('tiles',)"
        raise FractourError(message)
    raster = without_invisible(as_raster(image))
    smaller: dict[int, Image] = {}
    files: list[tuple[float, bytes]] = []
    errors: list[BudgetError] = []
    for codec in tried:
        encoding = AnyScale(codec, raster, compact=compact, smaller=smaller, effort=effort)
        try:
            data = encoding.file(limit).data
        except BudgetError as error:
            errors.append(error)
        else:
            files.append((encoding.error(encoding.picture(data)), data))
    if not files:
        raise min(errors, key=lambda error: error.smallest or MAX_FILE)
    return min(files, key=lambda one: one[0])[1]


def data_uri(image: Any, budget: int = BUDGET, **how: Any) -> str:
    """Write a placeholder, or any file of this package, as a data URI.

    Parameters
    ----------
    image : array_like or PIL.Image.Image or bytes
        A picture, or the bytes of a ``.frc`` file, which stay as they are.
    budget : int
        Of the file that is made of a picture; in the URI three bytes take four characters.
    **how
        What `placeholder` takes besides.

    Returns
    -------
    str
        ``data:image/x-fractour;base64,...``, the type that `fractour.register_pillow`
        registers too. Browsers know it only where a script decodes it.

    Raises
    ------
    FractourError
        As `placeholder`; a `BitstreamError` if the bytes are no such file.

    References
    ----------
    RFC 2397.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        data = bytes(image)
        # Its header and checksum alone: a page may hold files of formats that are not installed.
        container.unpack(data, max_pixels=MAX_FILE)
    else:
        data = placeholder(image, budget, **how)
    return f"data:{MIME};base64,{base64.b64encode(data).decode('ascii')}"
