"""The thesis of the project as tables: what a network makes of a format, beside its search.

For each format the quality of every encoder at equal bytes; for all of them what they gain over
the search encoder of the same format, and in how much of its time.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence

from ..judging.metrics import JUDGES, get_metric
from ..measuring.encoders import BASE, encoders_by_format
from ..measuring.rowset import Results
from ..measuring.store import Row
from ..tables import Cell, Table, word
from .bootstrap import Interval, bootstrap_mean
from .summary import flagged, mean_cell, paired_bd

METRICS = ("smart", "psnr_rgb", "ms_ssim")
"""What encoders are compared in; networks are trained on the first."""

MARGIN = 3.0
"""Percent of bytes up to which an encoder has reached the quality of another."""

HUNDREDTH = 0.01


def quality_by_encoder(
    results: Results, name: str, labels: dict[str, str], metrics: Sequence[str], seed: int
) -> Table:
    """Means of all metrics of one format, by encoder and budget.

    Parameters
    ----------
    results : Results
    name : str
        The format.
    labels : dict
        Encoder to label, see `encoders.encoders_by_format`.
    metrics : sequence of str
    seed : int
    """
    body = []
    for metric in metrics:
        what = get_metric(metric)
        better = "larger" if what.higher_is_better else "smaller"
        title = f"{what.label}{f', {what.unit}' if what.unit else ''} ({better} is better)"
        for encoder, label in labels.items():
            cells = (mean_cell(results, label, bpp, metric, seed) for bpp in results.bpps)
            body.append((word(title), word(encoder), *cells))
    total = len(results.images)
    return Table(
        f"encoders_{name}",
        f"Encoders of {name}, by bits per pixel",
        ("measure", "encoder", *(f"{bpp:g}" for bpp in results.bpps)),
        tuple(body),
        (
            f"Mean over {total} images at equal bytes ± half the 95 % bootstrap interval over "
            "images; n/N: a value exists on n images only, so there is no mean.",
        ),
    )


def _side(found: Interval | None) -> int:
    """Sign of a gain: 0 if its interval holds 0, or rests on a single image."""
    if found is None or found.n < 2 or found.low <= 0 <= found.high:
        return 0
    return 1 if found.low > 0 else -1


def _pairs(results: Results, base: str, label: str) -> list[tuple[Row, Row]]:
    """Rows of two encoders on the same image at the same budget, where both are there."""
    others = {(row["image"], row["target_bpp"]): row for row in results.of(base, status="ok")}
    return [
        (others[key], row)
        for row in results.of(label, status="ok")
        if (key := (row["image"], row["target_bpp"])) in others
    ]


def _factor(pairs: Sequence[tuple[Row, Row]], seed: int) -> Interval | None:
    """Geometric mean of the ratios of encode times, its interval over images."""
    by_image: dict[str, list[float]] = {}
    for base, mine in pairs:
        if base["encode_s"] > 0 and mine["encode_s"] > 0:
            ratio = math.log(mine["encode_s"] / base["encode_s"])
            by_image.setdefault(mine["image"], []).append(ratio)
    if not by_image:
        return None
    found = bootstrap_mean((statistics.fmean(logs) for logs in by_image.values()), seed=seed)
    return Interval(math.exp(found.mean), math.exp(found.low), math.exp(found.high), found.n)


def _interval_cell(found: Interval | None, style: str, total: int) -> Cell:
    if found is None:
        return Cell("-")
    text = f"{found.mean:{style}} ({found.low:{style}} to {found.high:{style}})"
    if found.n < total:
        text += f", {found.n}/{total}"
    return Cell(text, found.mean, {"low": found.low, "high": found.high, "n": found.n})


def _verdict(gain: Interval | None, factor: Interval | None) -> str:
    if gain is None or gain.n < 2:
        return "-"
    if _side(gain) < 0:
        return "yes: fewer bytes"
    if gain.high <= MARGIN and factor is not None and factor.mean <= HUNDREDTH:
        return "yes: time"
    return "no"


def _agreement(gain: Interval | None, judged: Interval | None) -> str:
    if not _side(gain) or not _side(judged):
        return "open"
    return "yes" if _side(gain) == _side(judged) else "no"


def _time_notes(who: str, pairs: Sequence[tuple[Row, Row]]) -> list[str]:
    apart = sum(base.get("started") != mine.get("started") for base, mine in pairs)
    if not apart:
        return []
    return [
        f"{who}: {apart} of {len(pairs)} pairs of times come from different starts of the run; "
        "--fresh measures them side by side."
    ]


def _time_cell(results: Results, label: str) -> Cell:
    seconds = [row["encode_s"] for row in results.of(label, status="ok")]
    if not seconds:
        return Cell("-")
    median = statistics.median(seconds)
    return Cell(f"{median:.3g}", median, {"n": len(seconds)})


def _kinds_cell(results: Results, label: str, bpps: Sequence[float]) -> Cell:
    """What the bits of files are spent on, mean of the shares over files, the most first."""
    rows = [row for bpp in bpps for row in results.of(label, bpp, status="ok") if row.get("kinds")]
    if not rows:
        return Cell("-")
    shares: Counter[str] = Counter()
    for row in rows:
        whole = math.fsum(row["kinds"].values())
        for kind, bits in row["kinds"].items():
            shares[kind] += 100 * bits / max(whole, 1e-9) / len(rows)
    parts = [f"{kind} {share:.0f} %" for kind, share in shares.most_common() if share >= 0.5]
    return Cell(", ".join(parts), None, dict(shares))


def _gains(
    results: Results,
    base: str,
    label: str,
    metrics: Sequence[str],
    bpps: Sequence[float],
    seed: int,
) -> tuple[dict[str, Interval | None], list[str]]:
    """BD-rate by metric, None where no image has a figure, and what is to be said of them."""
    gains: dict[str, Interval | None] = {}
    said: list[str] = []
    for metric in metrics:
        rates, _, flags = paired_bd(results, base, label, metric, bpps)
        gains[metric] = bootstrap_mean(rates, seed=seed) if rates else None
        said += flagged(get_metric(metric).label, flags)
    return gains, said


def gain_table(
    results: Results,
    formats: dict[str, dict[str, str]],
    metrics: Sequence[str],
    judges: Sequence[str],
    *,
    low: float,
    high: float,
    seed: int,
) -> Table:
    """BD-rates and encode times of all encoders against the search of the same format.

    Parameters
    ----------
    results : Results
    formats : dict
        See `encoders.encoders_by_format`.
    metrics, judges : sequence of str
        The first metric decides; each judge is asked whether it agrees.
    low, high : float
        Budgets in bits per pixel that BD-rates use, both included.
    seed : int
    """
    bpps = [bpp for bpp in results.bpps if low <= bpp <= high]
    # The judges stand beside the measure that they judge.
    shown = [*metrics[:1], *judges, *metrics[1:]]
    columns = ["codec", "encoder"]
    for metric in shown:
        columns.append(f"BD-rate {get_metric(metric).label} %")
        columns += [f"{get_metric(metric).label} agrees"] if metric in judges else []
    told = any(row.get("kinds") for row in results.rows)
    columns += [*["bits"] * told, "encode s", f"x {BASE}", "earns its place"]
    body, notes = [], _gain_notes(bpps, judges, metrics)
    for name, labels in formats.items():
        base = labels.get(BASE)
        if base is None:
            notes.append(f"{name}: no rows of {BASE}, so there is nothing to compare with.")
        for encoder, label in labels.items():
            time = [_kinds_cell(results, label, bpps)] * told + [_time_cell(results, label)]
            if base is None or label == base:
                blank = Cell("")
                cells = [*[blank] * (len(columns) - 4 - len(time)), *time, blank, blank]
            else:
                gains, flags = _gains(results, base, label, shown, bpps, seed)
                pairs = _pairs(results, base, label)
                factor = _factor(pairs, seed)
                cells = []
                for metric, gain in gains.items():
                    cells.append(_interval_cell(gain, "+.1f", len(results.images)))
                    if metric in judges:
                        cells.append(word(_agreement(gains[shown[0]], gain)))
                cells += [*time, _interval_cell(factor, ".3g", len(results.images))]
                cells.append(word(_verdict(gains[shown[0]], factor)))
                notes += [f"{name}, {encoder}, {flag}" for flag in flags]
                notes += _time_notes(f"{name}, {encoder}", pairs)
            body.append((word(name), word(encoder), *cells))
    if told:
        notes.append("bits: what the payload describes, mean of the shares over files.")
    notes += _crowd(results, formats)
    return Table(
        "encoders",
        f"Encoders against the {BASE} of the same format, at equal bytes",
        tuple(columns),
        tuple(body),
        tuple(notes),
    )


def _gain_notes(bpps: Sequence[float], judges: Sequence[str], metrics: Sequence[str]) -> list[str]:
    first = get_metric(metrics[0]).label
    notes = [
        f"BD-rate: budgets {', '.join(f'{bpp:g}' for bpp in bpps) or 'none'} bpp; negative: fewer "
        f"bytes than {BASE} for the same quality, errors and similarities taken in dB. Per image, "
        "mean and 95 % bootstrap interval over images; n/N: a figure on n images only.",
        f"encode s: median wall time of all files, warm. x {BASE}: geometric mean of the ratios of "
        "times on the same image at the same budget, interval over images.",
        f"Earns its place: fewer bytes if the whole interval in {first} lies below 0; time if it "
        f"ends at +{MARGIN:g} % or lower and the encoder takes {HUNDREDTH:g} of the time or less.",
    ]
    if judges:
        notes.append(
            "Agrees: whether the gain has the same sign in a measure that nothing here is trained "
            "on; open where one of the intervals holds 0 or rests on one image."
        )
    else:
        notes.append(
            f"No outside judge was asked whether it agrees; --judge {next(iter(JUDGES))} does."
        )
    return notes


def _crowd(results: Results, formats: dict[str, dict[str, str]]) -> list[str]:
    """Say how many processes measured at once, as far as the rows know."""
    labels = [label for ways in formats.values() for label in ways.values()]
    jobs = Counter(row.get("jobs") for label in labels for row in results.of(label, status="ok"))
    known = sorted(n for n in jobs if n is not None)
    if not known or known == [1]:
        return []
    counts = " or ".join(map(str, known))
    return [f"Times were measured by {counts} processes at once, each with its share of the cores."]


def encoder_tables(
    results: Results, *, low: float = 0.05, high: float = 0.5, seed: int = 0
) -> list[Table]:
    """Tables of all formats that were filled in several ways; none if there is no such format.

    Parameters
    ----------
    results : Results
    low, high : float
        Budgets in bits per pixel that BD-rates use, both included.
    seed : int
        Of the bootstrap.
    """
    formats = encoders_by_format(results)
    metrics, judges = results.measured(METRICS), results.measured(tuple(JUDGES))
    if not formats or not metrics:
        return []
    tables = [
        quality_by_encoder(results, name, labels, [*metrics, *judges], seed)
        for name, labels in formats.items()
    ]
    return [
        *tables,
        gain_table(results, formats, metrics, judges, low=low, high=high, seed=seed),
    ]
