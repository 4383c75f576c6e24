"""The command ``placeholder``: a picture in some hundred bytes, as a data URI, and on a page."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from ..files import no_report_beside_data, read_picture
from ..options import Effort, Force, Json, complete_codec, listed
from ..output import STDIO, UsageError, check_target, compiling, print_json, progress, write_bytes


def placeholder(
    source: Annotated[str, typer.Argument(metavar="IN", help="Image file, or - for stdin.")],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="OUT", show_default=False, help="Write the .frc file there too; - is stdout."
        ),
    ] = None,
    budget: Annotated[
        int, typer.Option(min=1, metavar="N", help="Bytes of the file, which the URI holds.")
    ] = 200,
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Formats of which the best is taken.  [default: tiles,wavelet, from effort 7 "
            "contour; tiles for --html]",
            autocompletion=complete_codec,
        ),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(
            metavar="PAGE",
            show_default=False,
            help="Write a page there that draws the picture itself, in any browser.",
        ),
    ] = None,
    checksum: Annotated[
        bool, typer.Option("--checksum", help="Keep the checksum of two bytes.")
    ] = False,
    effort: Effort = 5,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Print a picture as a data URI of some hundred bytes.

    The best of our formats at so few bytes. A page shows it where a script decodes it; the
    file alone goes through what carries some hundred bytes, such as one packet of a radio.
    """
    no_report_beside_data(target or "", as_json)
    from ....codecs.tiles.javascript.page import page
    from ....shared.api import info
    from ....shared.errors import UnknownCodecError
    from ....shared.registry import get_codec
    from ....shared.tiny.placeholder import data_uri, usual_codecs
    from ....shared.tiny.placeholder import placeholder as encode_placeholder

    names = ["tiles"] if html else list(usual_codecs(effort))
    if codec is not None:
        names = listed(codec)
    if not names:
        message = "--codec names at least one format; see fractour codecs"
        raise UsageError(message)
    try:
        for name in names:
            get_codec(name)
    except UnknownCodecError as error:
        raise UsageError(str(error)) from error
    if html is not None and names != ["tiles"]:
        message = "--html draws with the decoder of tiles; leave out --codec, or name tiles"
        raise UsageError(message)
    for place in filter(None, (target, html)):
        check_target(place, force=force)
    pixels = read_picture(source)
    started = time.perf_counter()
    with progress(f"encoding {source}") as update, compiling(update) as spent:
        data = encode_placeholder(pixels, budget, codecs=names, compact=not checksum, effort=effort)
    seconds = time.perf_counter() - started - spent.seconds
    if target is not None:
        write_bytes(target, data, force=force)
    if html is not None:
        write_bytes(html, page(data).encode(), force=force)
    if as_json:
        facts = info(data)
        kept = ("codec", "width", "height", "channels", "bytes", "reduction", "checksum_bytes")
        report: dict[str, Any] = {name: facts[name] for name in kept}
        report |= {"input": source, "output": target, "html": html, "budget_bytes": budget}
        print_json({**report, "uri": data_uri(data), "seconds": round(seconds, 4)})
    elif target != STDIO:
        sys.stdout.write(data_uri(data) + "\n")
