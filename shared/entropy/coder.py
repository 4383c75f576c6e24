"""Adaptive binary range coder with integer logistic mixing of small contexts.

The coder is a 32-bit carry-propagating range coder after Martin (1979) [1]_ in the byte-wise
form that LZMA made common. Every decision is predicted by a handful of small contexts; each
holds a probability and a confidence count, and their predictions are mixed in the logistic
domain with integer weights that learn on both sides (Mahoney 2005 [2]_). No float occurs,
so encoder and decoder agree on every machine.

One function codes a decision in either direction (`decide`, `code_bit`): a codec writes
its syntax once, and the direction is a field of the coder. Numba compiles all of it;
the same source runs as plain Python with ``NUMBA_DISABLE_JIT=1``.

A coder is one array of int64, made by `writer` or `reader`: the fields named here, then the
contexts, the mixing weights, counts for training if wanted, and the bytes, eight in a word.
One array is one argument of a kernel, and a call of one kernel by another stays cheap; with an
array for each part, decisions had to be compiled into each of their callers.

References
----------
.. [1] G. N. N. Martin, "Range encoding: an algorithm for removing redundancy from a
   digitised message", Video & Data Recording Conference, 1979.
.. [2] M. Mahoney, "Adaptive weighing of context models for lossless data compression",
   Florida Tech. TR CS-2005-16, 2005.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..compiled import compiled, inlined
from ..errors import BitstreamError
from .tables import COUNT_LIMIT, IntArray, Tables

State = npt.NDArray[np.int64]

# Fields of a coder.
LOW, RANGE, CODE, POS, CACHE, PENDING, DECODING, STOPS, ENDED, SHIFTS = range(10)
_SIZE, _WEIGHTS, _TALLY, _DATA = range(10, 14)
CONTEXT = 14
"""Here and in the next seven words the caller puts the contexts of the next decision."""
_INPUT = CONTEXT + 8
BITS = _INPUT + 8
"""Bits spent, in 1/65536, by kind of decision; `KINDS` words."""
KINDS = 32
_STATES = BITS + KINDS
_TOP = 1 << 24
GRACE = 4
"""Zero bytes at the end that the encoder leaves off and the decoder supplies, at most."""

READ_AHEAD = 4
"""A decoder has read this many bytes more than the encoder has shifted out."""

PROBABILITY_BITS = 16
# ln(p / (1 - p)) in 1/256; the knots are 65536 / (1 + exp(-x)) every quarter.
_DOMAIN = 2816
_KNOT = 64
_SQUASH_KNOTS = (
    *(1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267),
    *(342, 439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108, 3938, 4971, 6249, 7812, 9702),
    *(11955, 14595, 17625, 21025, 24743, 28693, 32768),
)


def _squash_table() -> IntArray:
    """Logistic function at -_DOMAIN.._DOMAIN, 16-bit probabilities, from integers only."""
    half = list(_SQUASH_KNOTS)
    knots = half + [65536 - value for value in reversed(half[:-1])]
    table = []
    for x in range(2 * _DOMAIN + 1):
        i, rest = divmod(x, _KNOT)
        above = knots[min(i + 1, len(knots) - 1)]
        table.append((knots[i] * (_KNOT - rest) + above * rest + _KNOT // 2) // _KNOT)
    return np.array(table, np.int32).clip(1, 65535)


def _stretch_table(squash: IntArray) -> IntArray:
    """Inverse of `squash` for the upper 12 bits of a probability."""
    table = np.full(4096, _DOMAIN, np.int32)
    following = 0
    for x, value in enumerate(squash >> 4):
        if value >= following:
            table[following : value + 1] = x - _DOMAIN
            following = int(value) + 1
    return table


SQUASH = _squash_table()
STRETCH = _stretch_table(SQUASH)
COST = np.maximum(-np.log2(np.minimum((np.arange(4097) + 0.5) / 4096.0, 1.0)), 0.0)
"""Bits by the upper 12 bits of a 16-bit probability; for prices and statistics only."""
_COST = np.round(COST * 65536).astype(np.int32)
_BIT = 2.0**-16
# Adaptation rate 1 / (n + 1.5) as a 16-bit fraction.
_RATE = np.array([(2 << 16) // (2 * n + 3) for n in range(COUNT_LIMIT + 1)], np.int32)


@inlined
def _put(m, byte):  # type: ignore[no-untyped-def]
    """Append a byte."""
    pos = m[POS]
    m[m[_DATA] + (pos >> 3)] |= byte << ((pos & 7) << 3)
    m[POS] = pos + 1


@compiled
def _shift(m):  # type: ignore[no-untyped-def]
    """Move the top byte of LOW out, holding back bytes that a carry may still change."""
    low = m[LOW]
    m[SHIFTS] += 1
    if low < 0xFF000000 or low > 0xFFFFFFFF:
        carry = low >> 32
        if m[CACHE] >= 0:
            _put(m, (m[CACHE] + carry) & 255)
        for _ in range(m[PENDING]):
            _put(m, (255 + carry) & 255)
        m[PENDING] = 0
        m[CACHE] = (low >> 24) & 255
    else:
        m[PENDING] += 1
    m[LOW] = (low & 0xFFFFFF) << 8


@inlined
def _code(m, bit, p1):  # type: ignore[no-untyped-def]
    """Code one decision, see `code_bit`."""
    bound = (m[RANGE] * p1) >> PROBABILITY_BITS
    if m[DECODING]:
        if m[CODE] < bound:
            bit = 1
            m[RANGE] = bound
        else:
            bit = 0
            m[CODE] -= bound
            m[RANGE] -= bound
        while m[RANGE] < _TOP:
            m[RANGE] <<= 8
            pos = m[POS]
            byte = np.int64(0)
            if pos < m[_SIZE]:
                byte = (m[m[_DATA] + (pos >> 3)] >> ((pos & 7) << 3)) & 255
            elif m[STOPS] or pos >= m[_SIZE] + GRACE:
                m[ENDED] = 1
            m[CODE] = (m[CODE] << 8) | byte
            m[POS] = pos + 1
        return bit
    if bit:
        m[RANGE] = bound
    else:
        m[LOW] += bound
        m[RANGE] -= bound
    while m[RANGE] < _TOP:
        m[RANGE] <<= 8
        _shift(m)
    return bit


@compiled
def code_bit(m, kind, bit, p1):  # type: ignore[no-untyped-def]
    """Code one decision of a given probability; 0 once the data has ended.

    Parameters
    ----------
    m : State
    kind : int
        What the bits are counted as, 0..KINDS - 1.
    bit : int
        The decision; ignored when decoding.
    p1 : int
        Its probability of being 1, 16-bit fraction, 1..65535.

    Returns
    -------
    int
        The decision.
    """
    if m[ENDED]:
        return np.int64(0)
    bit = _code(m, bit, p1)
    m[BITS + kind] += _COST[(p1 if bit else 65536 - p1) >> 4]
    return np.int64(bit)


@compiled
def decide_flat(m, kind, bit):  # type: ignore[no-untyped-def]
    """Code one decision that is as likely 0 as 1; 0 once the data has ended."""
    return code_bit(m, kind, bit, 32768)


@compiled
def decide(m, kind, bit, n, row, row2):  # type: ignore[no-untyped-def]
    """Code one decision predicted by `n` contexts, mixed with the weights of two rows.

    Parameters
    ----------
    m : State
        The caller has put the contexts into its words from `CONTEXT` on. Adapted in place.
    kind : int
        What the bits are counted as, 0..KINDS - 1.
    bit : int
        The decision; ignored when decoding.
    n : int
        Contexts that take part, at most 8.
    row, row2 : int
        The first of `n` mixing weights each; their sums mix, so that two small sets of
        weights, chosen by different circumstances, share the work.

    Returns
    -------
    bit, chance : int, int
        The decision, and the probability it had, 16-bit fraction; 0 and nearly certain
        once the data has ended.
    """
    if m[ENDED]:
        return np.int64(0), np.int64(65535)
    first, second = m[_WEIGHTS] + row, m[_WEIGHTS] + row2
    dot = np.int64(1 << 15)
    for i in range(n):
        x = np.int64(STRETCH[m[_STATES + m[CONTEXT + i]] >> 12])
        m[_INPUT + i] = x
        dot += x * (m[first + i] + m[second + i])
    mixed = min(max(int(dot) >> 16, -_DOMAIN), _DOMAIN)
    p1 = np.int64(SQUASH[mixed + _DOMAIN])
    bit = _code(m, bit, p1)
    target = np.int64(65535) if bit else np.int64(0)
    error = target - p1
    for i in range(n):
        change = (m[_INPUT + i] * error + (1 << 15)) >> 16
        m[first + i] += change
        m[second + i] += change
        at = _STATES + m[CONTEXT + i]
        chance, count = m[at] >> 8, m[at] & 255
        chance += ((target - chance) * _RATE[count]) >> 16
        m[at] = chance << 8 | min(count + 1, COUNT_LIMIT)
    if m[_TALLY]:
        for i in range(n):
            m[m[_TALLY] + 2 * m[CONTEXT + i] + bit] += 1
    p1 = p1 if bit else 65536 - p1
    m[BITS + kind] += _COST[p1 >> 4]
    return bit, p1


@compiled
def bits_of(m, kind):  # type: ignore[no-untyped-def]
    """Bits spent so far on decisions of a kind."""
    return m[BITS + kind] * _BIT


@compiled
def cost(chance):  # type: ignore[no-untyped-def]
    """Bits of a decision that had this probability, 16-bit fraction."""
    return COST[chance >> 4]


def _start(tables: Tables, size: int, *, counted: bool) -> State:
    """Make a coder of `tables` with room for `size` bytes."""
    contexts, weights = len(tables.probability), len(tables.weights)
    tally = 2 * contexts if counted else 0
    at = np.cumsum([_STATES, contexts, weights, tally])
    m = np.zeros(int(at[-1]) + (size + 7 >> 3), np.int64)
    m[RANGE], m[_SIZE] = 0xFFFFFFFF, size
    m[_WEIGHTS], m[_TALLY], m[_DATA] = at[1], at[2] if counted else 0, at[3]
    m[at[0] : at[1]] = tables.probability.astype(np.int64) << 8 | tables.confidence
    m[at[1] : at[2]] = tables.weights
    return m


def writer(tables: Tables, capacity: int, *, counted: bool = False) -> State:
    """Make a coder that writes at most `capacity` bytes.

    Parameters
    ----------
    tables : Tables
        Initial states, copied.
    capacity : int
        Bytes; memory is taken as they are written.
    counted : bool
        Whether to count the zeros and ones of each context, for training, see `learned`.
    """
    m = _start(tables, capacity, counted=counted)
    m[CACHE] = -1
    return m


def reader(tables: Tables, data: bytes, *, complete: bool) -> State:
    """Make a coder that reads.

    Parameters
    ----------
    tables : Tables
        Initial states, copied.
    data : bytes
    complete : bool
        If false the data is a prefix: `ENDED` is set as soon as a decision would depend on
        a byte that is missing. If true, up to `GRACE` zero bytes are supplied first.

    Raises
    ------
    BitstreamError
        If the stream cannot come from an encoder.
    """
    m = _start(tables, len(data), counted=False)
    words = np.frombuffer(data.ljust(-(-len(data) // 8) * 8, b"\0"), "<i8")
    m[m[_DATA] :] = words
    m[DECODING], m[STOPS] = 1, not complete
    m[CODE] = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
    m[POS] = 4
    if m[CODE] == m[RANGE]:
        message = "no encoder writes a stream that begins with FF FF FF FF; the file is damaged"
        raise BitstreamError(message)
    if not complete and len(data) < 4:
        m[ENDED] = 1
    return m


def extended(m: State, tables: Tables) -> State:
    """Return a coder that goes on from `m` with the states of `tables` after its own."""
    after = _start(adapted(m).followed(tables), int(m[_SIZE]), counted=bool(m[_TALLY]))
    after[:_WEIGHTS], after[CONTEXT:_STATES] = m[:_WEIGHTS], m[CONTEXT:_STATES]
    if m[_TALLY]:
        counts = m[m[_TALLY] : m[_DATA]]
        after[after[_TALLY] :][: len(counts)] = counts
    data = m[m[_DATA] :] if m[DECODING] else m[m[_DATA] :][: (int(m[POS]) + 7) >> 3]
    after[after[_DATA] :][: len(data)] = data
    return after


def finish(m: State) -> bytes:
    """End the stream with as few bytes as identify it."""
    low, high = int(m[LOW]), int(m[LOW]) + int(m[RANGE]) - 1
    for zeros in (24, 16, 8, 0):
        value = (high >> zeros) << zeros
        if value >= low:
            m[LOW] = value
            break
    for _ in range(5):
        _shift(m)
    size = int(m[POS])
    data = m[m[_DATA] :][: (size + 7) >> 3].astype("<i8").tobytes()[:size]
    kept = data.rstrip(b"\0")
    return data[: max(len(kept), size - GRACE, 1)]


def adapted(m: State) -> Tables:
    """Return the states as a coder has adapted them."""
    states = m[_STATES : m[_WEIGHTS]]
    weights = m[m[_WEIGHTS] : m[_TALLY] or m[_DATA]]
    return Tables(*(part.astype(np.int32) for part in (states >> 8, states & 255, weights)))


def learned(m: State) -> tuple[npt.NDArray[np.int64], IntArray]:
    """Return what training wants of a counting coder.

    Returns
    -------
    tally : (n, 2) int64
        Zeros and ones that each context saw.
    weights : (k,) int32
        Mixing weights as adapted.
    """
    return m[m[_TALLY] : m[_DATA]].reshape(-1, 2).copy(), adapted(m).weights


def spent(m: State, kinds: tuple[str, ...]) -> dict[str, float]:
    """Return the bits spent by kind of decision, named."""
    bits = m[BITS:][: len(kinds)] * _BIT
    return dict(zip(kinds, bits.tolist(), strict=True))


def check_ended(m: State) -> None:
    """Raise if a complete stream ran out of bytes.

    Raises
    ------
    BitstreamError
    """
    if m[ENDED] and not m[STOPS]:
        message = "the file's data ends before the picture does; the file is damaged"
        raise BitstreamError(message)
