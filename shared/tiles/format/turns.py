"""Turns: secondary transforms of a leaf's lowest coefficients, and which one a leaf takes.

An edge that runs obliquely is many cosines. A turn is an orthonormal transform, trained on
pictures, under which such leaves have few levels (Sezer, Guleryuz and Altunbasak [1]_); what it
makes of the levels are the coefficients of the cosine transform. Each table serves in several
variants: as it is, transposed, mirrored, and both.

References
----------
.. [1] O. G. Sezer, O. G. Guleryuz, Y. Altunbasak, "Approximation and compression with sparse
   orthonormal transforms", IEEE Trans. Image Processing 24, 2015, doi:10.1109/TIP.2015.2414879.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from ...entropy import CONTEXT, decide
from .contexts import (
    TURN_ANY_AT,
    TURN_ANY_ROW,
    TURN_ANY_ROW2,
    TURN_BITS,
    TURN_GROUP,
    TURN_GROUPS,
    TURN_TREE_AT,
    TURN_TREE_ROW,
    TURN_TREE_ROW2,
    TURNS,
)
from .syntax import CELL_LOG, ROOT_LOG, TURNED, bit_length, int64

TABLE = Path(__file__).parent.with_name("turns.npz")
NAMES = ("four", "eight", "more")
"""Arrays of the table: of leaves of side 4, 8, and more."""
VARIANTS = 4
TABLES = TURNS // VARIANTS
DEPTH = 7
"""Last diagonal of the coefficients that a turn mixes."""
MIXED = (DEPTH + 1) * (DEPTH + 2) // 2 - 1
"""How many these are, in leaves of side 8 and more."""
SCALE_BITS = 7


def places(log: int) -> npt.NDArray[np.int64]:
    """Vertical and horizontal frequencies of the coefficients that are mixed, (n, 2)."""
    side = 1 << log
    found = [
        (u, d - u) for d in range(1, DEPTH + 1) for u in range(d + 1) if u < side and d - u < side
    ]
    return np.array(found, np.int64)


def _places() -> npt.NDArray[np.int64]:
    out = np.zeros((ROOT_LOG + 1, MIXED + 1), np.int64)
    for log in range(CELL_LOG, ROOT_LOG + 1):
        mine = places(log)
        out[log, 0] = len(mine)
        out[log, 1 : 1 + len(mine)] = mine[:, 0] << log | mine[:, 1]
    return out


PLACES = _places()
"""By the logarithm of the side: how many coefficients are mixed, then where they lie in a leaf."""
EXTENT = np.array([0, 0, 6, *[DEPTH] * (ROOT_LOG - 2)], np.int64)
"""Last diagonal of what a turn makes, by the logarithm of the side."""


def variants(log: int) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.int8]]]:
    """Order and signs, (n,) each, that a table's coefficients take in each variant."""
    mine = places(log)
    at = {(u, v): i for i, (u, v) in enumerate(mine.tolist())}
    same, transposed = np.arange(len(mine)), np.array([at[v, u] for u, v in mine.tolist()])
    plain = np.ones(len(mine), np.int8)
    mirrored = np.where(mine[:, 0] & 1, -plain, plain)
    return [(same, plain), (transposed, plain), (same, mirrored), (transposed, mirrored)]


def varied(tables: npt.NDArray[Any], log: int) -> npt.NDArray[Any]:
    """Turns (VARIANTS * n, N, N) that n tables (n, N, N) stand for: levels by coefficients."""
    out = [(tables * signs)[:, :, order] for order, signs in variants(log)]
    return np.stack(out, 1).reshape(-1, *tables.shape[1:])


@cache
def tables() -> list[npt.NDArray[np.int8]]:
    """Tables of leaves of side 4, of side 8, and of more, (TABLES, N, N) int8 each."""
    with np.load(TABLE) as file:
        return [file[name] for name in NAMES]


@cache
def matrices() -> npt.NDArray[np.int8]:
    """All turns, (TURN_GROUPS, TURNS, MIXED, MIXED) int8, SCALE_BITS: levels by coefficients.

    Leaves of side 4 mix fewer.
    """
    out = np.zeros((TURN_GROUPS, TURNS, MIXED, MIXED), np.int8)
    for group, table in enumerate(tables()):
        mine = varied(table, group + CELL_LOG)
        count = mine.shape[1]
        out[group, :, :count, :count] = mine
    return out


@compiled
def code_turn(m, want, log, grade, reach, west, north):  # type: ignore[no-untyped-def]
    """Code the turn of a leaf with detail; `west`, `north`: 0 without detail, 1 + turn with."""
    k = log - CELL_LOG
    far = min(bit_length(reach), 4) - 1
    strong = min(grade, 4) - 1
    m[CONTEXT] = TURN_ANY_AT[0] + (k * 4 + strong) * 4 + far
    m[CONTEXT + 1] = TURN_ANY_AT[1] + (k * 3 + min(west, 2)) * 3 + min(north, 2)
    if not decide(m, TURNED, 1 if want else 0, 2, TURN_ANY_ROW + k * 2, TURN_ANY_ROW2 + strong * 2)[
        0
    ]:
        return int64(0)
    group = TURN_GROUP[k]
    a, b = max(west - 1, 0), max(north - 1, 0)
    node = int64(1)
    for depth in range(TURN_BITS):
        bit = ((want - 1) >> (TURN_BITS - 1 - depth)) & 1
        m[CONTEXT] = TURN_TREE_AT[0] + (group << TURN_BITS) + node
        m[CONTEXT + 1] = TURN_TREE_AT[1] + (a << TURN_BITS) + node
        m[CONTEXT + 2] = TURN_TREE_AT[2] + (b << TURN_BITS) + node
        row = TURN_TREE_ROW + depth * 3
        node = node << 1 | decide(m, TURNED, bit, 3, row, TURN_TREE_ROW2 + group * 3)[0]
    return node - TURNS + 1


@compiled
def turn_guesses(turns, turn, log, guesses):  # type: ignore[no-untyped-def]
    """Make of guesses of the five lowest coefficients, at 1 .. 5, those of the leaf's levels."""
    # Places begin with (0, 1), (1, 0), (0, 2), (1, 1), (2, 0).
    table = turns[TURN_GROUP[log - CELL_LOG], turn - 1]
    a, b, c, d, e = guesses[1], guesses[2], guesses[4], guesses[3], guesses[5]
    for i in range(5):
        row = table[i]
        total = a * row[0] + b * row[1] + c * row[2] + d * row[3] + e * row[4]
        at = 1 + i if i < 2 else (4 if i == 2 else (3 if i == 3 else 5))
        guesses[at] = total >> SCALE_BITS
