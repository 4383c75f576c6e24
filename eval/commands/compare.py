"""The command ``compare``: codecs and anchors on the same images at the same bytes."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import (
    Codecs,
    Json,
    SkipBroken,
    budgets_of,
    complete_anchor,
    complete_corpus,
    complete_encoder,
    complete_metric,
    listed,
    specs_of,
)
from .output import UsageError, notice, print_json, print_tables, progress, say
from .presenting import check_export, export_rows, present
from .several import read_corpus

if TYPE_CHECKING:
    from ..measuring.measure import CodecSpec

DEFAULT_CODECS = "contour,pifs,wavelet,tiles"
DEFAULT_BPPS = "0.02,0.03,0.05,0.1,0.2,0.3,0.5,1.0"
DEFAULT_ANCHORS = "jpeg,jpeg2000,webp,avif"

# A first look must end in minutes on two cores, compiling included.
FIRST_LOOK_BPPS = "0.05,0.1,0.2,0.5"
FIRST_LOOK_IMAGES = 3


def _metrics(text: str | None, judges: str | None) -> list[str]:
    """Names of the metrics to measure, those of the judges last."""
    from ..judging.asked import usual
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
    names = list(dict.fromkeys([*(names or usual()), *judging]))
    for name in names:
        # Now, not when the first picture has been encoded: a package may be missing.
        get_metric(name).require()
    return names


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


def _opened(name: str, count: int | None) -> Any:
    """Open a corpus, or its first images alone under a name that says so."""
    from ...corpora.catalog import open_corpus

    corpus = open_corpus(name)
    found = str(Path(name).resolve()) if Path(name).exists() else name
    if count is None or count >= len(corpus):
        return replace(corpus, opened=found)
    first = f"{corpus.name}-{count}"
    return replace(corpus, name=first, images=corpus.images[:count], opened=found)


def compare(
    second: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", show_default=False, help="Second run, with --from."),
    ] = None,
    saved: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Measure nothing: show the rows of this folder, or of two side by side.",
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="See fractour corpora list.  [default: a first look at 3 pictures of default]",
            autocompletion=complete_corpus,
        ),
    ] = None,
    codec: Codecs = None,
    anchors: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help='Classic codecs; "" for none.',
            autocompletion=complete_anchor,
        ),
    ] = DEFAULT_ANCHORS,
    bpp: Annotated[
        str | None,
        typer.Option(
            "--budgets",
            "--bpp",
            metavar="LIST",
            help="Bits per pixel of the whole file.  "
            f"[default: {DEFAULT_BPPS}; at first look {FIRST_LOOK_BPPS}]",
        ),
    ] = None,
    encoders: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Each codec once per encoder: search,masked,network,network+refine.",
            autocompletion=complete_encoder,
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="psnr_rgb, psnr_y, ...  [default: all]",
            autocompletion=complete_metric,
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="ssimulacra2|stlpips|lpips",
            help="Measure an outside judge too (optional packages), which nothing trains on.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the run.  [default: results/CORPUS]"),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the rows there too, .csv or .parquet."),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|local:N",
            help="Measure on a Dask cluster, or on N workers here (fractour[cluster]).",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, metavar="N", help="Processes; 0 is one per CPU.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Keep finished rows of the folder, or not.")
    ] = True,
    reference: Annotated[
        str, typer.Option(metavar="NAME", help="Codec that differences and BD-rates refer to.")
    ] = "jpeg2000",
    ablations: Annotated[
        bool | None,
        typer.Option(
            "--ablations/--no-ablations",
            help="Compare a codec also with what remains of it without its point.  "
            "[default: if codecs are named]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the bootstrap.")] = 0,
    at_target: Annotated[
        float | None,
        typer.Option(
            metavar="ERROR", help="Compare bytes at this smart error instead; corpora by commas."
        ),
    ] = None,
    tiny: Annotated[
        bool,
        typer.Option(
            "--tiny",
            help="Compare at 32 to 500 bytes instead, with hashes of pictures; corpora by commas.",
        ),
    ] = False,
    images_each: Annotated[
        int | None,
        typer.Option("--images", min=1, metavar="N", help="First N pictures of a corpus only."),
    ] = None,
    skip_broken: SkipBroken = False,
    all_tables: Annotated[
        bool, typer.Option("--tables", help="Print every table, not the verdict alone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare codecs at equal bytes: a verdict, tables, a page.

    Every row is written as soon as it is measured; the same command goes on where an
    interrupted one stopped. With --encoders: what a network makes of a format, beside its
    search. With --at-target: bytes by content at an equal smart error. With --tiny: files of 32
    to 500 bytes.

    The smart error judges as an eye does: a line that moved a little costs little, a line that is
    lost or invented costs in full. 0 is an equal picture, 1 to 2 one that is lost.
    """
    check_export(export)
    if saved is not None:
        _show_saved(
            [saved, *([second] if second else [])],
            out,
            reference,
            export,
            seed,
            every=all_tables,
            as_json=as_json,
        )
        return
    if second is not None:
        message = f"a folder of a run goes with --from; did you mean --corpus {second}?"
        raise UsageError(message)
    if tiny:
        from .tiny.comparison import compare_tiny

        if at_target is not None or judge is not None or encoders is not None or bpp is not None:
            message = "--tiny has its own sizes and measures; leave out the options of other runs"
            raise UsageError(message)
        compare_tiny(
            corpus or "default",
            codec,
            images_each,
            out,
            jobs=jobs,
            resume=resume,
            as_json=as_json,
        )
        return
    codecs = codec or [DEFAULT_CODECS]
    if at_target is not None:
        if judge is not None:
            message = "--judge goes with a run at equal bytes, not with --at-target"
            raise UsageError(message)
        specs = _with_encoders(specs_of(codecs, ""), codecs, encoders)
        _compare_at_target(
            corpus or "default", specs, at_target, images_each, out, as_json, skip_broken
        )
        return
    bpps = budgets_of(bpp or (DEFAULT_BPPS if corpus else FIRST_LOOK_BPPS))
    names = _metrics(metrics, judge)
    specs = specs_of(codecs, anchors)
    if reference.split(":")[0] not in {spec.codec for spec in specs}:
        notice(f"{reference!r} is not compared, so there are no differences and BD-rates to it")
    from ..measuring.encoders import require_encoders
    from ..measuring.runner import run as run_comparison
    from ..reporting.ablation import with_ablations

    if ablations or (ablations is None and codec):
        specs = with_ablations(specs)
    specs = _with_encoders(specs, codecs, encoders)
    require_encoders(specs)
    if corpus is None and images_each is None:
        images_each = FIRST_LOOK_IMAGES
    images = _opened(corpus or "default", images_each)
    with progress("reading the pictures") as update:
        images = read_corpus(images, skip_broken=skip_broken, progress=update)
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
                activity=update.doing,
                cluster=dask,
            )
        except KeyboardInterrupt:
            say(f"finished rows are kept in {folder}; the same command goes on from there")
            raise
    export_rows(result.rows, export)
    present(
        result,
        names if metrics else None,
        reference,
        seed,
        pictures=list(images.images),
        every=all_tables,
        as_json=as_json,
    )


