"""encode, decode, info, show, trim: the whole path of an image in a few functions."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import container
from .backend import get_array_module, is_numpy, to_numpy
from .budget import DEFAULT_RANK, Budget
from .codec import Geometry, Image, Progress
from .encoding import AnyScale
from .errors import BudgetError, FractourError, TruncatedError
from .fitting import Fitted
from .network.weights import encoder_at_hand
from .picture.invisible import without_invisible
from .picture.raster import as_raster
from .picture.scaling import averaged, enlarged
from .registry import codec_by_number, get_codec

MAX_PIXELS = 64_000_000


def encode(
    image: npt.ArrayLike,
    *,
    codec: str = "wavelet",
    budget: int | Budget | None = None,
    target: float | None = None,
    encoder: str = "search",
    effort: int = 5,
    rank: str = DEFAULT_RANK,
    compact: bool = False,
    progress: Progress | None = None,
    report: Callable[[Fitted], None] | None = None,
) -> bytes:
    """Encode an image into at most the budgeted bytes, or into the fewest for a target error.

    Parameters
    ----------
    image : array_like or PIL.Image.Image
        (H, W) or (H, W, C) with C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; uint8.
        uint16 is rounded to eight bits with a warning. Colours under zero alpha are not kept.
    codec : str
        Name of an installed target format, see ``fractour codecs``.
    budget : int or Budget
        Bytes of the whole file, headers included, or a `Budget`; 4096 by default.
    target : float, optional
        Instead of a budget: the smart error (`shared.error.smart_error`) that the decoded picture
        may have at most; the smallest file that keeps it is written.
    encoder : {"search", "masked", "network", "network+refine"}
        Way to fill the format; the codec says which it has. Without torch, networks are
        replaced by the search, with a warning.
    effort : int
        1 (fast) to 9 (thorough).
    rank : str
        Rule that orders the candidate elements, see `shared.budget.RANKS`.
    compact : bool
        Leave out the checksum, where what carries the file has one.
    progress : callable, optional
        Called with the fraction done, 0 to 1.
    report : callable, optional
        Called with the file and the numbers of candidates and survivors.

    Returns
    -------
    bytes
        A ``.frc`` file.

    Raises
    ------
    BudgetError
        If no file that small exists; names the smallest possible size. If the target error
        cannot be reached; names the best that was.
    UnknownCodecError, ImageInputError
        If the arguments make no sense.
    TypeError
        If `budget` or `effort` is no integer of any kind (nor a `Budget`).
    """
    raster = as_raster(image)
    height, width, channels = raster.shape
    geometry = Geometry(height, width, channels)
    if budget is not None and target is not None:
        message = "give a budget or a target error, not both"
        raise BudgetError(message)
    if budget is None:
        budget = Budget(bytes=4096) if target is None else Budget(target=target)
    elif not isinstance(budget, Budget):
        budget = Budget(bytes=operator.index(budget))
    effort = operator.index(effort)
    limit = None if budget.target is not None else budget.limit(geometry)
    chosen = get_codec(codec)
    if encoder not in chosen.encoders:
        message = f"codec {codec!r} has no encoder {encoder!r}; it has {', '.join(chosen.encoders)}"
        raise FractourError(message)
    if encoder_at_hand(encoder) != encoder:
        warnings.warn(
            f"encoder {encoder!r} needs torch, which is not installed; encoding by search "
            "(pip install 'fractour[neural]')",
            stacklevel=2,
        )
        encoder = encoder_at_hand(encoder)
    if not 1 <= effort <= 9:
        message = f"effort must be 1 to 9, not {effort}"
        raise FractourError(message)
    encoding = AnyScale(
        chosen,
        without_invisible(raster),
        compact=compact,
        encoder=encoder,
        effort=effort,
        rank=rank,
        progress=None if budget.target is not None else progress,
    )
    if budget.target is not None:
        from .target import smallest_file

        file = smallest_file(encoding, budget.target, progress=progress)
    else:
        assert limit is not None
        file = encoding.file(limit)
    if report is not None:
        report(file)
    return file.data


def _octets(data: Any) -> bytes:
    # bytes(5) would be five zeros; a number or a path is a mistake of the caller.
    return bytes(memoryview(data))


def _read(
    data: bytes, *, max_pixels: int, allow_truncated: bool, allow_damaged: bool = False
) -> tuple[container.Frame, Any, Any]:
    frame = container.unpack(
        _octets(data), max_pixels=operator.index(max_pixels), allow_damaged=allow_damaged
    )
    if frame.cut and not allow_truncated:
        message = (
            f"the file ends inside packet {len(frame.packets)} of {frame.declared_packets}; "
            "decode what is there with allow_truncated=True (--partial), or cut with trim"
        )
        raise TruncatedError(message)
    codec = codec_by_number(frame.codec_number, frame.version)
    packets = frame.packets
    if frame.cut and not codec.embedded:
        packets = packets[:-1]
    if not packets:
        message = "the file ends before its first packet; nothing can be decoded"
        raise TruncatedError(message)
    return frame, codec, codec.read(frame.coded, packets, complete=frame.complete)


def shown(frame: container.Frame, small: Any, xp: Any, *, scale: int = 1, reduce: int = 1) -> Any:
    """Enlarge what a codec has synthesized, as far as is asked."""
    geometry, left = frame.geometry, frame.header.reduction - (reduce.bit_length() - 1)
    if left < 0:
        return averaged(small, 1 << -left, xp)
    height, width = (-(-side * scale // reduce) for side in (geometry.height, geometry.width))
    if left == 0 or not is_numpy(xp):
        return enlarged(small, height, width, left, xp)
    # A channel at a time: what lies between is of 32 bits a sample, several times over.
    out = np.empty((height, width, small.shape[2]), np.uint8)
    for channel in range(small.shape[2]):
        plane = small[:, :, channel : channel + 1]
        out[:, :, channel : channel + 1] = enlarged(plane, height, width, left, xp)
    return out


def parse(
    data: bytes, *, scale: int = 1, max_pixels: int = MAX_PIXELS, allow_truncated: bool = False
) -> tuple[container.Frame, Any, Any]:
    """Read a file as far as its integers: frame, codec and symbols, see `decode`."""
    found = _read(
        data,
        max_pixels=max_pixels // (scale * scale),
        allow_truncated=allow_truncated,
        allow_damaged=allow_truncated,
    )
    codec = found[1]
    if scale != 1 and not codec.scalable:
        message = f"codec {codec.name!r} has a fixed resolution; decode at scale 1 and resize"
        raise FractourError(message)
    return found


def decode(
    data: bytes,
    *,
    backend: str = "numpy",
    scale: int = 1,
    reduce: int = 1,
    max_pixels: int = MAX_PIXELS,
    allow_truncated: bool = False,
) -> Image:
    """Decode a ``.frc`` file.

    Parameters
    ----------
    data : bytes
        The file. One that was cut exactly after a packet is a valid, smaller file.
    backend : {"numpy", "cupy"}
        Where the pixels are computed; they are the same to the bit.
    scale : int
        Render at a multiple of the size, for formats that know no pixels.
    reduce : {1, 2, 4, 8}
        Give the small picture, sides divided by this and rounded up. Quick where the file holds
        one as small; otherwise blocks of pixels are averaged.
    max_pixels : int
        Refuse larger pictures, checked before memory is taken.
    allow_truncated : bool
        Decode what a file cut inside a packet still holds. Cut inside its last packet it cannot
        be told from a damaged one: it is decoded with a warning.

    Returns
    -------
    ndarray
        (H, W) for grey, else (H, W, C), uint8.

    Raises
    ------
    BitstreamError
        For any bytes that are not a valid file.
    ImageTooLargeError, UnknownCodecError, BackendUnavailableError
        As their names say.
    """
    xp = get_array_module(backend)
    scale = operator.index(scale)
    if scale < 1:
        message = f"scale must be a positive integer, not {scale}"
        raise FractourError(message)
    if reduce not in (1, 2, 4, 8) or (reduce > 1 and scale > 1):
        message = f"reduce must be 1, 2, 4 or 8, and not be joined with scale, not {reduce}"
        raise FractourError(message)
    frame, codec, symbols = parse(
        data, scale=scale, max_pixels=max_pixels, allow_truncated=allow_truncated
    )
    small = codec.synthesize(symbols, xp=xp, scale=scale)
    pixels: Image = to_numpy(shown(frame, small, xp, scale=scale, reduce=reduce))
    return pixels[:, :, 0] if frame.geometry.channels == 1 else pixels


def info(data: bytes, *, max_pixels: int = MAX_PIXELS) -> dict[str, Any]:
    """Describe a ``.frc`` file.

    Returns
    -------
    dict
        JSON-serialisable: codec, version, width, height, channels, bytes, bpp, packets
        (their sizes), complete, trimmed, overhead_bytes, checksum_bytes (0: a compact
        file), reduction (by which sides were divided before they were coded), what the codec
        says more in numbers
        (facts), and bits by kind of element.
    """
    data = _octets(data)
    frame, codec, symbols = _read(data, max_pixels=max_pixels, allow_truncated=True)
    geometry = frame.geometry
    return {
        "codec": codec.name,
        "version": frame.version,
        "width": geometry.width,
        "height": geometry.height,
        "channels": geometry.channels,
        "bytes": len(data),
        "bpp": 8 * len(data) / geometry.pixels,
        "packets": [len(packet) for packet in frame.packets],
        "declared_packets": frame.declared_packets,
        "complete": frame.complete,
        "trimmed": frame.trimmed,
        "overhead_bytes": frame.overhead,
        "checksum_bytes": frame.header.checksum,
        "reduction": 1 << frame.header.reduction,
        "facts": codec.facts(symbols),
        "bits": {kind: round(bits, 1) for kind, bits in codec.bit_shares(symbols).items()},
        "kinds": {kind: round(bits, 1) for kind, bits in codec.kind_shares(symbols).items()},
    }


def show(
    data: bytes, *, max_pixels: int = MAX_PIXELS, allow_truncated: bool = False
) -> list[tuple[str, Image]]:
    """Explain a ``.frc`` file in pictures.

    Parameters
    ----------
    data, max_pixels, allow_truncated
        As for `decode`, whose exceptions these are too.

    Returns
    -------
    list of (str, (h, w, 3) uint8)
        Titles and pictures: the decoded one, then what the codec draws of itself.
    """
    from .picture.drawing import rgb

    frame, codec, symbols = _read(
        data,
        max_pixels=max_pixels,
        allow_truncated=allow_truncated,
        allow_damaged=allow_truncated,
    )
    pixels: Image = to_numpy(codec.synthesize(symbols, xp=get_array_module("numpy"), scale=1))
    whole = shown(frame, pixels, get_array_module("numpy"))
    return [("decoded", rgb(whole)), *codec.panels(symbols, pixels)]


def show_svg(data: bytes, *, max_pixels: int = MAX_PIXELS, allow_truncated: bool = False) -> str:
    """Explain a ``.frc`` file as a drawing of curves.

    Parameters
    ----------
    data, max_pixels, allow_truncated
        As for `decode`, whose exceptions these are too.

    Returns
    -------
    str
        An SVG document.

    Raises
    ------
    FractourError
        If the codec draws none.
    """
    _, codec, symbols = _read(
        data,
        max_pixels=max_pixels,
        allow_truncated=allow_truncated,
        allow_damaged=allow_truncated,
    )
    pixels: Image = to_numpy(codec.synthesize(symbols, xp=get_array_module("numpy"), scale=1))
    drawn: str | None = codec.svg(symbols, pixels)
    if drawn is None:
        message = f"codec {codec.name!r} draws no SVG; let the output end in .png"
        raise FractourError(message)
    return drawn


def trim(data: bytes, size: int) -> bytes:
    """Make a smaller file from a larger one without encoding again.

    Parameters
    ----------
    data : bytes
        A ``.frc`` file.
    size : int
        Bytes that the result may have at most.

    Raises
    ------
    BudgetError
        If not even the first packet fits; names the smallest possible size.
    """
    size = operator.index(size)
    data = _octets(data)
    frame, codec, _ = _read(data, max_pixels=MAX_PIXELS, allow_truncated=True)
    if len(data) <= size and frame.complete:
        return data
    return container.cut(frame, size, embedded=codec.embedded)
