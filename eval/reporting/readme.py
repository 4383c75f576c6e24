"""The tables of the README and of the results page: ``python -m fractour.eval.reporting.readme``.

Between the lines ``<!-- results:NAME -->`` and ``<!-- /results -->`` stands what this module
makes of committed results; a test holds both pages against the files in ``eval/results``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..judging.metrics import get_metric
from ..measuring.encoders import encoders_by_format
from ..measuring.rowset import Results
from ..measuring.store import load_run
from ..tables import Cell, Table, number, word
from .ablation import ablation_tables
from .encoder_tables import encoder_tables
from .summary import bd_table, budget_table, quality_table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "eval" / "results"
PAGES = (ROOT / "README.md", RESULTS / "README.md")
_BRIEFLY = ("pure", "lineart", "screen", "clouds", "manuscript")
"""Runs of which the quality alone is shown."""
_CONTAINER = 275
"""Bytes of AVIF files of `anchors` that are no picture, see `tiny.rivals.container_bytes`."""
_BLOCK = re.compile(r"(<!-- results:(\w+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def _comparison(name: str) -> list[str]:
    results = Results(load_run(RESULTS / name).rows)
    if encoders_by_format(results):
        return [table.to_markdown() for table in encoder_tables(results)]
    if name in _BRIEFLY:
        few = [quality_table(results, metric) for metric in ("psnr_rgb", "smart")]
        return [table.to_markdown() for table in few]
    held = results.measured(("smart", "ssimulacra2"))
    tables: list[Table] = [
        quality_table(results, "psnr_rgb"),
        *([quality_table(results, "smart"), bd_table(results, "smart")] if "smart" in held else []),
        bd_table(results, "psnr_rgb"),
        bd_table(results, "psnr_y"),
        bd_table(results, "ms_ssim"),
        *([bd_table(results, "ssimulacra2")] if "ssimulacra2" in held else []),
        budget_table(results),
        *ablation_tables(results),
    ]
    return [table.to_markdown() for table in tables]


def _relative_times(name: str) -> dict[str, Cell]:
    """Times of a bench by codec, as multiples of those of OpenJPEG."""
    (table,) = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["tables"]
    return {row["codec"]: number(float(row["x OpenJPEG"]), 1) for row in table["rows"]}


def _gains(
    results: Results, anchor: str, metrics: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, tuple[Cell, ...]]]:
    """What each codec saves against an anchor: names of measures, and BD-rates by codec."""
    held = results.measured(metrics)
    tables = [bd_table(results, metric, anchor=anchor) for metric in held]
    found: dict[str, tuple[Cell, ...]] = {}
    for codec in results.codecs:
        cells = []
        for table in tables:
            if codec == anchor:
                cells.append(number(0.0, 1))
                continue
            images = table.cell(codec, "images")
            few = "" if images.extra["n"] == images.extra["of"] else f" ({images.text})"
            gain = table.cell(codec, "BD-rate %").value
            text = "-" if gain is None or gain != gain else f"{gain:+.1f}{few}"
            cells.append(Cell(text, gain))
        found[codec] = tuple(cells)
    return tuple(get_metric(m).label for m in held), found


def _note(results: Results) -> str:
    total = len(results.images)
    return (
        f"BD-rate over {results.bpps[0]:g} to {results.bpps[-1]:g} bits per pixel, mean over "
        f"{total} images (n/{total}: a figure exists on n only); negative: fewer bytes."
    )


def _glance() -> str:
    """One line for each codec: what it saves against JPEG 2000, and how long it takes."""
    results = Results(load_run(RESULTS / "kodak").rows)
    labels, gains = _gains(results, "jpeg2000", ("psnr_rgb", "smart", "ms_ssim", "ssimulacra2"))
    times = [_relative_times(name) for name in ("bench_encode", "bench_decode")]
    return Table(
        "glance",
        "Bytes against JPEG 2000 for the same quality, %",
        ("codec", *labels, "encode", "decode"),
        tuple(
            (word(codec), *cells, *(by.get(codec, Cell("")) for by in times))
            for codec, cells in gains.items()
        ),
        (f"{_note(results)} encode, decode: times of OpenJPEG on one core.",),
    ).to_markdown()


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """Leave the container out of a row of AVIF."""
    if not row["codec"].startswith("avif") or row["status"] != "ok":
        return row
    size = row["file_bytes"] - _CONTAINER
    return {**row, "file_bytes": size, "bpp": 8 * size / (row["width"] * row["height"])}


def _avif() -> str:
    """What codecs save against AVIF less its container, by measure, on two sets of photographs."""
    tables = []
    for name in ("kodak", "cid22"):
        results = Results([_bare(row) for row in load_run(RESULTS / name).rows])
        metrics = ("psnr_rgb", "psnr_y", "smart", "ms_ssim", "ssimulacra2")
        labels, gains = _gains(results, "avif", metrics)
        body = tuple((word(codec), *cells) for codec, cells in gains.items())
        title = f"{name}: bytes against AVIF for the same quality, %"
        note = f"{_note(results)} Of AVIF {_CONTAINER} bytes a file, its container, do not count."
        tables.append(Table(name, title, ("codec", *labels), body, (note,)))
    return "\n".join(table.to_markdown() for table in tables)


def _encoders() -> str:
    """What encoders gain over search, without how good each is."""
    return encoder_tables(Results(load_run(RESULTS / "opponent").rows))[-1].to_markdown()


_PARTS = {"glance": _glance, "avif": _avif, "encoders": _encoders}
"""Blocks that are made of parts of several results."""


def block(name: str) -> str:
    """Markdown of the results called `name`: a run folder or a JSON file of ``eval/results``."""
    if name in _PARTS:
        return _PARTS[name]().strip() + "\n"
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        path = RESULTS / name / f"{name}.json"
    if path.is_file():
        document = json.loads(path.read_text(encoding="utf-8"))
        cpu = "" if "cpu" not in document else f" CPU: {document['cpu']}."
        return f"{document['markdown'].strip()}{cpu}\n"
    return "\n".join(_comparison(name)).strip() + "\n"


def update(text: str) -> str:
    """Fill every results block of a page."""
    return _BLOCK.sub(lambda found: found[1] + block(found[2]) + found[3], text)


def main() -> None:
    """Rewrite both pages in place."""
    for path in PAGES:
        path.write_text(update(path.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stderr.write(f"{path} updated\n")


if __name__ == "__main__":
    main()
