"""Commands on single files: encode, decode, info, trim. Heavy modules load on use."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Effort, Encoder, Force, Json, MaxPixels, complete_codec
from .output import (
    STDIO,
    UsageError,
    announce_compilation,
    check_target,
    print_json,
    print_table,
    progress,
    read_bytes,
    say,
    write_bytes,
)

if TYPE_CHECKING:
    from PIL import Image as PILImage

    from ...shared.budget import Budget
    from ...shared.fitting import Fitted


def _budget(
    size: int | None, bpp: float | None, ratio: float | None, error: float | None
) -> Budget:
    from ...shared.budget import Budget
    from ...shared.errors import BudgetError

    given = [x for x in (size, bpp, ratio, error) if x is not None]
    if len(given) != 1:
        message = "give exactly one budget: --bytes N, --bpp X, --ratio R or --target ERROR"
        raise UsageError(message)
    try:
        return Budget(bytes=size, bpp=bpp, ratio=ratio, target=error)
    except BudgetError as wrong:
        raise UsageError(str(wrong)) from wrong


def _chosen_codec(name: str, encoder: str, rank: str | None) -> str:
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


def _no_report_beside_data(target: str, as_json: bool) -> None:
    if as_json and target == STDIO:
        message = "--json and output to stdout (-) exclude each other"
        raise UsageError(message)


def encode(
    source: Annotated[str, typer.Argument(metavar="IN", help="Image file, or - for stdin.")],
    target: Annotated[str, typer.Argument(metavar="OUT", help=".frc file, or - for stdout.")],
    codec: Annotated[
        str,
        typer.Option(metavar="NAME", autocompletion=complete_codec, help="See fractour codecs."),
    ] = "wavelet",
    size: Annotated[
        int | None, typer.Option("--bytes", metavar="N", help="Budget: bytes of the whole file.")
    ] = None,
    bpp: Annotated[float | None, typer.Option(metavar="X", help="Budget: bits per pixel.")] = None,
    ratio: Annotated[
        float | None, typer.Option(metavar="R", help="Budget: times smaller than 8-bit samples.")
    ] = None,
    error: Annotated[
        float | None,
        typer.Option("--target", metavar="ERROR", help="Smallest file with this smart error."),
    ] = None,
    encoder: Encoder = "search",
    effort: Effort = 5,
    rank: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="Order of elements: contrast (default), energy, rd ..."),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Encode an image into at most the bytes of the budget, or the fewest for a target error."""
    _no_report_beside_data(target, as_json)
    budget = _budget(size, bpp, ratio, error)
    check_target(target, force=force)
    rule = _chosen_codec(codec, encoder, rank)
    from ...shared.api import MAX_PIXELS
    from ...shared.api import encode as encode_pixels
    from ...shared.codec import Geometry
    from ...shared.network.weights import encoder_at_hand

    pixels = _read_image(source)
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else int(pixels.shape[2])
    if height * width > MAX_PIXELS:
        say(f"warning: decoding {width} x {height} pixels will need --max-pixels")
    announce_compilation()
    files: list[Fitted] = []
    started = time.perf_counter()
    with progress(f"encoding {source}") as update:
        data = encode_pixels(
            pixels,
            codec=codec,
            budget=budget,
            encoder=encoder,
            effort=effort,
            rank=rule,
            progress=update,
            report=files.append,
        )
    seconds = time.perf_counter() - started
    write_bytes(target, data, force=force)
    limit = None if error else budget.limit(Geometry(height, width, channels))
    report = {
        "input": source,
        "output": target,
        "codec": codec,
        # The one that made the file, which need not be the one that was asked for.
        "encoder": encoder_at_hand(encoder),
        "effort": effort,
        "rank": rule,
        "width": width,
        "height": height,
        "channels": channels,
        "budget_bytes": limit,
        "target": error,
        "bytes": len(data),
        "bpp": 8 * len(data) / (width * height),
        "candidates": files[0].candidates,
        "survivors": files[0].survivors,
        "seconds": round(seconds, 4),
    }
    if as_json:
        print_json(report)
    else:
        share = f" of {limit} bytes ({100 * len(data) / limit:.1f} %)" if limit else " bytes"
        say(
            f"{_called(target)}: {len(data)}{share}, "
            f"{report['bpp']:.4f} bpp, {width} x {height} x {channels}, {codec}, "
            f"{files[0].survivors} of {files[0].candidates} candidates, {seconds:.2f} s"
        )


def _called(target: str) -> str:
    return "stdout" if target == STDIO else target