def _show_saved(
    folders: list[Path],
    out: Path | None,
    reference: str,
    export: Path | None,
    seed: int,
    *,
    every: bool,
    as_json: bool,
) -> None:
    """Present what one run, or two, left on disk."""
    from ..measuring.side_by_side import joined
    from ..measuring.store import load_run
    from .report import pictures_of

    run = load_run(folders[0])
    if len(folders) > 1:
        target = out or Path("results") / "-and-".join(folder.name for folder in folders)
        run = joined(run, load_run(folders[1]), target)
    elif out is not None:
        run = replace(run, folder=out)
    run.folder.mkdir(parents=True, exist_ok=True)
    export_rows(run.rows, export)
    present(
        run,
        None,
        reference,
        seed,
        pictures=pictures_of(run, None),
        every=every,
        as_json=as_json,
        folders=folders,
    )


def _compare_at_target(
    corpus: str,
    specs: list[CodecSpec],
    target: float,
    images: int | None,
    out: Path | None,
    as_json: bool,
    skip_broken: bool,
) -> None:
    if not 0 < target < 100:
        message = f"--at-target takes a positive smart error, not {target:g}"
        raise UsageError(message)
    from ...corpora.catalog import open_corpus
    from ..judging.metrics import SMART_IN_WORDS
    from ..measuring.at_target import at_target_table, groups_of, run_at_target
    from ..measuring.encoders import require_encoders
    from ..measuring.provenance import environment
    from ..measuring.store import write_json
    from ..tables import finite

    require_encoders(specs)
    opened = [read_corpus(open_corpus(name), skip_broken=skip_broken) for name in listed(corpus)]
    groups = groups_of(opened, images)
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
        say(SMART_IN_WORDS)
