"""What the first use of each codec costs: CPU seconds of a process that finds no compiled kernel.

Run ``python -m fractour.eval.measuring.cold_start --out eval/results/cold_start.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...corpora import open_corpus
from ...shared import api
from ...shared.errors import FractourError
from ..tables import Table, number, word
from .provenance import cpu, versions

CODECS = ("wavelet", "tiles", "pifs", "contour")
SIDE = 256
"""Of the square that is cut out of the picture, pixels."""
BPP = 0.2
TURNS = 2
"""Processes with a full cache; the least of their figures counts."""
_DECODE = "import sys, fractour; fractour.decode(open(sys.argv[1], 'rb').read())"
_ENCODE = """
import sys, fractour, numpy
fractour.encode(numpy.load(sys.argv[1]), codec=sys.argv[2], budget=int(sys.argv[3]))
"""


def _seconds(cache: Path, script: str, *words: str) -> float:
    """CPU seconds of a process that runs `script`, user and system, all threads."""
    environment = {**os.environ, "FRACTOUR_CACHE": str(cache)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        message = f"a process failed: {ended.stderr.strip()[-500:]}"
        raise FractourError(message)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(codecs: Sequence[str] = CODECS) -> tuple[list[dict[str, Any]], float]:
    """Measure each codec on a cache of its own, then all of them on one.

    Returns
    -------
    rows : list of dict
        ``codec``, and CPU seconds of a process: ``decode_cold``, ``decode_warm``,
        ``encode_cold``, ``encode_warm``.
    together : float
        Sum over the first decode and the first encode of all codecs, one cache for all.
    """
    picture = open_corpus("default").images[0].load()
    pixels = np.ascontiguousarray(picture[:SIDE, :SIDE])
    budget = int(pixels.shape[0] * pixels.shape[1] * BPP / 8)
    rows, together = [], 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "pixels.npy", pixels)
        for codec in codecs:
            (folder / f"{codec}.frc").write_bytes(api.encode(pixels, codec=codec, budget=budget))
            calls = {
                "decode": (_DECODE, str(folder / f"{codec}.frc")),
                "encode": (_ENCODE, str(folder / "pixels.npy"), codec, str(budget)),
            }
            row: dict[str, Any] = {"codec": codec}
            for what, call in calls.items():
                cache = folder / f"{codec}-{what}"
                row[f"{what}_cold"] = _seconds(cache, *call)
                row[f"{what}_warm"] = min(_seconds(cache, *call) for _ in range(TURNS))
                together += _seconds(folder / "all", *call)
            rows.append(row)
    return rows, together


def _table(rows: Sequence[dict[str, Any]], together: float) -> Table:
    keys = ("decode_cold", "decode_warm", "encode_cold", "encode_warm")
    return Table(
        "cold_start",
        "First use of a codec, CPU seconds of a process",
        ("codec", "first decode", "later", "first encode", "later"),
        tuple((word(row["codec"]), *(number(row[key], 1) for key in keys)) for row in rows),
        (
            f"A square of {SIDE} pixels at {BPP} bpp; user and system time of the whole process, "
            "Python and its imports included. First: no kernel is compiled yet. The first decode "
            f"and the first encode of all of them, one after the other: {together:.0f} s.",
        ),
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    rows, together = measured()
    document = {
        "what": "cold_start",
        "cpu": cpu(),
        "versions": versions(),
        "rows": rows,
        "together": together,
        "markdown": _table(rows, together).to_markdown(),
    }
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
