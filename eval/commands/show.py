"""The command that explains a file in pictures. Heavy modules load on use."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Annotated

import typer

from .options import Force, MaxPixels
from .output import (
    STDIO,
    UsageError,
    announce_compilation,
    check_target,
    read_bytes,
    say,
    write_bytes,
)


def show(
    source: Annotated[str, typer.Argument(metavar="FILE", help=".frc file, or - for stdin.")],
    target: Annotated[str, typer.Argument(metavar="OUT", help="Picture, .png or .svg; - is PNG.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Show what a truncated file still holds.")
    ] = False,
    max_pixels: MaxPixels = None,
    force: Force = False,
) -> None:
    """Draw what a .frc file is made of: contours, leaves, maps, passes, as its format has them."""
    ending = ".png" if target == STDIO else Path(target).suffix.lower()
    if ending not in {".png", ".svg"}:
        message = f"show writes PNG and SVG; let {target} end in .png or .svg"
        raise UsageError(message)
    check_target(target, force=force)
    data = read_bytes(source)
    from ...shared.api import MAX_PIXELS

    if ending == ".svg":
        _show_svg(data, target, max_pixels or MAX_PIXELS, partial=partial, force=force)
        return
    from PIL import Image

    from ...shared.api import show as show_panels
    from ...shared.picture.drawing import magnify, sheet

    announce_compilation()
    started = time.perf_counter()
    panels = show_panels(data, max_pixels=max_pixels or MAX_PIXELS, allow_truncated=partial)
    (title, decoded), *rest = panels
    # The decoded picture is drawn as large as those beside it.
    times = max((panel.shape[1] for _, panel in rest[:1]), default=0) // decoded.shape[1]
    panels = [(title, magnify(decoded, max(times, 1))), *rest]
    paper = Image.fromarray(sheet(panels))
    file = io.BytesIO()
    paper.save(file, "PNG")
    write_bytes(target, file.getvalue(), force=force)
    if target != STDIO:
        seconds = time.perf_counter() - started
        say(f"{target}: {paper.width} x {paper.height}, {len(panels)} panels, {seconds:.2f} s")


def _show_svg(data: bytes, target: str, max_pixels: int, *, partial: bool, force: bool) -> None:
    from ...shared.api import show_svg

    announce_compilation()
    started = time.perf_counter()
    drawn = show_svg(data, max_pixels=max_pixels, allow_truncated=partial).encode()
    write_bytes(target, drawn, force=force)
    say(f"{target}: {len(drawn)} bytes of SVG, {time.perf_counter() - started:.2f} s")
