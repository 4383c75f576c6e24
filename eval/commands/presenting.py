"""What a comparison ends with: the verdict on the screen; tables, plots and the page as files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import UsageError, notice, print_json, print_tables, progress, say

if TYPE_CHECKING:
    from ..measuring.store import Row, Run
    from ..tables import Table

PAGE = "report.html"
PAGE_IMAGES, PAGE_BUDGETS, PAGE_PIXELS = 2, 4, 40_000_000
"""What the page that a comparison writes by itself holds at most, so that it can be sent around:
pictures, budgets, and pixels of all its pictures together (about one byte each). ``report`` takes
more."""


class RowsFailedError(Exception):
    """Some rows ended in an error; the tables say which. Exit code 1."""


def check_export(path: Path | None) -> None:
    """Find out before the work whether rows can be exported to a file.

    Raises
    ------
    UsageError
        If the ending is none of `reporting.export.ENDINGS`.
    BackendUnavailableError
        If a library is missing that it needs.
    """
    if path is None:
        return
    from ..reporting.export import ENDINGS, parquet

    if path.suffix not in ENDINGS:
        message = f"--export takes a file that ends in {' or '.join(ENDINGS)}, not {path}"
        raise UsageError(message)
    if path.suffix == ".parquet":
        parquet()


def export_rows(rows: Sequence[Row], path: Path | None) -> None:
    """Export rows if that is asked for."""
    if path is None:
        return
    from ..reporting.export import export

    export(rows, path)
    say(f"{path}: {len(rows)} rows")


def present(
    result: Run,
    metrics: list[str] | None,
    reference: str,
    seed: int,
    *,
    pictures: Sequence[Any],
    every: bool,
    as_json: bool,
    folders: Sequence[Path] = (),
) -> None:
    """Write the files of a run and print its verdict.

    Parameters
    ----------
    result : Run
    metrics : list of str, optional
        Those that tables show; the usual ones by default.
    reference : str
        Codec that bytes refer to.
    seed : int
        Of the bootstrap.
    pictures : sequence of CorpusImage
        The first few are shown on the page.
    every : bool
        Print all tables, not the verdict alone.
    as_json : bool
    folders : sequence of Path
        Where encoded files lie; the run's own folder by default.

    Raises
    ------
    RowsFailedError
        If some rows failed, after everything is written.
    """
    from ..measuring.rowset import Results
    from ..reporting.encoder_tables import encoder_tables
    from ..reporting.verdict import verdict_table

    verdict = verdict_table(result.rows, anchor=reference)
    encoders = encoder_tables(Results(result.rows), seed=seed)
    tables = [verdict, *_tables(result, metrics, reference, seed), *encoders]
    (result.folder / "tables.md").write_text(
        "\n".join(table.to_markdown() for table in tables), encoding="utf-8"
    )
    if not as_json:
        # Before the page, which takes a while. Who compares encoders asks for that table too.
        print_tables(tables if every else [verdict, *encoders])
    plots = _plots(result, metrics)
    page = _page(result, reference, pictures, folders)
    if as_json:
        print_json(
            {
                "folder": str(result.folder),
                "run": result.meta,
                "tables": [table.to_dict() for table in tables],
                "plots": [str(path) for path in plots],
                "report": str(page) if page else None,
            }
        )
    files = [*plots, *([page] if page else [])]
    say(f"{result.folder}: {', '.join(['tables.md', *(path.name for path in files)])}")
    failed = [row for row in result.rows if row["status"] == "error"]
    if failed:
        first = failed[0]
        message = (
            f"{len(failed)} of {len(result.rows)} rows failed, the first: {first['codec']} on "
            f"{first['image']} at {first['target_bpp']:g} bpp: {first['message']}"
        )
        raise RowsFailedError(message)


def _tables(result: Run, metrics: list[str] | None, reference: str, seed: int) -> list[Table]:
    from ..measuring.rowset import Results
    from ..reporting.ablation import ablation_tables
    from ..reporting.summary import SHOWN, all_tables

    results = Results(result.rows)
    tables = all_tables(result.rows, anchor=reference, seed=seed, metrics=metrics or SHOWN)
    return [*tables, *ablation_tables(results)]


def _plots(result: Run, metrics: list[str] | None) -> list[Path]:
    """Draw the plots; what stands in the way is a notice, the tables are there already."""
    from ...shared.errors import BackendUnavailableError
    from ..measuring.encoders import encoders_by_format
    from ..measuring.rowset import Results
    from ..reporting.plots import PlotError, save_rd_plot, save_time_plot
    from ..reporting.summary import COMPARED, SHOWN

    title = result.meta["corpus"]["name"]
    shown = (metrics or SHOWN)[:COMPARED]
    wanted = [partial(save_rd_plot, result.rows, result.folder / "rd", metrics=shown)]
    if encoders_by_format(Results(result.rows)):
        wanted.append(partial(save_time_plot, result.rows, result.folder / "encoders"))
    paths = []
    for save in wanted:
        try:
            paths += save(title=title)
        except (BackendUnavailableError, PlotError) as error:
            notice(f"no plot: {error}")
    return paths


def _shown(result: Run, pictures: Sequence[Any]) -> tuple[list[Any], list[float]]:
    """Choose pictures and budgets of the page: from the lowest to the highest, evenly."""
    bpps = sorted({row["target_bpp"] for row in result.rows})
    last = min(PAGE_BUDGETS, len(bpps)) - 1
    budgets = [
        bpps[round(at * (len(bpps) - 1) / last)] if last else bpps[0] for at in range(last + 1)
    ]
    sizes: dict[str, int] = {}
    for row in result.rows:
        if row["target_bpp"] in budgets:
            sizes[row["image"]] = sizes.get(row["image"], 0) + row["width"] * row["height"]
    chosen, total = [], 0
    for picture in list(pictures)[:PAGE_IMAGES]:
        total += sizes.get(picture.name, 0)
        if total <= PAGE_PIXELS:
            chosen.append(picture)
    if pictures and not chosen:
        notice(f"the pictures are too large for the page; see fractour report {result.folder}")
    return chosen, budgets


def _page(
    result: Run, reference: str, pictures: Sequence[Any], folders: Sequence[Path]
) -> Path | None:
    from ...shared.errors import BackendUnavailableError
    from ..reporting.report import write_report

    images, budgets = _shown(result, pictures)
    with progress("drawing the page") as update:
        try:
            return write_report(
                result,
                result.folder / PAGE,
                images=images,
                bpps=budgets,
                anchor=reference,
                folders=folders,
                progress=update,
            )
        except BackendUnavailableError as error:
            notice(f"no page: {error}")
    return None
