"""Two runs over the same pictures as one, each codec under the name of its run."""

from __future__ import annotations

from pathlib import Path

from .anchors import ANCHORS
from .store import Row, Run, RunError


def _names(first: Run, second: Run) -> tuple[str, str]:
    """Tell the runs apart by the last folder names in which they differ."""
    one, two = first.folder.resolve().parts, second.folder.resolve().parts
    for at in range(1, min(len(one), len(two)) + 1):
        if one[-at] != two[-at]:
            return one[-at], two[-at]
    message = f"{first.folder} is given twice; two runs are compared with each other"
    raise RunError(message)


def _called(row: Row, run: str) -> Row:
    # The run becomes one more option, by which tables and plots tell configurations apart.
    if row["codec"] in ANCHORS:
        return row
    return {**row, "config": {**row["config"], "run": run}}


def joined(first: Run, second: Run, folder: Path) -> Run:
    """Put the rows of two runs side by side.

    Parameters
    ----------
    first, second : Run
        Pictures that only one of them has are left out, and so are budgets. An anchor that both
        measured counts once, as the first has it.
    folder : Path
        Of the result; nothing is written.

    Raises
    ------
    RunError
        If they share no picture at any budget, or are one run.
    """
    names = _names(first, second)
    keys = [
        {(row["image_sha256"], row["target_bpp"]) for row in run.rows} for run in (first, second)
    ]
    shared = keys[0] & keys[1]
    if not shared:
        message = (
            f"{first.folder} and {second.folder} share no picture at any budget; "
            "there is nothing to compare"
        )
        raise RunError(message)
    rows: list[Row] = []
    anchors = {row["codec"] for row in first.rows} & set(ANCHORS)
    for run, name, others in ((first, names[0], set()), (second, names[1], anchors)):
        rows += [
            _called(row, name)
            for row in run.rows
            if (row["image_sha256"], row["target_bpp"]) in shared and row["codec"] not in others
        ]
    # A picture may have two names; the rows of the second take that of the first.
    called: dict[str, str] = {}
    for row in rows:
        called.setdefault(row["image_sha256"], row["image"])
    rows = [{**row, "image": called[row["image_sha256"]]} for row in rows]
    images = list(dict.fromkeys(row["image"] for row in rows))
    corpus = {**first.meta["corpus"], "n_images": len(images), "images": images}
    codecs = [*first.meta["codecs"]]
    codecs += [entry for entry in second.meta["codecs"] if entry not in codecs]
    meta = {
        **first.meta,
        "command": [*first.meta["command"], "and", *second.meta["command"]],
        "corpus": {**corpus, "name": f"{corpus['name']}: {names[0]} and {names[1]}"},
        "codecs": codecs,
    }
    return Run(folder, meta, rows)
