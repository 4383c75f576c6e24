"""Commands on files that exist: info, trim, metrics. Heavy modules load on use."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .files import called, chosen_codec, no_report_beside_data, read_picture
from .options import Effort, Encoder, Force, Json, MaxPixels
from .output import (
    STDIO,
    UsageError,
    about,
    check_target,
    compiling,
    print_json,
    print_table,
    progress,
    read_bytes,
    say,
    write_bytes,
)

if TYPE_CHECKING:
    from ...shared.fitting import Fitted


def _margin(facts: dict[str, Any], picture: str, encoder: str, effort: int) -> dict[str, Any]:
    """Encode `picture` again to as many bytes as a file has, and count what was cut."""
    from ...shared.api import encode as encode_pixels
    from ...shared.errors import ImageInputError

    chosen_codec(facts["codec"], encoder, None)
    pixels = read_picture(picture)
    if pixels.shape[:2] != (facts["height"], facts["width"]):
        message = (
            f"{picture} is not the original of this file: it has {pixels.shape[1]} x "
            f"{pixels.shape[0]} pixels, the file {facts['width']} x {facts['height']}"
        )
        raise ImageInputError(message)
    files: list[Fitted] = []
    with progress(f"encoding {picture}") as update, compiling(update):
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
    """Say what a .frc file holds, and what its bits are spent on."""
    from ...shared.api import MAX_PIXELS
    from ...shared.api import info as describe

    with about(source):
        facts = describe(read_bytes(source), max_pixels=max_pixels or MAX_PIXELS)
    if original is not None:
        facts |= _margin(facts, original, encoder, effort)
    if as_json:
        print_json({"file": source, **facts})
        return
    rows: list[tuple[str, Any]] = [("file", source)]
    for key, value in facts.items():
        if key in ("bits", "kinds"):
            total = sum(value.values()) or 1
            rows += [
                (f"{key}: {kind}", f"{bits:.0f} ({100 * bits / total:.1f} %)")
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
    size: Annotated[
        int, typer.Option("--budget", "--bytes", metavar="N", min=1, help="Bytes at most.")
    ],
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Make a smaller file of a larger one, without encoding again."""
    no_report_beside_data(target, as_json)
    check_target(target, force=force)
    from ...shared.api import trim as trim_bytes

    data = read_bytes(source)
    with about(source):
        smaller = trim_bytes(data, size)
    write_bytes(target, smaller, force=force)
    if as_json:
        print_json(
            {"input": source, "output": target, "bytes_before": len(data), "bytes": len(smaller)}
        )
    else:
        say(f"{called(target)}: {len(smaller)} bytes of {len(data)}")


def _pixels(source: str) -> Any:
    """Read a picture, or decode a ``.frc`` file."""
    from ...shared.api import decode
    from ...shared.container import is_frame
    from ...shared.picture.files import read_image

    data = read_bytes(source)
    if is_frame(data):
        with about(source):
            return decode(data)
    return read_image(io.BytesIO(data), "stdin" if source == STDIO else source)


def metrics(
    original: Annotated[str, typer.Argument(metavar="A", help="The original; picture or .frc.")],
    other: Annotated[str, typer.Argument(metavar="B", help="What is judged; picture or .frc.")],
    as_json: Json = False,
) -> None:
    """Measure picture B against picture A in every measure.

    The smart error judges as an eye does: a line that moved a little costs little, a line that is
    lost or invented costs in full. 0 is an equal picture, 1 to 2 one that is lost.
    """
    if original == other == STDIO:
        message = "only one of the two pictures can come from stdin"
        raise UsageError(message)
    import numpy as np

    from ...shared.errors import ImageInputError
    from ..judging.metrics import EXACT, METRICS, SMART_IN_WORDS, measure

    first, second = _pixels(original), _pixels(other)
    if first.shape[:2] != second.shape[:2]:
        message = (
            f"{original} has {first.shape[1]} x {first.shape[0]} pixels, "
            f"{other} {second.shape[1]} x {second.shape[0]}; only equal sizes can be compared"
        )
        raise ImageInputError(message)
    if first.ndim != second.ndim:
        # Formats without grey give three equal channels.
        first, second = (
            np.repeat(p[:, :, None], q.shape[2] if q.ndim == 3 else 1, axis=2) if p.ndim == 2 else p
            for p, q in ((first, second), (second, first))
        )
    values = measure(first, second)
    equal = bool(np.array_equal(first, second))
    if as_json:
        print_json({"original": original, "other": other, "equal": equal, "metrics": values})
        return
    print_table(
        ["measure", "value", "unit", "better"],
        [
            (
                METRICS[name].label,
                "none" if value is None else "infinite" if value == EXACT else value,
                METRICS[name].unit,
                "larger" if METRICS[name].higher_is_better else "smaller",
            )
            for name, value in values.items()
        ],
        notes=(SMART_IN_WORDS,),
    )
