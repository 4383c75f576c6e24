"""``compare --tiny``: our formats and others at 32 to 500 bytes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..options import listed
from ..output import UsageError, notice, print_json, print_tables, progress, say


def compare_tiny(
    corpora: str,
    codec: list[str] | None,
    images: int | None,
    out: Path | None,
    *,
    jobs: int,
    resume: bool,
    as_json: bool,
) -> None:
    """Measure, keep rows and tables in a folder, print the tables."""
    from ....corpora.catalog import open_corpus
    from ...measuring.at_target import groups_of
    from ...measuring.provenance import environment
    from ...measuring.store import write_json
    from ...measuring.tiny.rivals import RIVALS, rivals_here
    from ...measuring.tiny.rows import codecs_here, ours, run_tiny
    from ...measuring.tiny.tables import tiny_tables
    from ...tables import finite

    here = codecs_here()
    codecs = listed(*codec) if codec else here
    for name in codecs:
        if name not in here:
            known = ", ".join([*ours(), *RIVALS])
            message = f"--tiny compares {known}, as far as they are installed; not {name!r}"
            raise UsageError(message)
    if not codec and len(rivals_here()) < len(RIVALS):
        missing = ", ".join(name for name in RIVALS if name not in here)
        notice(f"left out: {missing}; pip install fast-thumbhash blurhash")
    groups = groups_of((open_corpus(name) for name in listed(corpora)), images)
    folder = out or Path("results") / f"tiny-{'-and-'.join(Path(c).name for c in listed(corpora))}"
    say(f"{sum(map(len, groups.values()))} pictures, {len(codecs)} codecs -> {folder}")
    with progress("comparing tiny files") as update:
        try:
            rows = run_tiny(
                groups,
                folder,
                codecs=codecs,
                jobs=jobs or os.cpu_count() or 1,
                fresh=not resume,
                progress=update,
            )
        except KeyboardInterrupt:
            say(f"finished rows are kept in {folder}; the same command goes on from there")
            raise
    for row in rows:
        if row["status"] == "error":
            notice(f"{row['codec']} on {row['image']}: {row['message']}")
    members = {group: {image.name for image in found} for group, found in groups.items()}
    tables = tiny_tables(
        {g: [row for row in rows if row["image"] in names] for g, names in members.items()}
    )
    document = {
        "what": "tiny",
        **environment(["fractour", *sys.argv[1:]]),
        "groups": {group: sorted(names) for group, names in members.items()},
        "tables": [table.to_dict() for table in tables],
        "markdown": "\n".join(table.to_markdown() for table in tables),
    }
    write_json(folder / "tiny.json", finite(document))
    say(f"{folder}: tiny.json, rows.jsonl, files")
    if as_json:
        print_json(document)
    else:
        print_tables(tables)
