"""Commands between pictures and files: encode, decode. Heavy modules load on use."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import (
    Effort,
    Encoder,
    Force,
    Json,
    MaxPixels,
    among,
    complete_codec,
    parse_budget,
)
from .output import (
    STDIO,
    UsageError,
    about,
    check_target,
    compiling,
    kinds_in_words,
    progress,
    read_bytes,
    say,
    write_bytes,
)
from .several import each, outputs

if TYPE_CHECKING:
    from PIL import Image as PILImage

    from ...shared.budget import Budget
    from ...shared.fitting import Fitted


def _budget(
    given: str | None,
    size: int | None,
    bpp: float | None,
    ratio: float | None,
    error: float | None,
) -> Budget:
    from ...shared.budget import Budget
    from ...shared.errors import BudgetError

    if sum(x is not None for x in (given, size, bpp, ratio, error)) != 1:
        message = "give exactly one budget: --budget N, Xbpp or R:1, or --target ERROR"
        raise UsageError(message)
    try:
        if given is not None:
            return parse_budget(given)
        return Budget(bytes=size, bpp=bpp, ratio=ratio, target=error)
    except BudgetError as wrong:
        raise UsageError(str(wrong)) from wrong


def chosen_codec(name: str, encoder: str, rank: str | None) -> str:
    """Check what was chosen by name before any work; return the ranking rule."""
    from ...shared.budget import DEFAULT_RANK, RANKS
    from ...shared.errors import UnknownCodecError
    from ...shared.registry import get_codec

    try:
        encoders = get_codec(name).encoders
    except UnknownCodecError as error:
        raise UsageError(str(error)) from error
    if encoder not in encoders:
        message = f"codec {name!r} has no encoder {encoder!r}; it has {', '.join(encoders)}"
        raise UsageError(message)
    if rank is not None and rank not in RANKS:
        message = f"unknown ranking rule {rank!r}; there is {', '.join(RANKS)}"
        raise UsageError(message)
    return rank or DEFAULT_RANK


def no_report_beside_data(target: str, as_json: bool) -> None:
    """Refuse a JSON document and a file on the same stdout."""
    if as_json and target == STDIO:
        message = "--json and output to stdout (-) exclude each other"
        raise UsageError(message)


def encode(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="IN", help="Image files or globs, or - for stdin."),
    ],
    target: Annotated[
        str,
        typer.Argument(metavar="OUT", help=".frc file, a folder for several, or - for stdout."),
    ],
    codec: Annotated[
        str,
        typer.Option(metavar="NAME", autocompletion=complete_codec, help="See fractour codecs."),
    ] = "wavelet",
    given: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="N|Xbpp|R:1",
            help="Bytes of the whole file, bits per pixel, or times smaller than 8-bit samples.",
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--bytes", metavar="N", help="The same as --budget N.")
    ] = None,
    bpp: Annotated[
        float | None, typer.Option(metavar="X", help="The same as --budget Xbpp.")
    ] = None,
    ratio: Annotated[
        float | None, typer.Option(metavar="R", help="The same as --budget R:1.")
    ] = None,
    error: Annotated[
        float | None,
        typer.Option("--target", metavar="ERROR", help="Smallest file with this smart error."),
    ] = None,
    encoder: Encoder = "search",
    effort: Effort = 5,
    rank: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Order of elements: contrast (default), energy, rd, order.",
            autocompletion=among("contrast", "energy", "rd", "order"),
        ),
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="No checksum: what carries the file has one.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Encode pictures into a budget, or for a target error.

    The error of --target is the smart error, which judges as an eye does: a line that moved a
    little costs little, a line that is lost or invented costs in full. 0 is an equal picture,
    1 to 2 one that is lost.
    """
    no_report_beside_data(target, as_json)
    budget = _budget(given, size, bpp, ratio, error)
    rule = chosen_codec(codec, encoder, rank)
    pairs = outputs(sources, target, ".frc")
    choices = {
        "codec": codec,
        "encoder": encoder,
        "effort": effort,
        "rank": rule,
        "compact": compact,
    }
    each(
        pairs,
        lambda source, out: _encode_one(source, out, budget, choices, force, quiet=as_json),
        as_json=as_json,
    )