def _read_image(source: str) -> Any:
    from ...shared.container import MAGIC
    from ...shared.errors import ImageInputError
    from ...shared.picture.files import read_image

    name = "stdin" if source == STDIO else source
    data = read_bytes(source)
    if data.startswith(MAGIC):
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
    source: Annotated[str, typer.Argument(metavar="IN", help=".frc file, or - for stdin.")],
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="Picture; its ending says the format; - is PNG.")
    ],
    backend: Annotated[str, typer.Option(help="numpy or cupy; the pixels are the same.")] = "numpy",
    scale: Annotated[
        int,
        typer.Option(
            min=1,
            help="Render so many times larger, for formats that know no pixels (pifs: 2 or 4). "
            "What a larger picture adds is invented detail.",
        ),
    ] = 1,
    partial: Annotated[
        bool, typer.Option("--partial", help="Decode what a truncated file still holds.")
    ] = False,
    max_pixels: MaxPixels = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Decode a .frc file to a picture."""
    _no_report_beside_data(target, as_json)
    if backend not in {"numpy", "cupy"}:
        message = f"unknown backend {backend!r}; there is numpy and cupy"
        raise UsageError(message)
    kind = _picture_format(target)
    check_target(target, force=force)
    data = read_bytes(source)
    from ...shared.api import MAX_PIXELS
    from ...shared.api import decode as decode_bytes
    from ...shared.picture.pillow import array_to_pillow

    announce_compilation()
    started = time.perf_counter()
    pixels = decode_bytes(
        data,
        backend=backend,
        scale=scale,
        max_pixels=max_pixels or MAX_PIXELS,
        allow_truncated=partial,
    )
    seconds = time.perf_counter() - started
    write_bytes(target, _picture_bytes(array_to_pillow(pixels), kind, target), force=force)
    height, width = pixels.shape[:2]
    report = {
        "input": source,
        "output": target,
        "format": kind,
        "backend": backend,
        "width": width,
        "height": height,
        "channels": 1 if pixels.ndim == 2 else int(pixels.shape[2]),
        "bytes": len(data),
        "seconds": round(seconds, 4),
    }
    if as_json:
        print_json(report)
    elif target != STDIO or sys.stderr.isatty():
        say(f"{_called(target)}: {width} x {height}, {kind}, {seconds:.2f} s")


def _margin(facts: dict[str, Any], picture: str, encoder: str, effort: int) -> dict[str, Any]:
    """Encode `picture` again to as many bytes as a file has, and count what was cut."""
    from ...shared.api import encode as encode_pixels
    from ...shared.errors import ImageInputError

    _chosen_codec(facts["codec"], encoder, None)
    pixels = _read_image(picture)
    if pixels.shape[:2] != (facts["height"], facts["width"]):
        message = (
            f"{picture} is not the original of this file: it has {pixels.shape[1]} x "
            f"{pixels.shape[0]} pixels, the file {facts['width']} x {facts['height']}"
        )
        raise ImageInputError(message)
    files: list[Fitted] = []
    with progress(f"encoding {picture}") as update:
        again = encode_pixels(
            pixels,
            codec=facts["codec"],
            budget=facts["bytes"],
            encoder=encoder,
            effort=effort,
            progress=update,
            report=files.append,
        )
    return {
        "again_bytes": len(again),
        "candidates": files[0].candidates,
        "survivors": files[0].survivors,
    }


def info(
    source: Annotated[str, typer.Argument(metavar="FILE", help=".frc file, or - for stdin.")],
    original: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURE",
            help="Encode this again to as many bytes, to tell how many candidates the elements "
            "were chosen from; the file itself does not say.",
        ),
    ] = None,
    encoder: Encoder = "search",
    effort: Effort = 5,
    max_pixels: MaxPixels = None,
    as_json: Json = False,
) -> None:
    """Say what a .frc file holds."""
    from ...shared.api import MAX_PIXELS
    from ...shared.api import info as describe

    facts = describe(read_bytes(source), max_pixels=max_pixels or MAX_PIXELS)
    if original is not None:
        facts |= _margin(facts, original, encoder, effort)
    if as_json:
        print_json({"file": source, **facts})
        return
    rows: list[tuple[str, Any]] = [("file", source)]
    for key, value in facts.items():
        if key == "bits":
            total = sum(value.values()) or 1
            rows += [
                (f"bits: {kind}", f"{bits:.0f} ({100 * bits / total:.1f} %)")
                for kind, bits in value.items()
            ]
        elif isinstance(value, dict):
            rows += value.items()
        else:
            rows.append((key, " ".join(map(str, value)) if isinstance(value, list) else value))
    print_table(["field", "value"], rows)


def trim(
    source: Annotated[str, typer.Argument(metavar="IN", help=".frc file, or - for stdin.")],
    target: Annotated[str, typer.Argument(metavar="OUT", help=".frc file, or - for stdout.")],
    size: Annotated[int, typer.Option("--bytes", metavar="N", min=1, help="Bytes at most.")],
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Make a smaller file of a larger one, without encoding again."""
    _no_report_beside_data(target, as_json)
    check_target(target, force=force)
    from ...shared.api import trim as trim_bytes

    data = read_bytes(source)
    smaller = trim_bytes(data, size)
    write_bytes(target, smaller, force=force)
    if as_json:
        print_json(
            {"input": source, "output": target, "bytes_before": len(data), "bytes": len(smaller)}
        )
    else:
        say(f"{_called(target)}: {len(smaller)} bytes of {len(data)}")
