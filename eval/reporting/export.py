"""Rows of a run as a flat table for other programs: CSV, or Parquet through pyarrow."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...shared.errors import BackendUnavailableError, FractourError
from ..measuring.store import Row
from ..tables import finite

ENDINGS = (".csv", ".parquet")


def flat(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Flatten rows: every row has every column; options and kinds of bits get one each.

    Parameters
    ----------
    rows : iterable of dict
        Result rows.
    """
    flattened = []
    for row in rows:
        cells: dict[str, Any] = {}
        for name, value in finite(row).items():
            if isinstance(value, dict):
                cells |= {f"{name}.{key}": inner for key, inner in value.items()}
            else:
                cells[name] = value
        flattened.append(cells)
    columns = list(dict.fromkeys(name for cells in flattened for name in cells))
    return [{name: cells.get(name) for name in columns} for cells in flattened]


def parquet() -> Any:
    """Return pyarrow's writer.

    Raises
    ------
    BackendUnavailableError
        If pyarrow is missing.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        message = "Parquet needs pyarrow: pip install 'fractour[parquet]'; CSV needs nothing"
        raise BackendUnavailableError(message) from error
    return pyarrow.parquet


def export(rows: Iterable[Row], path: Path) -> None:
    """Write rows to ``.csv`` or ``.parquet``.

    Raises
    ------
    FractourError
        If the ending is another.
    BackendUnavailableError
        If pyarrow is missing.
    """
    table = flat(rows)
    if path.suffix == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(table[0]) if table else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        path.write_text(text.getvalue(), encoding="utf-8")
    elif path.suffix == ".parquet":
        writing = parquet()
        import pyarrow

        # One type a column: an option may be a number here and a word there.
        for name in table[0] if table else ():
            kinds = {type(cells[name]) for cells in table} - {type(None)}
            if len(kinds) > 1 and not kinds <= {int, float}:
                for cells in table:
                    if cells[name] is not None:
                        cells[name] = json.dumps(cells[name])
        writing.write_table(pyarrow.Table.from_pylist(table), path)
    else:
        message = f"rows are exported to {' or '.join(ENDINGS)}, not {path.name}"
        raise FractourError(message)
