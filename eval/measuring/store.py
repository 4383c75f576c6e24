"""The folder of a run: ``run.json`` and ``rows.jsonl``, written so that a crash loses nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ...shared.errors import FractourError
from ..tables import finite

SCHEMA = "fractour.run/1"
RUN_FILE = "run.json"
ROWS_FILE = "rows.jsonl"
FILES_FOLDER = "files"
FILE = "file"
"""Member of a fresh row that carries the encoded file to `keep_file`; never written as JSON."""
KEY = ("image", "image_sha256", "codec", "codec_version", "config", "target_bpp")

Row = dict[str, Any]


class RunError(FractourError):
    """A run folder cannot be used, or a worker process died."""


@dataclass(frozen=True)
class Run:
    """A run on disk.

    Parameters
    ----------
    folder : Path
    meta : dict
        Content of ``run.json``, see ``schema/run.schema.json``.
    rows : list of dict
        By codec, image and budget in the order in which they were asked for; see
        ``schema/row.schema.json``.
    """

    folder: Path
    meta: dict[str, Any]
    rows: list[Row]


def row_key(row: Row) -> str:
    """Identity of a row: image, codec with version and configuration, budget."""
    return json.dumps([row[name] for name in KEY], sort_keys=True)


def codec_key(entry: dict[str, Any]) -> str:
    """Identity of a codec in a row or in ``run.json``: name and configuration."""
    return json.dumps([entry["codec"], entry["config"]], sort_keys=True)


def read_rows(path: Path) -> list[Row]:
    """Read a rows file; a torn last line (the process died while writing) is left out.

    Raises
    ------
    RunError
        If a line other than the last is not a row.
    """
    rows: list[Row] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            row_key(row)
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            message = f"{path}, line {number} is not a result row; remove it to go on"
            raise RunError(message) from error
        rows.append(row)
    return rows


def latest(rows: Iterable[Row]) -> dict[str, Row]:
    """Last row of each key: a repeated measurement replaces the earlier one."""
    return {row_key(row): row for row in rows}


def ordered(meta: dict[str, Any], rows: Iterable[Row]) -> list[Row]:
    """Sort rows as ``run.json`` lists codecs and images; workers finish in any order."""
    codecs = {codec_key(entry): at for at, entry in enumerate(meta["codecs"])}
    images = {name: at for at, name in enumerate(meta["corpus"]["images"])}

    def place(row: Row) -> tuple[int, int, str, float]:
        return (
            codecs.get(codec_key(row), len(codecs)),
            images.get(row["image"], len(images)),
            row["image"],
            row["target_bpp"],
        )

    return sorted(rows, key=place)


def load_run(folder: str | os.PathLike[str]) -> Run:
    """Read a run folder, finished or not.

    Rows of a codec that was measured again in a later version (another format, other weights) are
    left out: they belong to an encoder that is gone, and would be averaged with those of the new.

    Raises
    ------
    RunError
        If it is not one, or was written by a newer fractour.
    """
    folder = Path(folder)
    path = folder / RUN_FILE
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{folder} holds no {RUN_FILE}; it is not the folder of a run"
        raise RunError(message) from error
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {error}; --fresh begins the run anew"
        raise RunError(message) from error
    found = meta.get("schema") if isinstance(meta, dict) else None
    if found != SCHEMA:
        message = f"{path} has schema {found!r}, this fractour reads {SCHEMA!r}"
        raise RunError(message)
    rows_path = folder / ROWS_FILE
    rows = latest(read_rows(rows_path)).values() if rows_path.exists() else ()
    current = {codec_key(entry): entry["version"] for entry in meta["codecs"]}
    rows = [row for row in rows if row["codec_version"] == current.get(codec_key(row))]
    return Run(folder, meta, ordered(meta, rows))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write to a temporary name and rename, so that the file is always whole."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def file_path(folder: Path, row: Row) -> Path:
    """Where the encoded file of a row lies, if it was kept."""
    return folder / FILES_FOLDER / f"{row['codec']}-{row['bitstream_sha256'][:20]}"


def keep_file(folder: Path, row: Row) -> None:
    """Take the encoded file out of a fresh row and write it beside the rows.

    A page shows pictures without encoding again, and what was measured can be looked at.
    """
    data = row.pop(FILE, None)
    if data is None:
        return
    path = file_path(folder, row)
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


class RowLog:
    """Appends rows, each written out before the next is measured.

    Parameters
    ----------
    path : Path
        A torn last line in it is cut off.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            data = path.read_bytes()
            whole = data.rfind(b"\n") + 1
            # A last line without its newline may still be whole; then it counts as a row.
            tail = json.dumps(read_rows(path)[-1]) + "\n" if _ends_whole(data[whole:]) else ""
            if whole < len(data):
                with path.open("r+b") as file:
                    file.truncate(whole)
                    file.seek(whole)
                    file.write(tail.encode())
        self._file = path.open("a", encoding="utf-8")

    def append(self, row: Row) -> None:
        """Write one row."""
        self._file.write(json.dumps(finite(row), allow_nan=False) + "\n")
        self._file.flush()

    def __enter__(self) -> RowLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _ends_whole(tail: bytes) -> bool:
    try:
        row_key(json.loads(tail))
    except (ValueError, KeyError, TypeError):
        return False
    return True
