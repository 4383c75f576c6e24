"""The command ``bench``: times beside OpenJPEG, and orderings that the smart error holds."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import Budgets, Codecs, Corpus, Json, SkipBroken, budgets_of, specs_of
from .output import print_json, print_tables, progress, say
from .several import read_corpus


class What(StrEnum):
    """What is measured."""

    DECODE = "decode"
    ENCODE = "encode"
    SMART = "smart"


def bench(
    what: Annotated[What, typer.Argument(help="decode, encode: times; smart.")] = What.DECODE,
    corpus: Corpus = "default",
    codec: Codecs = None,
    bpp: Budgets = "0.2",
    images: Annotated[int, typer.Option(min=1, metavar="N", help="First N images only.")] = 6,
    repeats: Annotated[int, typer.Option(min=1, metavar="N", help="Calls; the median counts.")] = 7,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JSON there too.")] = None,
    skip_broken: SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Time codecs beside OpenJPEG, or count orderings held.

    One core, warm, in process, in turns; ratios in one run.

    smart: count the orderings "A must be judged worse than B" that the smart error and other
    measures hold, and time them; of the options only --repeats, --out and --json apply.
    """
    if what is What.SMART:
        _bench_smart(repeats, out, as_json)
        return
    from ...corpora.catalog import open_corpus
    from ..measuring import bench as timing
    from ..measuring.provenance import cpu, versions
    from ..tables import finite

    specs = specs_of(codec or ["wavelet"], "jpeg2000")
    opened = open_corpus(corpus)
    opened = replace(opened, images=opened.images[:images])
    pictures = list(read_corpus(opened, skip_broken=skip_broken).images)
    measure = {What.DECODE: timing.bench_decode, What.ENCODE: timing.bench_encode}[what]
    tables = []
    with progress(f"timing {what}") as update:
        values = budgets_of(bpp)
        for at, value in enumerate(values):
            tables.append(
                measure(
                    pictures,
                    specs,
                    value,
                    repeats,
                    lambda done, at=at: update((at + done) / len(values)),  # type: ignore[misc]
                )
            )
    document = {
        "what": what.value,
        "corpus": corpus,
        "images": [picture.name for picture in pictures],
        "cpu": cpu(),
        "versions": versions(),
        "tables": [table.to_dict() for table in tables],
        "markdown": "\n".join(table.to_markdown() for table in tables),
    }
    if out:
        out.write_text(json.dumps(finite(document), indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(document)
    else:
        print_tables(tables)


def _bench_smart(repeats: int, out: Path | None, as_json: bool) -> None:
    from ..measuring.provenance import cpu, versions
    from ..reporting.ordering_tables import bench_smart
    from ..tables import finite

    with progress("judging pairs") as update:
        tables, missed = bench_smart(repeats=repeats, progress=update)
    document = {
        "what": What.SMART.value,
        "cpu": cpu(),
        "versions": versions(),
        "tables": [table.to_dict() for table in tables],
        "missed": missed,
        "markdown": "\n".join(table.to_markdown() for table in tables),
    }
    if out:
        out.write_text(json.dumps(finite(document), indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(document)
    else:
        print_tables(tables)
        for name in missed:
            say(f"the smart error does not hold {name}")
