"""The command ``compare``: codecs and anchors on the same images at the same bytes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Budgets, Codecs, Corpus, Json, budgets_of, listed, specs_of
from .output import UsageError, notice, print_json, print_tables, progress, say

if TYPE_CHECKING:
    from ..measuring.measure import CodecSpec
    from ..measuring.store import Run

DEFAULT_BPPS = "0.02,0.03,0.05,0.1,0.2,0.3,0.5,1.0"
DEFAULT_ANCHORS = "jpeg,jpeg2000,webp,avif"


class RowsFailedError(Exception):
    """Some rows ended in an error; the tables say which. Exit code 1."""


def _metrics(text: str | None, judges: str | None) -> list[str] | None:
    """Names of the metrics to measure, those of the judges last; None for the usual ones."""
    from ..judging import perceptual_network
    from ..judging.metrics import JUDGES, METRICS, get_metric

    names, judging = listed(text or ""), listed(judges or "")
    for option, given, known in (
        ("metric", names, [*METRICS, *JUDGES]),
        ("judge", judging, list(JUDGES)),
    ):
        for name in given:
            if name not in known:
                message = f"no {option} {name!r}; there are {', '.join(known)}"
                raise UsageError(message)
    names += [name for name in judging if name not in names] if names else []
    names = names or [*METRICS, *judging] if judging else names
    for name in names:
        if name in JUDGES:
            # Now, not when the first picture has been encoded: the package may be missing.
            perceptual_network.loaded(get_metric(name).label)
    return names or None


def _with_encoders(specs: list[CodecSpec], codec: list[str], text: str | None) -> list[CodecSpec]:
    """Expand codecs by ``--encoders``; what a codec lacks is told in one line."""
    from ...shared.errors import FractourError
    from ..measuring.encoders import BASE, with_encoders

    if text is None:
        return specs
    if any("encoder=" in word for word in codec):
        message = "--encoders goes with every codec; leave encoder= out of --codec"
        raise UsageError(message)
    encoders = listed(text)
    try:
        expanded, missing = with_encoders(specs, encoders)
    except FractourError as error:
        raise UsageError(str(error)) from error
    if missing:
        lacks = "; ".join(f"{name} has no {', '.join(ways)}" for name, ways in missing.items())
        notice(f"encoders left out: {lacks}")
    if BASE not in encoders:
        notice(f"{BASE!r} is not among the encoders, so there are no BD-rates and times over it")
    return expanded


def compare(
    corpus: Corpus = "default",
    codec: Codecs = None,
    anchors: Annotated[
        str, typer.Option(metavar="LIST", help='Classic codecs; "" for none.')
    ] = DEFAULT_ANCHORS,
    bpp: Budgets = DEFAULT_BPPS,
    encoders: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Each codec once per encoder that it has: search,network,network+refine.",
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="LIST", help="psnr_rgb, psnr_y, ...  [default: all]")
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="stlpips|lpips",
            help="Measure a perceptual network too (optional packages) that nothing trains on.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the run.  [default: results/CORPUS]"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, metavar="N", help="Processes; 0 is one per CPU.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Keep finished rows of the folder, or not.")
    ] = True,
    reference: Annotated[
        str, typer.Option(metavar="NAME", help="Codec that differences and BD-rates refer to.")
    ] = "jpeg2000",
    ablations: Annotated[
        bool,
        typer.Option(help="Compare a codec also with what remains of it without its point."),
    ] = True,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the bootstrap.")] = 0,
    at_target: Annotated[
        float | None,
        typer.Option(
            metavar="ERROR", help="Compare bytes at this smart error instead; corpora by commas."
        ),
    ] = None,
    images_each: Annotated[
        int | None,
        typer.Option("--images", min=1, metavar="N", help="First N of each, with --at-target."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare codecs on a corpus at equal bytes: tables, rows, plots.

    Every row is written as soon as it is measured; the same command goes on where an
    interrupted one stopped. With --encoders: what a network makes of a format, beside its
    search. With --at-target: bytes by content at an equal smart error.
    """
    codecs = codec or ["wavelet"]
    if at_target is not None:
        if judge is not None:
            message = "--judge goes with a run at equal bytes, not with --at-target"
            raise UsageError(message)
        specs = _with_encoders(specs_of(codecs, ""), codecs, encoders)
        _compare_at_target(corpus, specs, at_target, images_each, out, as_json)
        return
    if images_each is not None:
        message = "--images goes with --at-target; a run takes a whole corpus"
        raise UsageError(message)
    bpps = budgets_of(bpp)
    names = _metrics(metrics, judge)
    specs = specs_of(codecs, anchors)
    if reference.split(":")[0] not in {spec.codec for spec in specs}:
        notice(f"{reference!r} is not compared, so there are no differences and BD-rates to it")
    from ...corpora.catalog import open_corpus
    from ..measuring.encoders import require_encoders
    from ..measuring.runner import run as run_comparison
    from ..reporting.ablation import with_ablations

    if ablations:
        specs = with_ablations(specs)
    specs = _with_encoders(specs, codecs, encoders)
    require_encoders(specs)
    images = open_corpus(corpus)
    folder = out or Path("results") / images.name
    say(
        f"{images.name}: {len(images)} images, {len(specs)} codecs, {len(bpps)} budgets -> {folder}"
    )
    with progress("comparing") as update:
        try:
            result = run_comparison(
                images,
                specs,
                bpps,
                folder,
                metrics=names,
                jobs=jobs or os.cpu_count() or 1,
                seed=seed,
                fresh=not resume,
                command=["fractour", *sys.argv[1:]],
                progress=lambda done, total, row: update(done / total),
            )
        except KeyboardInterrupt:
            say(f"finished rows are kept in {folder}; the same command goes on from there")
            raise
    _present(result, names if metrics else None, reference, seed, as_json)


