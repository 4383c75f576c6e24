"""Tables of a comparison at 32 to 500 bytes, and what our best gains over the others."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...judging.metrics import get_metric
from ...tables import Cell, Table, count, number, word
from ..store import Row
from .rows import METRICS, QUICK, SMART, ours

ASKED = {64: 2.0, 100: 1.5, 150: 1.2, 237: 1.0, 500: 1.0}
"""Decibels over the better of WebP and AVIF less its container that the project asks of itself."""
ASKED_USED = 95
_AGAINST = ("webp", "avif-bare")
_LABELS = {
    "webp": "WebP",
    "avif": "AVIF",
    "avif-bare": "AVIF less container",
    "jpeg": "JPEG",
    "thumbhash": "ThumbHash",
    "blurhash": "BlurHash",
}

Key = tuple[str, str, int]
"""Picture (by its hash), codec, bytes."""


def _by_key(rows: Sequence[Row]) -> dict[Key, Row]:
    return {
        (row["image_sha256"], row["codec"], row["target_bytes"]): row
        for row in rows
        if row["status"] == "ok"
    }


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _pictures(rows: Sequence[Row], codec: str) -> list[str]:
    return list(dict.fromkeys(row["image_sha256"] for row in rows if row["codec"] == codec))


def _head(rows: Sequence[Row]) -> tuple[list[str], list[int]]:
    """Codecs and sizes, in order."""
    return (
        list(dict.fromkeys(row["codec"] for row in rows)),
        sorted({row["target_bytes"] for row in rows}),
    )


def quality_table(rows: Sequence[Row], metric: str, group: str) -> Table:
    """One metric by codec and bytes; means over the pictures that the codec was measured on."""
    codecs, sizes = _head(rows)
    known = _by_key(rows)
    digits = 2 if metric == "psnr_rgb" else 4
    body = []
    for codec in codecs:
        pictures = _pictures(rows, codec)
        cells = [word(_LABELS.get(codec, codec)), number(len(pictures))]
        for size in sizes:
            found = [
                row[metric]
                for image in pictures
                if (row := known.get((image, codec, size))) and row[metric] is not None
            ]
            whole = len(found) == len(pictures)
            n = len(found), len(pictures)
            cells.append(number(_mean(found), digits) if whole else count(*n))
        body.append(tuple(cells))
    if metric == SMART:
        label = "smart error at 128 pixels (smaller is better)"
    else:
        label = get_metric(metric).label
    return Table(
        f"tiny_{metric}",
        f"{group}: {label}, by bytes",
        ("codec", "pictures", *map(str, sizes)),
        tuple(body),
    )


def _best(known: dict[Key, Row], image: str, codecs: Sequence[str], size: int) -> Row | None:
    rows = [row for codec in codecs if (row := known.get((image, codec, size)))]
    return max(rows, key=lambda row: row["psnr_rgb"] or math.inf, default=None)


def gain_table(groups: dict[str, Sequence[Row]]) -> Table:
    """What the best of ours gains over the better of WebP and AVIF less its container."""
    _, sizes = _head([row for rows in groups.values() for row in rows])
    body = []
    for group, rows in groups.items():
        known = _by_key(rows)
        mine = [codec for codec in ours() if _pictures(rows, codec)]
        quick = [codec for codec in QUICK if codec in mine]
        slow = next((codec for codec in mine if codec not in QUICK), None)
        choices = [(quick, _pictures(rows, quick[0]))] if quick else []
        if slow:
            choices.append((mine, _pictures(rows, slow)))
        for codecs, pictures in choices:
            gains, used = [], []
            for size in sizes:
                best = [_best(known, image, codecs, size) for image in pictures]
                others = [_best(known, image, _AGAINST, size) for image in pictures]
                pairs = [(a, b) for a, b in zip(best, others, strict=True) if a and b]
                whole = len(pairs) == len(pictures)
                gain = _mean([a["psnr_rgb"] - b["psnr_rgb"] for a, b in pairs])
                text = "" if gain is None else f"{gain:+.2f}"
                few = "" if whole else f" ({len(pairs)}/{len(pictures)})"
                gains.append(Cell(text + few, gain, {"n": len(pairs), "of": len(pictures)}))
                share = _mean([100 * a["counted_bytes"] / size for a in best if a])
                used.append(number(share, 1))
            head = (word(group), word(", ".join(codecs)), number(len(pictures)))
            body.append((*head, word("gain, dB"), *gains))
            body.append((*head, word("bytes used, %"), *used))
    asked = [
        Cell(f"{ASKED[size]:+.1f}", ASKED[size]) if size in ASKED else Cell("") for size in sizes
    ]
    blank = (Cell(""),) * 2
    body.append((word("asked"), *blank, word("gain, dB"), *asked))
    body.append((word("asked"), *blank, word("bytes used, %"), *[number(ASKED_USED)] * len(sizes)))
    return Table(
        "tiny_gain",
        "The best of ours on each picture against the better of WebP and AVIF less its container",
        ("content", "best of", "pictures", "", *map(str, sizes)),
        tuple(body),
        (
            "Difference of PSNR-RGB at full size, mean over pictures (n/N: over the n on which the "
            "others have a file so small). Bytes used: of the budget, by the file that is best.",
        ),
        keys=4,
    )


def time_table(rows: Sequence[Row]) -> Table:
    """Median seconds of encoding and milliseconds of decoding at full size."""
    codecs, sizes = _head(rows)
    body = []
    for codec in codecs:
        if codec not in ours():
            continue
        for name, scale in (("encode, s", 1), ("decode, ms", 1000)):
            cells = [word(codec), word(name)]
            for size in sizes:
                key = "encode_s" if scale == 1 else "decode_s"
                found = sorted(
                    row[key]
                    for row in rows
                    if (row["codec"], row["target_bytes"], row["status"]) == (codec, size, "ok")
                )
                cells.append(number(found[len(found) // 2] * scale, 2) if found else Cell(""))
            body.append(tuple(cells))
    return Table(
        "tiny_times",
        "Median times by bytes, full size",
        ("codec", "", *map(str, sizes)),
        tuple(body),
        ("Wall time in one of as many processes as `--jobs` says, kernels warm.",),
        keys=2,
    )


_NOTE = (
    "Mean over pictures at full size; n/N: a file so small exists on n pictures only, or the "
    "measure does. Ours without checksum (search, effort 5), each at the scale it chose. WebP, "
    "AVIF and JPEG: the best of copies whose longer side has 8 to 256 pixels, enlarged "
    "bicubically, at the highest quality that fits. AVIF less container: without the {fixed} "
    "bytes that are the same in every file. BlurHash: a byte a character. Slow codecs are "
    "measured on the first pictures only."
)


def tiny_tables(groups: dict[str, Sequence[Row]]) -> list[Table]:
    """All tables: the gain first, every metric by group, times."""
    every = [row for rows in groups.values() for row in rows]
    fixed = sorted(
        {
            row["file_bytes"] - row["counted_bytes"]
            for row in every
            if row["codec"] == "avif-bare" and row["status"] == "ok"
        }
    )
    told = " to ".join(str(size) for size in dict.fromkeys((*fixed[:1], *fixed[-1:])))
    tables = [gain_table(groups)]
    for group, rows in groups.items():
        tables += [quality_table(rows, metric, group) for metric in METRICS]
    last = tables[-1]
    note = _NOTE.format(fixed=told or "about 275")
    tables[-1] = Table(last.name, last.title, last.columns, last.rows, (note,))
    return [*tables, time_table(every)]
