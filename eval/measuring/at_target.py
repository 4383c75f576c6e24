"""The other way round: bytes that codecs need for one smart error, by corpus.

At equal bytes a cloud is good and a manuscript is bad. At equal error the content decides the
bytes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...shared import api
from ...shared.errors import BudgetError, FractourError
from ..judging.metrics import measure
from ..tables import Cell, Table, count, number, word
from .measure import DEFAULTS, CodecSpec
from .store import Row

PHOTOGRAPHS = "photographs"


def groups_of(corpora: Iterable[Any], images: int | None = None) -> dict[str, list[Any]]:
    """Arrange images in groups: one per corpus; of ``default`` one per kind of picture.

    Parameters
    ----------
    corpora : iterable of Corpus
    images : int, optional
        First images of each group only.
    """
    from ...corpora.synthetic import MAKERS

    groups: dict[str, list[Any]] = {}
    for corpus in corpora:
        for image in corpus.images:
            group = corpus.name
            if corpus.name in ("default", "synthetic"):
                group = image.name if image.name in MAKERS else PHOTOGRAPHS
            groups.setdefault(group, []).append(image)
    return {group: members[:images] for group, members in groups.items()}


def measure_at_target(group: str, image: Any, spec: CodecSpec, target: float) -> Row:
    """Encode one image to a smart error; return what it took.

    Returns
    -------
    dict
        group, image, codec, config, target, width, height, status (ok or unreachable), and if
        ok file_bytes, bpp, smart, psnr_rgb and encode_s.
    """
    pixels = image.load()
    row: Row = {
        "group": group,
        "image": image.name,
        "image_sha256": image.sha256,
        "codec": spec.label,
        "target": target,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
    }
    start = time.perf_counter()
    try:
        data = api.encode(pixels, codec=spec.codec, target=target, **(DEFAULTS | spec.config))
    except BudgetError as error:
        return row | {"status": "unreachable", "message": str(error)}
    seconds = time.perf_counter() - start
    found = measure(pixels, api.decode(data).reshape(pixels.shape), ("smart", "psnr_rgb"))
    return row | {
        "status": "ok",
        "file_bytes": len(data),
        "bpp": 8 * len(data) / (pixels.shape[0] * pixels.shape[1]),
        **found,
        "encode_s": round(seconds, 3),
    }


def run_at_target(
    groups: dict[str, list[Any]],
    codecs: Sequence[CodecSpec],
    target: float,
    progress: Callable[[float], None] | None = None,
) -> list[Row]:
    """Measure every image of every group with every codec.

    Raises
    ------
    FractourError
        If there is nothing to measure, or a codec is an anchor: those know no target.
    """
    from .anchors import ANCHORS

    wrong = [spec.codec for spec in codecs if spec.codec in ANCHORS]
    if wrong or not codecs or not groups or not (math.isfinite(target) and target > 0):
        message = "--at-target takes a positive smart error, images and fractour codecs" + (
            f"; {', '.join(wrong)} is an anchor" if wrong else ""
        )
        raise FractourError(message)
    work = [(group, image, spec) for group in groups for image in groups[group] for spec in codecs]
    rows = []
    for done, (group, image, spec) in enumerate(work, 1):
        rows.append(measure_at_target(group, image, spec, target))
        if progress is not None:
            progress(done / len(work))
    return rows


def at_target_table(rows: Sequence[Row]) -> Table:
    """Mean bits per pixel by group and codec, and how many times those of the cheapest group."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    codecs = list(dict.fromkeys(row["codec"] for row in rows))
    means: dict[tuple[str, str], float | None] = {}
    reached: dict[tuple[str, str], tuple[int, int]] = {}
    for group in groups:
        for codec in codecs:
            mine = [row for row in rows if (row["group"], row["codec"]) == (group, codec)]
            rates = [row["bpp"] for row in mine if row["status"] == "ok"]
            reached[group, codec] = len(rates), len(mine)
            # A mean over the easy images alone would flatter the codec.
            full = len(rates) == len(mine) and bool(rates)
            means[group, codec] = math.fsum(rates) / len(rates) if full else None
    body = []
    for group in groups:
        cells = [word(group), number(max(reached[group, codec][1] for codec in codecs))]
        for codec in codecs:
            mean = means[group, codec]
            known = [value for g in groups if (value := means[g, codec]) is not None]
            if mean is None:
                cells += [count(*reached[group, codec]), Cell("")]
            else:
                cells += [number(mean, 4), number(mean / min(known), 1)]
        body.append(tuple(cells))
    columns = ["content", "images"]
    for codec in codecs:
        columns += [f"{codec} bpp", f"{codec} x least"]
    target = rows[0]["target"] if rows else 0
    return Table(
        "at_target",
        f"Bits per pixel for a smart error of {target:g}",
        tuple(columns),
        tuple(body),
        (
            "The smallest file found by bisection whose decoded picture has at most this error; "
            "mean over images. x least: times the content that needs the fewest. n/N: reached on n "
            "images only.",
        ),
    )
