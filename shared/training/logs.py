"""The log of a training: a line of JSON for each step."""

from __future__ import annotations

import json
import math
from pathlib import Path


class StepLog:
    """A file of one JSON object a line, each with its ``step``; undefined numbers are null.

    Parameters
    ----------
    path : Path
    first : int
        Steps done already. Later ones that a stopped run left, its last checkpoint being older,
        are taken back: they will be done again. 0 begins a new file.
    """

    def __init__(self, path: Path, first: int) -> None:
        self.path = path
        kept = path.read_text("utf-8").splitlines() if first and path.exists() else []
        # A run that was killed may have left half a line at the end.
        whole = [line for line in kept if line.endswith("}") and json.loads(line)["step"] <= first]
        path.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")

    def add(self, values: dict[str, float]) -> None:
        """Append one step."""
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finite) + "\n")
