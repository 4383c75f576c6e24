"""The verdict of a run: one table that fits a screen, and what the smart error is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from ..judging.metrics import JUDGES, METRICS, SMART_IN_WORDS, get_metric
from ..measuring.anchors import ANCHORS
from ..measuring.rowset import Results
from ..measuring.store import Row
from ..tables import Cell, Table, word
from .summary import PART_OF_THE_RANGE, paired_bd

JUDGED = ("psnr_rgb", "ms_ssim", "ssimulacra2", "smart")
"""Metrics at whose equal values bytes are compared."""

_PARTLY = "~"
_HEADS = {
    "psnr_rgb": "PSNR",
    "ms_ssim": "MS-SSIM",
    "ssimulacra2": "SSIMUL.2",
    "smart": "smart err.",
}


def _bytes(results: Results, base: str, label: str, metric: str) -> Cell:
    """Mean BD-rate over images; with how many, if some have none."""
    if label == base:
        return Cell("0.0", 0.0)
    rates, _, flags = paired_bd(results, base, label, metric, results.bpps)
    if not rates:
        return Cell("-")
    mean = math.fsum(rates) / len(rates)
    total = len(results.images)
    share = "" if len(rates) == total else f" ({len(rates)}/{total})"
    # A figure over less than half of what both curves span speaks of a part of them.
    mark = _PARTLY if flags[PART_OF_THE_RANGE] else ""
    return Cell(f"{mark}{mean:+.1f}{share}", mean, {"n": len(rates), "of": total})


def _seconds(results: Results, label: str, field: str) -> Cell:
    times = [row[field] for row in results.of(label, status="ok") if row[field] is not None]
    if not times:
        return Cell("-")
    median = statistics.median(times)
    return Cell(f"{median:.2f}" if median >= 1 else f"{median:.3f}", median)


def _mark_best(rows: Sequence[Sequence[Cell]], total: int) -> tuple[tuple[Cell, ...], ...]:
    """Mark the least of each column; a mean over some images only does not compete."""
    marked = [list(row) for row in rows]
    for at in range(1, len(marked[0]) if marked else 0):
        values = [
            float(row[at].value)
            for row in marked
            if row[at].value is not None and row[at].extra.get("n", total) == total
        ]
        if len(values) < 2:
            continue
        for row in marked:
            cell = row[at]
            if cell.value == min(values) and cell.extra.get("n", total) == total:
                row[at] = Cell(cell.text, cell.value, {**cell.extra, "best": True})
    return tuple(map(tuple, marked))


def verdict_table(
    rows: Iterable[Row], *, anchor: str = "jpeg2000", metrics: Sequence[str] = JUDGED
) -> Table:
    """Bytes for the same quality and times, one row a codec.

    Parameters
    ----------
    rows : iterable of dict
        Result rows.
    anchor : str
        Codec that bytes refer to, see `rowset.Results.find`; without it there are times only.
    metrics : sequence of str
        Those that the rows hold are judged by; if they hold none, by what they hold.
    """
    results = Results(rows)
    base = results.find(anchor)
    asked = dict.fromkeys((*metrics, *JUDGES)) if base else ()
    judged = [name for name in asked if any(name in row for row in results.rows)]
    if base and not judged:
        # Measured in others only: what was asked for is what the verdict is about.
        judged = [name for name in METRICS if any(name in row for row in results.rows)]
    body = []
    for label in results.codecs:
        cells = [_bytes(results, base, label, name) for name in judged if base]
        times = [_seconds(results, label, field) for field in ("encode_s", "decode_s")]
        body.append((word(label), *cells, *times))
    total = len(results.images)
    named = ANCHORS[base].label if base in ANCHORS else base
    pictures = f"{total} picture{'s' * (total != 1)}"
    budgets = ", ".join(f"{bpp:g}" for bpp in results.bpps)
    notes = [f"{pictures} at {budgets} bits per pixel; times: median seconds a file."]
    if judged:
        notes.append(
            f"Bytes against {named}: mean BD-rate over the pictures, negative is fewer; n/{total}: "
            "a figure on n pictures only, - on none."
        )
    if any(cell.text.startswith(_PARTLY) for row in body for cell in row):
        notes.append(f"{_PARTLY}: the two curves share less than half of their range.")
    if "smart" in judged:
        notes.append(SMART_IN_WORDS)
    return Table(
        "verdict",
        f"Bytes against {named} at equal quality, %; seconds" if judged else "Seconds",
        (
            "codec",
            *(_HEADS.get(name, get_metric(name).label) for name in judged),
            "encode s",
            "decode s",
        ),
        _mark_best(body, total),
        tuple(notes),
    )
