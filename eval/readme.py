"""The tables of README.md, made from committed results: ``python -m fractour.eval.readme``.

Between the lines ``<!-- results:NAME -->`` and ``<!-- /results -->`` stands what this module
writes; a test holds the README against the files in ``eval/results``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from .ablation import ablation_tables
from .encoder_tables import encoder_tables
from .encoders import encoders_by_format
from .rowset import Results
from .store import load_run
from .summary import bd_table, budget_table, quality_table
from .tables import Table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "eval" / "results"
_BRIEFLY = ("pure", "lineart", "clouds", "manuscript")
"""Runs of which the README shows the quality alone."""
_BLOCK = re.compile(r"(<!-- results:(\w+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def _comparison(name: str) -> list[str]:
    results = Results(load_run(RESULTS / name).rows)
    if encoders_by_format(results):
        return [table.to_markdown() for table in encoder_tables(results)]
    if name in _BRIEFLY:
        few = [quality_table(results, metric) for metric in ("psnr_rgb", "smart")]
        return [table.to_markdown() for table in few]
    tables: list[Table] = [
        quality_table(results, "psnr_rgb"),
        *(
            [quality_table(results, "smart"), bd_table(results, "smart")]
            if any(row.get("smart") is not None for row in results.rows)
            else []
        ),
        bd_table(results, "psnr_rgb"),
        bd_table(results, "psnr_y"),
        bd_table(results, "ms_ssim"),
        budget_table(results),
        *ablation_tables(results),
    ]
    return [table.to_markdown() for table in tables]


def block(name: str) -> str:
    """Markdown of the results called `name`: a run folder or a JSON file of ``eval/results``."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        path = RESULTS / name / f"{name}.json"
    if path.is_file():
        document = json.loads(path.read_text(encoding="utf-8"))
        cpu = "" if "cpu" not in document else f" CPU: {document['cpu']}."
        return f"{document['markdown'].strip()}{cpu}\n"
    return "\n".join(_comparison(name)).strip() + "\n"


def update(text: str) -> str:
    """Fill every results block of a README."""
    return _BLOCK.sub(lambda found: found[1] + block(found[2]) + found[3], text)


def main() -> None:
    """Rewrite README.md in place."""
    path = ROOT / "README.md"
    path.write_text(update(path.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stderr.write(f"{path} updated\n")


if __name__ == "__main__":
    main()
