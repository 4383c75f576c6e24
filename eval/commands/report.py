"""The command ``report``: a run as one page. Heavy modules load on use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Force, Json, budgets_of, complete_corpus
from .output import check_target, notice, print_json, progress, say

if TYPE_CHECKING:
    from ..measuring.store import Run


def pictures_of(run: Run, corpus: str | None) -> list[Any]:
    """Find the pictures that a run was made on; a notice if they are not on this machine.

    Parameters
    ----------
    run : Run
    corpus : str, optional
        Where to look; by default the corpus that the run names.
    """
    from ...corpora.catalog import open_corpus
    from ...shared.errors import FractourError

    measured = dict.fromkeys((row["image"], row["image_sha256"]) for row in run.rows)
    try:
        images = open_corpus(corpus or run.meta["corpus"].get("opened", run.meta["corpus"]["name"]))
    except FractourError as error:
        if corpus is not None:
            raise
        notice(f"no pictures on the page: {error}")
        return []
    found = {image.name: image for image in images.images}
    return [
        found[name] for name, sha256 in measured if name in found and found[name].sha256 == sha256
    ]


def report(
    folder: Annotated[Path, typer.Argument(help="Folder that compare has written.")],
    out: Annotated[Path, typer.Argument(help="Page to write, .html.")],
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="Where the pictures are.  [default: the corpus of the run]",
            autocompletion=complete_corpus,
        ),
    ] = None,
    images: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many pictures; each takes megabytes.")
    ] = 3,
    budgets: Annotated[
        str | None,
        typer.Option(
            "--budgets", "--bpp", metavar="LIST", help="Of the pictures, in bpp.  [default: all]"
        ),
    ] = None,
    reference: Annotated[
        str, typer.Option(metavar="NAME", help="Codec that bytes refer to.")
    ] = "jpeg2000",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Make one self-contained HTML page of a comparison.

    It shows the verdict, curves, a viewer that compares pictures, and every table; it loads
    nothing from elsewhere. Pictures come from the files that compare keeps beside its rows.
    """
    check_target(str(out), force=force)
    from ..measuring.store import load_run
    from ..reporting.report import write_report

    run = load_run(folder)
    pictures = pictures_of(run, corpus)[:images] if images else []
    with progress("drawing the page") as update:
        written = write_report(
            run,
            out,
            images=pictures,
            bpps=budgets_of(budgets) if budgets else None,
            anchor=reference,
            progress=update,
        )
    size = written.stat().st_size
    if as_json:
        names = [picture.name for picture in pictures]
        print_json({"run": str(folder), "output": str(written), "bytes": size, "pictures": names})
    else:
        say(f"{written}: {size} bytes, {len(pictures)} pictures")
