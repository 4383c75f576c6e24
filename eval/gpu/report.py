"""Results of the parts to one committed file, whose tables the pages show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..tables import Cell, Table, number, word

_FILES = ("surroundings", "identity", "throughput", "smart", "training", "train")


def _value(row: dict[str, Any], key: str, digits: int, factor: float = 1.0) -> Cell:
    if row.get(key) is None:
        return word("not measured yet")
    return number(float(row[key]) * factor, digits)


def _throughput(found: dict[str, Any]) -> Table:
    copy = found.get("copy bytes/s")
    rows = []
    for row in found.get("rows", []):
        moved = row.get("moved bytes/s kernels")
        share = None if moved is None or copy is None else 100 * moved / copy
        rows.append(
            (
                word(f"{row['codec']}, {row['size']}"),
                number(row["batch"], 0),
                _value(row, "pictures/s kernels", 0),
                _value({"share": share}, "share", 1),
                _value(row, "pictures/s synthesis", 0),
                _value(row, "pictures/s decode_many", 0),
                _value(row, "numpy synthesis, one core s", 1, 1000 / row["batch"])
                if "numpy synthesis, one core s" in row
                else word("not measured yet"),
            )
        )
    return Table(
        "gpu_throughput",
        "Decoding on a GPU, pictures a second",
        (
            "files", "batch", "kernels", "% of copy bandwidth", "with transfers", "whole files",
            "NumPy, one core, ms a picture",
        ),
        tuple(rows),
        (
            "kernels: what the device computes; with transfers: from integers on the host to "
            "pixels on the device; whole files: `fractour.decode_many`, entropy decoding on all "
            "cores. Bandwidth: 32-bit samples written and read once and pixels written, against "
            "a copy on the device.",
        ),
    )  # fmt: skip


def _facts(found: dict[str, dict[str, Any]]) -> list[str]:
    there, same, smart = (found.get(name, {}) for name in ("surroundings", "identity", "smart"))
    out = [f"Device: {there.get('device', 'not measured yet')}, CuPy {there.get('cupy', '-')}."]
    if "pictures" in same:
        wrong = len(same["different"]) + len(same["failed"])
        out.append(
            f"Same pixels on CuPy as on NumPy: {same['pictures'] - wrong} of {same['pictures']} "
            f"pictures from {same['files']} files, golden ones and generated ones of every codec."
        )
    if "cupy s" in smart:
        out.append(
            f"Smart error of 768x512: {1000 * smart['cupy s']:.1f} ms on the device, "
            f"{1000 * smart['numpy s']:.0f} ms on one core; relative difference "
            f"{smart['relative difference']:.1e}."
        )
    out += [
        f"Training {row['codec']}, {row['pictures']} crops of {row['size']} at {row['budgets']} "
        f"budgets a step: {row['steps/s']:.2f} steps/s, peak {row['peak GiB']:.1f} GiB."
        for row in found.get("training", {}).get("rows", [])
        if "steps/s" in row
    ]
    return out


def collect(folder: Path) -> dict[str, Any]:
    """Join the JSON files of a run.

    Parameters
    ----------
    folder : Path
        What ``--out`` named.

    Returns
    -------
    dict
        ``parts`` as they were written, and ``markdown``.
    """
    found = {
        name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in _FILES
        if (folder / f"{name}.json").is_file()
    }
    facts = "".join(f"- {line}\n" for line in _facts(found))
    table = _throughput(found.get("throughput", {})).to_markdown()
    return {"parts": found, "markdown": f"{facts}\n{table}"}
