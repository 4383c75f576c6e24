"""The contour codec's FORMAT.md says what the code does, where that can be read off the text."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
from fractour.codecs.contour import contexts, layout
from fractour.codecs.contour import format as syntax

TEXT = (Path(__file__).resolve().parents[1] / "codecs" / "contour" / "FORMAT.md").read_text("utf-8")


def test_the_text_names_the_tables() -> None:
    """New tables are a new format version; until the first release the text follows them."""
    tables = syntax.initial_tables()
    found = []
    for name, kind in (("probability", "uint16"), ("confidence", "uint8"), ("weights", "int32")):
        values = getattr(tables, name).astype(np.dtype(kind).newbyteorder("<"))
        digest = hashlib.sha256(values.tobytes()).hexdigest()
        found.append((name, kind, str(values.size), digest))
    assert re.findall(r"`(\w+)`: `\w` \| (\w+) \| (\d+) \| `([0-9a-f]{64})`", TEXT) == found


def test_the_text_names_the_contexts() -> None:
    stated = re.findall(r"\| (\d+) \| ([A-Z_]+) \| (\d+) \| (\d+) \| (\d+) (?=\|)", TEXT)
    found = [
        (str(i), name, *(str(x) for x in row))
        for i, (name, *row) in enumerate(
            zip(
                contexts._names,
                contexts.LENGTHS,
                contexts.FIRST_AT,
                contexts.SECOND_AT,
                strict=True,
            )
        )
    ]
    assert sorted(stated, key=lambda row: int(row[0])) == found
    assert f"`{contexts.ROW} + {contexts.ROW_STRIDE} * no" in TEXT
    assert f"`{contexts.SHARED_ROW} + 2 * no`" in TEXT
    assert f"{contexts.CONTEXTS} contexts, {contexts.WEIGHTS} weights" in TEXT


def test_the_text_names_the_constants() -> None:
    numbers = " ".join(str(x) for x in layout._SIXTEENTHS)
    assert f"    {numbers}\n" in TEXT
    assert f"part = {layout._RADIUS}" in TEXT
    assert "`ACROSS[0..7]` = " + " ".join(map(str, layout.ACROSS)) in TEXT
    pairs = " ".join(str(pair) for pair in layout.PAIRS)
    assert pairs in " ".join(TEXT.split())
    cosine = layout.cosines()
    for at, value in re.findall(r"`COS\[(\d+)\] = (-?\d+)`", TEXT):
        assert cosine[int(at)] == int(value)
