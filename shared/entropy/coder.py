"""Adaptive binary range coder with integer logistic mixing of small contexts.

The coder is a 32-bit carry-propagating range coder after Martin (1979) [1]_ in the byte-wise
form that LZMA made common. Every decision is predicted by a handful of small contexts; each
holds a probability and a confidence count, and their predictions are mixed in the logistic
domain with integer weights that learn on both sides (Mahoney 2005 [2]_). No float occurs,
so encoder and decoder agree on every machine.

One function codes a decision in either direction (`code_bit`, `code_mixed`): a codec writes
its syntax once, and the direction is a field of the coder state. Numba compiles all of it;
the same source runs as plain Python with ``NUMBA_DISABLE_JIT=1``.

References
----------
.. [1] G. N. N. Martin, "Range encoding: an algorithm for removing redundancy from a
   digitised message", Video & Data Recording Conference, 1979.
.. [2] M. Mahoney, "Adaptive weighing of context models for lossless data compression",
   Florida Tech. TR CS-2005-16, 2005.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..compiled import compiled, inlined
from ..errors import BitstreamError

IntArray = npt.NDArray[np.int32]
StateArray = npt.NDArray[np.int64]

# Fields of the coder state.
LOW, RANGE, CODE, POS, CACHE, PENDING, DECODING, STOPS, ENDED, SHIFTS = range(10)
_TOP = 1 << 24
_TABLE_FIELDS = ("probability", "confidence", "weights")
GRACE = 4
"""Zero bytes at the end that the encoder leaves off and the decoder supplies, at most."""

READ_AHEAD = 4
"""A decoder has read this many bytes more than the encoder has shifted out."""

PROBABILITY_BITS = 16
_MOST_INPUTS = 8
COUNT_LIMIT = 255
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
# Adaptation rate 1 / (n + 1.5) as a 16-bit fraction.
_RATE = np.array([(2 << 16) // (2 * n + 3) for n in range(COUNT_LIMIT + 1)], np.int32)


@dataclass(frozen=True)
class Tables:
    """Trained initial states; part of a format.

    Parameters
    ----------
    probability : (n,) int32
        Probability of a 1 in each context, 16-bit fraction, 1..65535.
    confidence : (n,) int32
        Observations that this probability stands for, 0..255.
    weights : (m,) int32
        Mixing weights, 16-bit fraction.
    """

    probability: IntArray
    confidence: IntArray
    weights: IntArray

    @classmethod
    def untrained(
        cls, contexts: int, weights: int, inputs: tuple[tuple[int, int, int], ...]
    ) -> Tables:
        """Make the states where training starts.

        Parameters
        ----------
        contexts, weights : int
            How many there are.
        inputs : tuple of (int, int, int)
            First weight, one past the last, and the number of inputs that such rows mix.
        """
        values = np.zeros(weights, np.int32)
        for start, end, count in inputs:
            values[start:end] = int(65536 * 0.6 / count)
        return cls(np.full(contexts, 16384, np.int32), np.zeros(contexts, np.int32), values)

    @classmethod
    def load(cls, path: Traversable) -> Tables:
        """Read tables that `save` wrote."""
        with path.open("rb") as stream, np.load(stream) as stored:
            return cls(*(stored[name].astype(np.int32) for name in _TABLE_FIELDS))

    def save(self, path: Path) -> None:
        """Write ``.npz``."""
        np.savez_compressed(
            path,
            probability=self.probability.astype(np.uint16),
            confidence=self.confidence.astype(np.uint8),
            weights=self.weights,
        )


@compiled
def _shift(rc, buf):  # type: ignore[no-untyped-def]
    """Move the top byte of LOW out, holding back bytes that a carry may still change."""
    low = rc[LOW]
    rc[SHIFTS] += 1
    if low < 0xFF000000 or low > 0xFFFFFFFF:
        carry = low >> 32
        pos = rc[POS]
        if rc[CACHE] >= 0:
            buf[pos] = (rc[CACHE] + carry) & 255
            pos += 1
        for _ in range(rc[PENDING]):
            buf[pos] = (255 + carry) & 255
            pos += 1
        rc[POS] = pos
        rc[PENDING] = 0
        rc[CACHE] = (low >> 24) & 255
    else:
        rc[PENDING] += 1
    rc[LOW] = (low & 0xFFFFFF) << 8


@inlined
def code_bit(rc, buf, bit, p1):  # type: ignore[no-untyped-def]
    """Code one decision whose probability of being 1 is ``p1 / 65536``.

    Parameters
    ----------
    rc : (10,) int64
        Coder state.
    buf : (n,) uint8
        Bytes, written or read.
    bit : int
        The decision; ignored when decoding.
    p1 : int
        1..65535.

    Returns
    -------
    int
        The decision.
    """
    bound = (rc[RANGE] * p1) >> PROBABILITY_BITS
    if rc[DECODING]:
        if rc[CODE] < bound:
            bit = 1
            rc[RANGE] = bound
        else:
            bit = 0
            rc[CODE] -= bound
            rc[RANGE] -= bound
        while rc[RANGE] < _TOP:
            rc[RANGE] <<= 8
            pos = rc[POS]
            byte = np.int64(0)
            if pos < len(buf):
                byte = np.int64(buf[pos])
            elif rc[STOPS] or pos >= len(buf) + GRACE:
                rc[ENDED] = 1
            rc[CODE] = (rc[CODE] << 8) | byte
            rc[POS] = pos + 1
        return bit
    if bit:
        rc[RANGE] = bound
    else:
        rc[LOW] += bound
        rc[RANGE] -= bound
    while rc[RANGE] < _TOP:
        rc[RANGE] <<= 8
        _shift(rc, buf)
    return bit


@inlined
def code_mixed(rc, buf, model, bit, n, row, row2):  # type: ignore[no-untyped-def]
    """Code one decision predicted by `n` contexts, mixed with the weights of two rows.

    Parameters
    ----------
    rc, buf, bit
        See `code_bit`.
    model : tuple
        See `start_model`; the caller has put the indices of the contexts into its fourth
        field. Adapted in place.
    n : int
        Contexts that take part.
    row, row2 : int
        Offsets of the first of `n` mixing weights each; their sums mix, so that two
        small sets of weights, chosen by different circumstances, share the work.

    Returns
    -------
    bit, chance : int, int
        The decision, and the probability it had, 16-bit fraction.
    """
    probability, confidence, weights, contexts, scratch, tally = model
    dot = np.int64(0)
    for i in range(n):
        x = np.int64(STRETCH[probability[contexts[i]] >> 4])
        scratch[i] = x
        dot += x * (weights[row + i] + weights[row2 + i])
    mixed = min(max(int(dot + (1 << 15)) >> 16, -_DOMAIN), _DOMAIN)
    p1 = np.int64(SQUASH[mixed + _DOMAIN])
    bit = code_bit(rc, buf, bit, p1)
    target = np.int64(65535) if bit else np.int64(0)
    error = target - p1
    for i in range(n):
        change = (scratch[i] * error + (1 << 15)) >> 16
        weights[row + i] += change
        weights[row2 + i] += change
        c = contexts[i]
        count = confidence[c]
        probability[c] += ((target - probability[c]) * _RATE[count]) >> 16
        if count < COUNT_LIMIT:
            confidence[c] = count + 1
    if len(tally):
        for i in range(n):
            tally[contexts[i], bit] += 1
    return bit, p1 if bit else 65536 - p1


def start_model(tables: Tables, tally: StateArray | None = None) -> tuple[Any, ...]:
    """Make the adaptive part of a coder, starting from `tables`, which stay as they are.

    Parameters
    ----------
    tables : Tables
    tally : (n_contexts, 2) int64, optional
        Counts zeros and ones of each context, for training.

    Returns
    -------
    tuple
        Probabilities, confidences, weights (int32 arrays), indices of the contexts of the
        next decision, scratch, tally (int64 arrays).
    """
    return (
        tables.probability.copy(),
        tables.confidence.copy(),
        tables.weights.copy(),
        np.zeros(_MOST_INPUTS, np.int64),
        np.zeros(_MOST_INPUTS, np.int64),
        np.zeros((0, 2), np.int64) if tally is None else tally,
    )


def start_encoder(capacity: int) -> tuple[StateArray, npt.NDArray[np.uint8]]:
    """Make the state and the buffer of an encoder that writes at most `capacity` bytes."""
    rc = np.zeros(10, np.int64)
    rc[RANGE], rc[CACHE] = 0xFFFFFFFF, -1
    return rc, np.zeros(capacity, np.uint8)


def start_decoder(data: bytes, *, complete: bool) -> tuple[StateArray, npt.NDArray[np.uint8]]:
    """Make the state and the buffer of a decoder.

    Parameters
    ----------
    data : bytes
    complete : bool
        If false the data is a prefix: `ENDED` is set as soon as a decision would depend on
        a byte that is missing. If true, up to `GRACE` zero bytes are supplied first.

    Raises
    ------
    BitstreamError
        If the stream cannot come from an encoder.
    """
    rc = np.zeros(10, np.int64)
    rc[RANGE], rc[DECODING], rc[STOPS] = 0xFFFFFFFF, 1, not complete
    rc[CODE] = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
    rc[POS] = 4
    if rc[CODE] == rc[RANGE]:
        message = "no encoder writes a stream that begins with FF FF FF FF; the file is damaged"
        raise BitstreamError(message)
    if not complete and len(data) < 4:
        rc[ENDED] = 1
    return rc, np.frombuffer(bytearray(data), np.uint8)


def finish_encoder(rc: StateArray, buf: npt.NDArray[np.uint8]) -> bytes:
    """End the stream with as few bytes as identify it."""
    low, high = int(rc[LOW]), int(rc[LOW]) + int(rc[RANGE]) - 1
    for zeros in (24, 16, 8, 0):
        value = (high >> zeros) << zeros
        if value >= low:
            rc[LOW] = value
            break
    for _ in range(5):
        _shift(rc, buf)
    data = buf[: int(rc[POS])].tobytes()
    kept = data.rstrip(b"\0")
    return data[: max(len(kept), len(data) - GRACE, 1)]


def check_ended(rc: StateArray) -> None:
    """Raise if a complete stream ran out of bytes.

    Raises
    ------
    BitstreamError
    """
    if rc[ENDED] and not rc[STOPS]:
        message = "the file's data ends before the picture does; the file is damaged"
        raise BitstreamError(message)
