"""Size of the JavaScript decoder of tiles, and its times in Node beside those of Python.

Run ``python -m fractour.eval.measuring.javascript --corpus kodak --images 6 --out OUT.json``.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ...codecs.tiles import javascript
from ...corpora import open_corpus
from ...shared import api, container
from ...shared.errors import BackendUnavailableError, FractourError
from ..tables import Table, finite, number, word
from .bench import in_turns
from .provenance import cpu, versions

BUDGETS = (64, 200, 500, 4000)
"""Bytes of the files that are decoded."""
REPEATS = 21
TURNS = 3
"""Processes of Node, and series of calls in Python; the least of their figures counts."""
_TIMEOUT = 120
# Prints milliseconds of each call of one process: the first compiles and unpacks tables.
_SCRIPT = """
import {{ decode }} from {module};
const bytes = Uint8Array.from(atob({data}), (letter) => letter.charCodeAt(0));
const times = [];
for (let i = 0; i < {repeats}; i++) {{
  const start = performance.now();
  decode(bytes);
  times.push(performance.now() - start);
}}
console.log(JSON.stringify(times));
"""


def node() -> str:
    """Path of Node.

    Raises
    ------
    BackendUnavailableError
        If it is not installed.
    """
    found = shutil.which("node") or shutil.which("nodejs")
    if found is None:
        message = "Node is not installed (Debian: apt install nodejs)"
        raise BackendUnavailableError(message)
    return found


def _output(*words: str) -> str:
    ended = subprocess.run(
        [node(), *words], capture_output=True, text=True, check=False, timeout=_TIMEOUT
    )
    if ended.returncode:
        message = f"Node failed: {ended.stderr.strip()[-500:]}"
        raise FractourError(message)
    return ended.stdout


def sizes() -> dict[str, int]:
    """Bytes of the decoder: as it is, of which tables, and compressed by gzip."""
    text = javascript.decoder().encode()
    return {
        "plain": len(text),
        "tables": sum(map(len, re.findall(rb'"([A-Za-z0-9+/=]{999,})"', text))),
        "gzip": len(gzip.compress(text, 9, mtime=0)),
    }


def node_times(data: bytes, repeats: int = REPEATS) -> tuple[float, float]:
    """Milliseconds of the first call in a process, and the median of the others; least figures."""
    with as_file(files(javascript).joinpath(javascript.NAME)) as path:
        script = _SCRIPT.format(
            module=json.dumps(path.as_uri()),
            data=json.dumps(base64.b64encode(data).decode("ascii")),
            repeats=repeats,
        )
        turns = [json.loads(_output("--input-type=module", "-e", script)) for _ in range(TURNS)]
    return min(one[0] for one in turns), min(statistics.median(one[1:]) for one in turns)


def measured(corpus: str, images: int, budgets: Sequence[int] = BUDGETS) -> list[dict[str, Any]]:
    """Encode pictures at each budget and time the decoders; one row a budget."""
    pictures = [image.load() for image in open_corpus(corpus).images[:images]]
    rows = []
    for budget in budgets:
        found = []
        for picture in pictures:
            data = api.encode(picture, codec="tiles", budget=budget, compact=True)
            frame = container.unpack(data, max_pixels=picture.size)
            first, warm = node_times(data)
            calls = {"python": lambda data=data: api.decode(data)}
            python = min(in_turns(calls, REPEATS)["python"] for _ in range(TURNS))
            found.append(
                {
                    "bytes": len(data),
                    "reduction": frame.header.reduction,
                    "node_first_ms": first,
                    "node_ms": warm,
                    "python_ms": 1000 * python,
                }
            )
        means = {key: statistics.fmean(one[key] for one in found) for key in found[0]}
        rows.append({"budget": budget, "images": len(found), **means})
    return rows


def _tables(size: dict[str, int], rows: Sequence[dict[str, Any]], version: str) -> list[Table]:
    return [
        Table(
            "javascript_size",
            "The decoder of tiles in JavaScript",
            ("", "bytes"),
            (
                (word("one module, as it is"), number(size["plain"])),
                (word("of which tables (base64)"), number(size["tables"])),
                (word("all of it, gzip"), number(size["gzip"])),
            ),
        ),
        Table(
            "javascript_times",
            "Time to decode in Node",
            ("budget", "images", "bytes", "halved", "first call, ms", "Node, ms", "Python, ms"),
            tuple(
                (
                    number(row["budget"]),
                    number(row["images"]),
                    number(row["bytes"], 0),
                    number(row["reduction"], 1),
                    number(row["node_first_ms"], 1),
                    number(row["node_ms"], 1),
                    number(row["python_ms"], 1),
                )
                for row in rows
            ),
            (
                "Compact files, shown at full size. Means over images; halved: how often both "
                "sides were. First call: in a new process, tables unpacked, code not yet compiled; "
                f"the other times are medians of {REPEATS - 1} calls, warm. Each is the least of "
                f"{TURNS} turns. Node {version}.",
            ),
        ),
    ]


def main(arguments: list[str] | None = None) -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="kodak")
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    version = _output("--version").strip().removeprefix("v")
    size, rows = sizes(), measured(options.corpus, options.images)
    tables = _tables(size, rows, version)
    document = {
        "what": "javascript",
        "corpus": options.corpus,
        "cpu": cpu(),
        "versions": {**versions(), "node": version},
        "sizes": size,
        "rows": rows,
        "markdown": "\n".join(table.to_markdown() for table in tables),
    }
    options.out.write_text(json.dumps(finite(document), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
