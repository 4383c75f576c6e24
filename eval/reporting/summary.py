"""Tables of a comparison, from its rows.

Codecs are compared on the same images at the same numbers of bytes. Where a codec cannot
reach a budget on every image, the mean over those it does reach would flatter it (they are
the easy ones); the table then says on how many images it did.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from ..judging.metrics import JUDGES, Metric, get_metric
from ..measuring.rowset import Curve, Results
from ..measuring.store import Row, codec_key
from ..tables import Cell, Table, count, number, word
from .bdrate import LOW_OVERLAP, MIN_OVERLAP, BDError, bd_quality, bd_rate
from .bootstrap import bootstrap_mean, paired_difference

SHOWN = ("psnr_rgb", "smart", "ms_ssim", "psnr_y", "ssim", *JUDGES)
"""Metrics in the order in which tables show them."""

COMPARED = 3
"""So many of them, from the first, are drawn and get a BD-rate."""


def _problems(results: Results) -> tuple[str, ...]:
    """One note per codec and kind of error."""
    seen = Counter(
        (results.labels[codec_key(row)], f"{row['error']}: {row['message']}")
        for row in results.rows
        if row["status"] == "error"
    )
    return tuple(f"{codec}: {n} failed, {what}." for (codec, what), n in seen.items())


def _heads(bpps: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{bpp:g}" for bpp in bpps)


def _direction(what: Metric) -> str:
    return "" if what.higher_is_better else " (smaller is better)"


def mean_cell(results: Results, codec: str, bpp: float, metric: str, seed: int) -> Cell:
    """Mean of a metric over all images ± half its interval, or on how many it has a value."""
    if not results.of(codec, bpp):
        return Cell("")
    digits = get_metric(metric).digits
    values = results.values(codec, bpp, metric)
    if len(values) < len(results.images):
        return count(len(values), len(results.images))
    mean = bootstrap_mean((values[image] for image in results.images), seed=seed)
    text = f"{mean.mean:.{digits}f} ±{mean.half:.{digits}f}"
    return Cell(text, mean.mean, {"low": mean.low, "high": mean.high, "n": mean.n})


def quality_table(results: Results, metric: str = "psnr_rgb", *, seed: int = 0) -> Table:
    """Mean of a metric by codec and budget, with half the 95 % bootstrap interval."""
    what = get_metric(metric)
    total = len(results.images)
    body = []
    for codec in results.codecs:
        cells = (mean_cell(results, codec, bpp, metric, seed) for bpp in results.bpps)
        body.append((word(codec), *cells))
    unit = f", {what.unit}" if what.unit else ""
    return Table(
        metric,
        f"{what.label}{unit}{_direction(what)}, by bits per pixel",
        ("codec", *_heads(results.bpps)),
        tuple(body),
        (
            f"Mean over {total} images at equal bytes ± half the 95 % bootstrap interval over "
            "images; n/N: a value exists on n images only, so there is no mean.",
            *_problems(results),
        ),
    )


def gap_table(
    results: Results, metric: str = "psnr_rgb", *, anchor: str = "jpeg2000", seed: int = 0
) -> Table:
    """Paired difference of a metric to an anchor at equal bytes, by codec and budget."""
    what = get_metric(metric)
    total = len(results.images)
    body = []
    for codec in results.codecs:
        if codec == anchor:
            continue
        cells = [word(codec)]
        for bpp in results.bpps:
            base, mine = (results.values(name, bpp, metric) for name in (anchor, codec))
            shared = set(base) & set(mine)
            if len(shared) < total:
                cells.append(count(len(shared), total))
                continue
            gap = paired_difference(base, mine, seed=seed)
            text = f"{gap.mean:+.{what.digits}f} ±{gap.half:.{what.digits}f}"
            cells.append(Cell(text, gap.mean, {"low": gap.low, "high": gap.high, "n": gap.n}))
        body.append(tuple(cells))
    unit = f", {what.unit}" if what.unit else ""
    return Table(
        f"{metric}_gap",
        f"{what.label} minus that of {anchor}{unit}{_direction(what)}, by bits per pixel",
        ("codec", *_heads(results.bpps)),
        tuple(body),
        (
            f"Differences per image at equal bytes, mean over {total} images ± half the 95 % "
            "bootstrap interval.",
        ),
    )


PART_OF_THE_RANGE = f"less than {LOW_OVERLAP:.0%} of the joint range shared"
_FLAGS = {
    "anchor": "dominated points of the anchor dropped",
    "test": "dominated points dropped",
    "overlap": PART_OF_THE_RANGE,
}


def _mean_curve(results: Results, codec: str, metric: str, bpps: Sequence[float]) -> Curve:
    """Mean rate to mean value, at budgets that every image reaches."""
    curve = {}
    for bpp in bpps:
        values = results.values(codec, bpp, metric)
        if len(values) == len(results.images):
            rates = results.values(codec, bpp, "bpp")
            curve[math.fsum(rates.values()) / len(rates)] = math.fsum(values.values()) / len(values)
    return curve


def paired_bd(
    results: Results,
    anchor: str,
    codec: str,
    metric: str,
    bpps: Sequence[float],
    min_overlap: float = MIN_OVERLAP,
) -> tuple[list[float], list[float], Counter[str]]:
    """BD-rate and BD-quality of a codec against an anchor, image by image.

    Returns
    -------
    rates, gains : list of float
        One per image that has a figure: percent, and the unit of the metric's scale.
    flags : Counter
        What is to be said of images, for `flagged`.
    """
    scale = get_metric(metric).scale
    rates: list[float] = []
    gains: list[float] = []
    flags: Counter[str] = Counter()
    for image in results.images:
        base, mine = (results.curve(name, image, metric, bpps) for name in (anchor, codec))
        points = (base.keys(), base.values(), mine.keys(), mine.values())
        try:
            rate = bd_rate(*points, min_overlap=min_overlap, scale=scale)
            gain = bd_quality(*points, min_overlap=min_overlap, scale=scale)
        except BDError as error:
            flags[f"no figure ({error})"] += 1
            continue
        rates.append(rate.value)
        gains.append(gain.value)
        flags.update(_FLAGS[note.split(":")[0]] for note in rate.notes)
    return rates, gains, flags


def bd_table(
    results: Results,
    metric: str = "psnr_rgb",
    *,
    anchor: str = "jpeg2000",
    low: float = 0.05,
    high: float = 0.5,
    min_overlap: float = MIN_OVERLAP,
    seed: int = 0,
) -> Table:
    """BD-rate and BD-quality of every codec against an anchor, paired per image.

    Parameters
    ----------
    low, high : float
        Budgets in bits per pixel that are used, both included.
    min_overlap : float
        See `bdrate.bd_rate`.
    """
    what = get_metric(metric)
    bpps = [bpp for bpp in results.bpps if low <= bpp <= high]
    total = len(results.images)
    notes = [
        f"Budgets {', '.join(_heads(bpps)) or 'none'} bpp; negative BD-rate: fewer bytes than "
        f"{anchor} for the same {what.label}. PCHIP on log rate per image, mean over images with "
        "the 95 % bootstrap interval; beside it the figure of the mean curves, over budgets that "
        "both reach on every image."
    ]
    body = []
    for codec in results.codecs:
        if codec == anchor or anchor not in results.codecs:
            continue
        rates, gains, flags = paired_bd(results, anchor, codec, metric, bpps, min_overlap)
        notes += flagged(codec, flags)
        body.append(
            (
                word(codec),
                *_interval_cells(rates, seed),
                count(len(rates), total),
                _of_means(results, anchor, codec, metric, bpps, min_overlap),
                _interval_cells(gains, seed, digits=3)[0],
            )
        )
    unit = what.scale_label or f"{what.label}, {what.unit}"
    return Table(
        f"{metric}_bd",
        f"BD-rate against {anchor}, {what.label}",
        ("codec", "BD-rate %", "95 %", "images", "of means %", f"BD {unit}"),
        tuple(body),
        tuple(notes) if anchor in results.codecs else (f"The rows hold no {anchor}.",),
    )


def flagged(codec: str, flags: Counter[str]) -> list[str]:
    """Notes on images without a figure (one example says why) and on dropped points."""
    failed = [(what, n) for what, n in flags.items() if what.startswith("no figure")]
    notes = [
        f"{codec}: {what} on {n} images." for what, n in flags.items() if (what, n) not in failed
    ]
    if failed:
        images = sum(n for _, n in failed)
        notes.append(f"{codec}: {images} images without a figure; of one: {failed[0][0][11:-1]}.")
    return notes


def _interval_cells(values: Sequence[float], seed: int, digits: int = 2) -> tuple[Cell, Cell]:
    if not values:
        return Cell("-"), Cell("-")
    mean = bootstrap_mean(values, seed=seed)
    extra = {"low": mean.low, "high": mean.high, "n": mean.n}
    both = f"{mean.low:+.{digits}f} to {mean.high:+.{digits}f}"
    return Cell(f"{mean.mean:+.{digits}f}", mean.mean, extra), Cell(both, None, extra)


def _of_means(
    results: Results,
    anchor: str,
    codec: str,
    metric: str,
    bpps: Sequence[float],
    min_overlap: float,
) -> Cell:
    base, mine = (_mean_curve(results, name, metric, bpps) for name in (anchor, codec))
    try:
        found = bd_rate(
            base.keys(),
            base.values(),
            mine.keys(),
            mine.values(),
            min_overlap=min_overlap,
            scale=get_metric(metric).scale,
        )
    except BDError:
        return Cell("-")
    return Cell(f"{found.value:+.2f}", found.value, {"points": len(mine)})


def budget_table(results: Results) -> Table:
    """Whether budgets are kept, and how much of them is used."""
    body = []
    for codec in results.codecs:
        rows, done = results.of(codec), results.of(codec, status="ok")
        use = [100 * row["file_bytes"] / row["target_bytes"] for row in done]
        over = [row["file_bytes"] - row["target_bytes"] for row in done]
        body.append(
            (
                word(codec),
                count(len(done), len(rows)),
                number(len(results.of(codec, status="error"))),
                number(sum(excess > 0 for excess in over)),
                number(max([0, *over])),
                number(math.fsum(use) / len(use) if use else None, 1),
                number(min(use, default=None), 1),
            )
        )
    return Table(
        "budget",
        "Budgets",
        ("codec", "reached", "errors", "over", "most over, bytes", "mean use %", "least use %"),
        tuple(body),
        ("A budget is the whole file, headers included; over: files larger than it.",),
    )


def time_table(results: Results) -> Table:
    """Seconds to encode and decode, as measured beside everything else that ran."""
    body = []
    for codec in results.codecs:
        done = results.of(codec, status="ok")
        cells = [word(codec)]
        for field, factor, digits in (("encode_s", 1.0, 3), ("decode_s", 1e3, 2)):
            times = sorted(factor * row[field] for row in done)
            cells.append(number(times[len(times) // 2] if times else None, digits))
            cells.append(number(times[-1] if times else None, digits))
        body.append((*cells, number(len(done))))
    return Table(
        "time",
        "Time",
        ("codec", "encode s", "encode max s", "decode ms", "decode max ms", "files"),
        tuple(body),
        (
            "Median and longest wall time of one call, all files alike, beside whatever else the "
            "machine did; an anchor's search for its quality is not counted.",
        ),
    )


def bits_table(results: Results) -> Table:
    """Share of the file by kind of element, percent, mean over images."""
    kinds = list(dict.fromkeys(kind for row in results.rows for kind in row["bits"]))
    body = []
    for codec in results.codecs:
        for bpp in results.bpps:
            done = [row for row in results.of(codec, bpp, status="ok") if row["bits"]]
            if not done:
                continue
            size = [8 * row["file_bytes"] for row in done]
            shares = []
            for kind in kinds:
                parts = [row["bits"].get(kind) or 0.0 for row in done]
                shares.append(
                    100 * math.fsum(p / s for p, s in zip(parts, size, strict=True)) / len(done)
                )
            rest = number(100 - math.fsum(shares), 1)
            cells = (number(share, 1) for share in shares)
            body.append((word(codec), number(bpp, 3), number(len(done)), *cells, rest))
    return Table(
        "bits",
        "Bits by kind of element, % of the file",
        ("codec", "bpp", "images", *kinds, "rest"),
        tuple(body),
        ("rest: headers, checksums and what the codec does not account for.",),
        keys=2,
    )


def all_tables(
    rows: Iterable[Row],
    *,
    anchor: str = "jpeg2000",
    low: float = 0.05,
    high: float = 0.5,
    metrics: Sequence[str] = SHOWN,
    seed: int = 0,
) -> list[Table]:
    """Every table that the rows allow, in the order in which they are read.

    The anchor is a label, or the name of a codec: see `rowset.Results.find`.
    """
    results = Results(rows)
    metrics = [metric for metric in metrics if any(metric in row for row in results.rows)]
    tables = [quality_table(results, metric, seed=seed) for metric in metrics]
    base = results.find(anchor)
    if base is not None and len(results.codecs) > 1:
        tables += [gap_table(results, metric, anchor=base, seed=seed) for metric in metrics[:1]]
        tables += [
            bd_table(results, metric, anchor=base, low=low, high=high, seed=seed)
            for metric in metrics[:COMPARED]
        ]
    tables += [budget_table(results), time_table(results)]
    if any(row["bits"] for row in results.rows):
        tables.append(bits_table(results))
    return tables