def _encode_one(
    source: str, target: str, budget: Budget, choices: dict[str, Any], force: bool, *, quiet: bool
) -> dict[str, Any]:
    check_target(target, force=force)
    from ...shared.api import MAX_PIXELS, info
    from ...shared.api import encode as encode_pixels
    from ...shared.codec import Geometry
    from ...shared.network.weights import encoder_at_hand

    pixels = read_picture(source)
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else int(pixels.shape[2])
    if height * width > MAX_PIXELS:
        say(f"warning: decoding {width} x {height} pixels will need --max-pixels")
    files: list[Fitted] = []
    started = time.perf_counter()
    with progress(f"encoding {source}") as update, compiling(update) as spent:
        data = encode_pixels(
            pixels,
            budget=budget,
            **choices,
            progress=update,
            report=files.append,
        )
    seconds = time.perf_counter() - started - spent.seconds
    write_bytes(target, data, force=force)
    error = budget.target
    reached = None if error is None else _smart_error(pixels, data)
    kinds = info(data, max_pixels=height * width)["kinds"]
    limit = None if error else budget.limit(Geometry(height, width, channels))
    report = {
        "input": source,
        "output": target,
        **choices,
        # The one that made the file, which need not be the one that was asked for.
        "encoder": encoder_at_hand(choices["encoder"]),
        "width": width,
        "height": height,
        "channels": channels,
        "budget_bytes": limit,
        "target": error,
        "smart_error": reached,
        "bytes": len(data),
        "bpp": 8 * len(data) / (width * height),
        "candidates": files[0].candidates,
        "survivors": files[0].survivors,
        "kinds": kinds,
        "seconds": round(seconds, 4),
        "compile_seconds": round(spent.seconds, 4),
    }
    if not quiet:
        share = (
            f" of {limit} bytes ({100 * len(data) / limit:.1f} %)"
            if limit
            else f" bytes, smart error {reached:.4f} of {error:g}"
        )
        say(
            f"{called(target)}: {len(data)}{share}, "
            f"{report['bpp']:.4f} bpp, {width} x {height} x {channels}, {choices['codec']}, "
            f"{files[0].survivors} of {files[0].candidates} candidates"
            f"{kinds_in_words(kinds)}, {seconds:.2f} s"
        )
    return report


def _smart_error(pixels: Any, data: bytes) -> float:
    """Smart error that a file reaches."""
    from ...shared.api import decode as decode_bytes
    from ...shared.error.smart_error import smart_error
    from ...shared.picture.invisible import as_seen

    return float(smart_error(*as_seen(pixels, decode_bytes(data))))


def called(target: str) -> str:
    """Name of an output, for messages."""
    return "stdout" if target == STDIO else target


def read_picture(source: str) -> Any:
    """Read the pixels of a picture that is not yet a fractour file."""
    from ...shared.container import is_frame
    from ...shared.errors import ImageInputError
    from ...shared.picture.files import read_image

    name = "stdin" if source == STDIO else source
    data = read_bytes(source)
    if is_frame(data):
        message = f"{name} is already a fractour file; make it smaller with trim, or decode it"
        raise ImageInputError(message)
    return read_image(io.BytesIO(data), name)


_COMMON_ENDINGS = (".png", ".jpg", ".webp", ".avif", ".jp2", ".tif", ".bmp", ".gif", ".ppm")
# What Pillow is told for formats that would otherwise lose what was decoded.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 95, "subsampling": 0},
    "JPEG2000": {"irreversible": False},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


