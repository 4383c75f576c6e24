"""Trees, runs and signs: how a field becomes decisions with two contexts each (compiled)."""

from __future__ import annotations

import numpy as np

from ....shared.compiled import compiled
from ....shared.entropy import CONTEXT, decide, decide_flat
from ....shared.tiles.format.syntax import int64
from .contexts import FIRST_AT, LENGTHS, ROW, ROW_STRIDE, SECOND_AT, SHARED_ROW

_FIRST = np.array(FIRST_AT, np.int64)
_SECOND = np.array(SECOND_AT, np.int64)
_LENGTHS = np.array(LENGTHS, np.int64)


@compiled
def code_tree(m, share, symbol, value, bits, first, second):  # type: ignore[no-untyped-def]
    """Code the upper decisions of a `bits`-bit value with contexts, the others flat."""
    deep = min(int64(bits), _LENGTHS[symbol])
    node = int64(1)
    for i in range(deep):
        m[CONTEXT] = _FIRST[symbol] + (first << _LENGTHS[symbol]) + node
        m[CONTEXT + 1] = _SECOND[symbol] + (second << _LENGTHS[symbol]) + node
        row = ROW + ROW_STRIDE * symbol + 2 * min(i, 3)
        bit = decide(m, share, (value >> (bits - 1 - i)) & 1, 2, row, SHARED_ROW + 2 * symbol)[0]
        node = node << 1 | bit
    node -= int64(1) << deep
    for i in range(deep, bits):
        node = node << 1 | decide_flat(m, share, (value >> (bits - 1 - i)) & 1)
    return node


@compiled
def code_run(m, share, symbol, value, most, first, second):  # type: ignore[no-untyped-def]
    """Code a number from 0 to `most` as a run of ones, ended by a zero unless it is `most`."""
    length = _LENGTHS[symbol]
    size = int64(0)
    while size < most:
        i = min(size, length - 1)
        m[CONTEXT] = _FIRST[symbol] + first * length + i
        m[CONTEXT + 1] = _SECOND[symbol] + second * length + i
        row = ROW + ROW_STRIDE * symbol + 2 * min(i, 3)
        more = 1 if value > size else 0
        if not decide(m, share, more, 2, row, SHARED_ROW + 2 * symbol)[0]:
            break
        size += 1
    return size


@compiled
def code_sign(m, share, symbol, value, first, second):  # type: ignore[no-untyped-def]
    """Code whether a number is negative; return -1 or 1."""
    return -1 if code_run(m, share, symbol, 1 if value < 0 else 0, 1, first, second) else 1


@compiled
def code_between(m, share, value, low, high):  # type: ignore[no-untyped-def]
    """Code a number from `low` to `high` - 1, all as likely; `low` if there is none."""
    low, high = int64(low), int64(high)
    while high - low > 1:
        middle = (low + high) >> 1
        if decide_flat(m, share, 1 if value >= middle else 0):
            low = middle
        else:
            high = middle
    return low


@compiled
def sign_class(value):  # type: ignore[no-untyped-def]
    """0 negative, 1 zero, 2 positive."""
    return 0 if value < 0 else (2 if value > 0 else 1)
