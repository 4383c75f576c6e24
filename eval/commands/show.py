"""The command that explains a file in pictures. Heavy modules load on use."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Force, Json, MaxPixels
from .output import (
    STDIO,
    UsageError,
    about,
    check_target,
    compiling,
    print_json,
    progress,
    read_bytes,
    say,
    write_bytes,
)


def show(
    source: Annotated[str, typer.Argument(metavar="FILE", help=".frc file, or - for stdin.")],
    target: Annotated[
        str,
        typer.Argument(
            metavar="OUT", help="Picture, .png or .svg; .gif or .webp, animated; - is PNG."
        ),
    ],
    partial: Annotated[
        bool, typer.Option("--partial", help="Show what a truncated file still holds.")
    ] = False,
    max_pixels: MaxPixels = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Draw what a .frc file is made of, or how it grows.

    Contours, leaves, maps, passes, as its format has them. An animation (.gif, .webp) shows the
    file growing packet by packet.
    """
    ending = ".png" if target == STDIO else Path(target).suffix.lower()
    if ending not in {".png", ".svg", *_ANIMATIONS}:
        message = f"show writes PNG, SVG, GIF and WebP; let {target} end in .png, .svg, .gif, .webp"
        raise UsageError(message)
    if as_json and target == STDIO:
        message = "--json and output to stdout (-) exclude each other"
        raise UsageError(message)
    check_target(target, force=force)
    data = read_bytes(source)
    from ...shared.api import MAX_PIXELS

    limit = max_pixels or MAX_PIXELS
    started = time.perf_counter()
    with about(source), progress(f"drawing {source}") as update, compiling(update):
        if ending == ".svg":
            drawn, facts = _svg(data, limit, partial=partial)
        elif ending in _ANIMATIONS:
            drawn, facts = _animated(data, _ANIMATIONS[ending], limit)
        else:
            drawn, facts = _sheet(data, limit, partial=partial)
    write_bytes(target, drawn, force=force)
    seconds = time.perf_counter() - started
    if as_json:
        report = {"input": source, "output": target, "bytes": len(drawn), **facts}
        print_json({**report, "seconds": round(seconds, 4)})
    elif target != STDIO:
        said = ", ".join(
            f"{value}" if name == "format" else f"{name} {value}" for name, value in facts.items()
        )
        say(f"{target}: {len(drawn)} bytes, {said}, {seconds:.2f} s")


_ANIMATIONS = {".gif": "GIF", ".webp": "WEBP"}

Drawn = tuple[bytes, dict[str, Any]]
"""A file and what is to be said of it."""


def _animated(data: bytes, kind: str, max_pixels: int) -> Drawn:
    from ..growth import animation

    file, frames = animation(data, kind, max_pixels=max_pixels)
    return file, {"format": kind, "frames": frames}


def _sheet(data: bytes, max_pixels: int, *, partial: bool) -> Drawn:
    from PIL import Image

    from ...shared.api import show as show_panels
    from ...shared.picture.drawing import magnify, sheet

    panels = show_panels(data, max_pixels=max_pixels, allow_truncated=partial)
    (title, decoded), *rest = panels
    # The decoded picture is drawn as large as those beside it.
    times = max((panel.shape[1] for _, panel in rest[:1]), default=0) // decoded.shape[1]
    panels = [(title, magnify(decoded, max(times, 1))), *rest]
    paper = Image.fromarray(sheet(panels))
    file = io.BytesIO()
    paper.save(file, "PNG")
    facts = {"format": "PNG", "panels": len(panels), "width": paper.width, "height": paper.height}
    return file.getvalue(), facts


def _svg(data: bytes, max_pixels: int, *, partial: bool) -> Drawn:
    from ...shared.api import show_svg

    drawn = show_svg(data, max_pixels=max_pixels, allow_truncated=partial)
    return drawn.encode(), {"format": "SVG"}