def _picture_format(target: str) -> str:
    """Name the Pillow format of an output file.

    Raises
    ------
    UsageError
        If the ending is none that Pillow writes.
    """
    if target == STDIO:
        return "PNG"
    from PIL import Image

    writable = {
        ending: name
        for ending, name in Image.registered_extensions().items()
        if name in Image.SAVE and name not in {"FRACTOUR", "PDF"}
    }
    ending = Path(target).suffix.lower()
    if ending not in writable:
        common = " ".join(name for name in _COMMON_ENDINGS if name in writable)
        message = (
            f"unknown picture ending {ending or '(none)'!r} of {target}; take one of {common} "
            "or another that Pillow writes"
        )
        raise UsageError(message)
    return writable[ending]


def _picture_bytes(picture: PILImage.Image, kind: str, target: str) -> bytes:
    file = io.BytesIO()
    try:
        picture.save(file, kind, **_SAVE_OPTIONS.get(kind, {}))
    except (OSError, ValueError, KeyError) as error:
        message = f"{kind} cannot hold a picture of mode {picture.mode} ({target}); use .png"
        raise UsageError(message) from error
    return file.getvalue()


def decode(
    sources: Annotated[
        list[str], typer.Argument(metavar="IN", help=".frc files or globs, or - for stdin.")
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="Picture, its ending says the format; a folder for several; - is PNG.",
        ),
    ],
    ending: Annotated[
        str, typer.Option("--format", metavar="ENDING", help="Of the pictures in a folder.")
    ] = "png",
    backend: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="numpy or cupy; the pixels are the same.",
            autocompletion=among("numpy", "cupy"),
        ),
    ] = "numpy",
    scale: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Render so many times larger, for formats that know no pixels (pifs: 2 or 4). "
            "What a larger picture adds is invented detail.",
        ),
    ] = 1,
    reduce: Annotated[
        int,
        typer.Option(metavar="2|4|8", help="The small picture: sides divided by this, rounded up."),
    ] = 1,
    partial: Annotated[
        bool, typer.Option("--partial", help="Decode what a truncated file still holds.")
    ] = False,
    max_pixels: MaxPixels = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Decode .frc files to pictures."""
    no_report_beside_data(target, as_json)
    if backend not in {"numpy", "cupy"}:
        message = f"unknown backend {backend!r}; there is numpy and cupy"
        raise UsageError(message)
    if reduce not in (1, 2, 4, 8) or (reduce > 1 and scale > 1):
        message = "--reduce is 2, 4 or 8, and not joined with --scale"
        raise UsageError(message)
    pairs = outputs(sources, target, f".{ending.removeprefix('.')}")
    options = {"backend": backend, "scale": scale, "reduce": reduce, "allow_truncated": partial}
    if max_pixels is not None:
        options["max_pixels"] = max_pixels
    each(
        pairs,
        lambda source, out: _decode_one(source, out, options, force, quiet=as_json),
        as_json=as_json,
    )


def _decode_one(
    source: str, target: str, options: dict[str, Any], force: bool, *, quiet: bool
) -> dict[str, Any]:
    kind = _picture_format(target)
    check_target(target, force=force)
    data = read_bytes(source)
    from ...shared.api import decode as decode_bytes
    from ...shared.picture.pillow import array_to_pillow

    started = time.perf_counter()
    with about(source), progress(f"decoding {source}") as update, compiling(update) as spent:
        pixels = decode_bytes(data, **options)
    seconds = time.perf_counter() - started - spent.seconds
    write_bytes(target, _picture_bytes(array_to_pillow(pixels), kind, target), force=force)
    height, width = pixels.shape[:2]
    report = {
        "input": source,
        "output": target,
        "format": kind,
        "backend": options["backend"],
        "width": width,
        "height": height,
        "channels": 1 if pixels.ndim == 2 else int(pixels.shape[2]),
        "bytes": len(data),
        "seconds": round(seconds, 4),
        "compile_seconds": round(spent.seconds, 4),
    }
    if not quiet and (target != STDIO or sys.stderr.isatty()):
        say(f"{called(target)}: {width} x {height}, {kind}, {seconds:.2f} s")
    return report