def _compare_at_target(
    corpus: str,
    specs: list[CodecSpec],
    target: float,
    images: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    if not 0 < target < 100:
        message = f"--at-target takes a positive smart error, not {target:g}"
        raise UsageError(message)
    from ...corpora.catalog import open_corpus
    from ..measuring.at_target import at_target_table, groups_of, run_at_target
    from ..measuring.encoders import require_encoders
    from ..measuring.provenance import environment
    from ..measuring.store import write_json
    from ..tables import finite

    require_encoders(specs)
    groups = groups_of((open_corpus(name) for name in listed(corpus)), images)
    with progress("searching the smallest files") as update:
        rows = run_at_target(groups, specs, target, update)
    table = at_target_table(rows)
    document = {
        "what": "at_target",
        "target": target,
        **environment(["fractour", *sys.argv[1:]]),
        "rows": rows,
        "tables": [table.to_dict()],
        "markdown": table.to_markdown(),
    }
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "at_target.json", finite(document))
        (out / "tables.md").write_text(table.to_markdown(), encoding="utf-8")
        say(f"{out}: at_target.json, tables.md")
    if as_json:
        print_json(document)
    else:
        print_tables([table])


def _present(
    result: Run, metrics: list[str] | None, reference: str, seed: int, as_json: bool
) -> None:
    from ..measuring.rowset import Results
    from ..reporting.ablation import ablation_tables
    from ..reporting.encoder_tables import encoder_tables
    from ..reporting.summary import COMPARED, SHOWN, all_tables

    results = Results(result.rows)
    shown = metrics or SHOWN
    tables = all_tables(result.rows, anchor=reference, seed=seed, metrics=shown)
    tables += ablation_tables(results)
    tables += encoder_tables(results, seed=seed)
    (result.folder / "tables.md").write_text(
        "\n".join(table.to_markdown() for table in tables), encoding="utf-8"
    )
    plots = _plots(result, shown[:COMPARED])
    if as_json:
        print_json(
            {
                "folder": str(result.folder),
                "run": result.meta,
                "tables": [table.to_dict() for table in tables],
                "plots": [str(path) for path in plots],
            }
        )
    else:
        print_tables(tables)
    written = ", ".join(["run.json", "rows.jsonl", "tables.md", *(path.name for path in plots)])
    say(f"{result.folder}: {written}")
    failed = [row for row in result.rows if row["status"] == "error"]
    if failed:
        first = failed[0]
        message = (
            f"{len(failed)} of {len(result.rows)} rows failed, the first: {first['codec']} on "
            f"{first['image']} at {first['target_bpp']:g} bpp: {first['message']}"
        )
        raise RowsFailedError(message)


def _plots(result: Run, metrics: Sequence[str]) -> list[Path]:
    """Draw the plots; what stands in the way is a notice, the tables are there already."""
    from ...shared.errors import BackendUnavailableError
    from ..measuring.encoders import encoders_by_format
    from ..measuring.rowset import Results
    from ..reporting.plots import PlotError, save_rd_plot, save_time_plot

    title = result.meta["corpus"]["name"]
    wanted = [partial(save_rd_plot, result.rows, result.folder / "rd", metrics=metrics)]
    if encoders_by_format(Results(result.rows)):
        wanted.append(partial(save_time_plot, result.rows, result.folder / "encoders"))
    paths = []
    for save in wanted:
        try:
            paths += save(title=title)
        except (BackendUnavailableError, PlotError) as error:
            notice(f"no plot: {error}")
    return paths
