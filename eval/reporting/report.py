"""A run as one HTML file: verdict, curves, a viewer of pictures, tables. Nothing is loaded."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...shared.errors import BackendUnavailableError
from ..judging.metrics import JUDGES, METRICS, SMART_IN_WORDS, get_metric
from ..measuring.rowset import Results
from ..measuring.store import Run
from ..tables import finite
from .plots import curves
from .summary import SHOWN, all_tables
from .verdict import verdict_table
from .viewer import gallery, named

TEMPLATES = Path(__file__).parent / "templates"


def _curves(results: Results, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """What the plot draws: per measure its ticks and one curve per codec, on the even scale."""
    found = []
    for name in metrics:
        what = get_metric(name)
        lines = {
            named(codec): [
                [round(bpp, 5), what.scale(value), f"{value:.{what.digits}f}"]
                for bpp, value in points
                if math.isfinite(what.scale(value))
            ]
            for codec, points in curves(results, name).items()
        }
        if not lines:
            continue
        better = "larger" if what.higher_is_better else "smaller"
        found.append(
            {
                "name": name,
                "label": what.label + (f", {what.unit}" if what.unit else ""),
                "note": f"{better} is better",
                "ticks": [[what.scale(mark), f"{mark:g}"] for mark in what.ticks],
                "lines": lines,
            }
        )
    return found


def _script(value: Any) -> str:
    """JSON that is safe inside a script element."""
    text = json.dumps(finite(value), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def write_report(
    run: Run,
    path: str | os.PathLike[str],
    *,
    images: Sequence[Any] = (),
    bpps: Sequence[float] | None = None,
    anchor: str = "jpeg2000",
    folders: Sequence[Path] = (),
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Write a run as one self-contained HTML file.

    Parameters
    ----------
    run : Run
    path : path
    images : sequence of CorpusImage
        Those that the viewer shows.
    bpps : sequence of float, optional
        Budgets that the viewer shows; all of the run by default.
    anchor : str
        Codec that differences and BD-rates refer to.
    folders : sequence of Path
        Where encoded files lie; the run's own folder by default. Where there is none, pictures
        are encoded again.
    progress : callable, optional
        Called with the fraction of pictures done.

    Raises
    ------
    BackendUnavailableError
        If jinja2 is missing.
    """
    try:
        import jinja2
        from markupsafe import Markup
    except ImportError as error:
        message = "the report needs jinja2: pip install 'fractour[report]'"
        raise BackendUnavailableError(message) from error
    results = Results(run.rows)
    metrics = [
        name for name in (*SHOWN[:3], *METRICS, *JUDGES) if any(name in row for row in run.rows)
    ]
    metrics = list(dict.fromkeys(metrics))
    content = {
        "codecs": [named(label) for label in results.codecs],
        "own": [named(label) for label in results.codecs if named(label) == label],
        "measures": _curves(results, metrics),
        "pictures": gallery(
            results, images, metrics, folders or [run.folder], bpps=bpps, progress=progress
        ),
    }

    def part(name: str) -> Markup:
        return Markup((TEMPLATES / name).read_text(encoding="utf-8"))

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    html = environment.from_string(part("report.html")).render(
        title=f"fractour compare, {run.meta['corpus']['name']}",
        meta=run.meta,
        verdict=verdict_table(run.rows, anchor=anchor),
        tables=all_tables(run.rows, anchor=anchor, seed=run.meta["seed"]),
        smart=SMART_IN_WORDS,
        content=content,
        data=Markup(_script(content)),
        part=part,
    )
    target = Path(path)
    target.write_text(html, encoding="utf-8")
    return target
