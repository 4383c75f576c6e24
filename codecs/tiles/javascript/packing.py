"""Tables of the format in few letters, by its own entropy coder; ``tables.js`` is the inverse."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared.compiled import compiled
from ....shared.tiles.synthesis import wiener

COUNT_BITS, PROBABILITY_BITS, WEIGHT_BITS = 4, 16, 18
PREDICTED = (4, 7, 6)
"""How many upper bits of a count's index, a probability, a weight are predicted."""
_TREES = 25
"""Trees of probabilities: by the index before, 16; by the probability before, 8; of weights."""
_OTHER = 15
"""Index of a context that has the usual state."""
_RATE = 4


@compiled
def _write(m, tree, value, bits, predicted):  # type: ignore[no-untyped-def]
    """Code a number, the highest bit first; the first `predicted` bits by what came before."""
    node = 1
    for i in range(bits):
        bit = (value >> (bits - 1 - i)) & 1
        if i >= predicted:
            entropy.decide_flat(m, 0, bit)
            continue
        p = np.int64(tree[node])
        entropy.code_bit(m, 0, bit, p)
        tree[node] = p + ((65535 - p) >> _RATE) if bit else p - (p >> _RATE)
        node = 2 * node + bit


class Writer:
    """Writes numbers one after the other, each with one of some trees of probabilities."""

    def __init__(self, trees: int) -> None:
        self._coder = entropy.writer(entropy.NO_TABLES, 1 << 20)
        self._trees = np.full((trees, 256), 32768, np.int64)

    def number(self, tree: int, value: int, bits: int, predicted: int) -> None:
        """Write a number of `bits` bits, of which at most 8 are predicted."""
        _write(self._coder, self._trees[tree], value, bits, predicted)

    def text(self) -> str:
        """End it; the bytes as a string of JavaScript, base64."""
        data = entropy.finish(self._coder)
        return f'"{base64.b64encode(data).decode("ascii")}"'


def packed(tables: entropy.Tables) -> tuple[str, list[int], int]:
    """Pack initial states.

    Parameters
    ----------
    tables : Tables

    Returns
    -------
    text : str
        For each context the index of its count, or 15 for a count of 0 with the probability
        `usual`, else followed by its probability; then the weights plus 2**17.
    counts : list of int
        The confidence counts that occur.
    usual : int
        The probability that most contexts have that were never seen in training.

    Raises
    ------
    ValueError
        If more than 15 different counts occur, or a weight has more than 18 bits.
    """
    states = list(zip(tables.confidence.tolist(), tables.probability.tolist(), strict=True))
    unseen = Counter(probability for count, probability in states if count == 0)
    usual = unseen.most_common(1)[0][0] if unseen else 0
    counts = sorted({count for count, probability in states if (count, probability) != (0, usual)})
    offset = 1 << (WEIGHT_BITS - 1)
    if len(counts) > _OTHER:
        message = f"{len(counts)} different counts; an index of four bits has room for {_OTHER}"
        raise ValueError(message)
    if not ((tables.weights >= -offset) & (tables.weights < offset)).all():
        message = f"a weight has more than {WEIGHT_BITS} bits: raise WEIGHT_BITS, here and in JS"
        raise ValueError(message)
    writer = Writer(_TREES)
    before = index = 0
    for count, probability in states:
        usually = (count, probability) == (0, usual)
        tree, index = index, _OTHER if usually else counts.index(count)
        writer.number(tree, index, COUNT_BITS, PREDICTED[0])
        if not usually:
            writer.number(16 + (before >> 13), probability, PROBABILITY_BITS, PREDICTED[1])
            before = probability
    for weight in tables.weights.tolist():
        writer.number(24, weight + offset, WEIGHT_BITS, PREDICTED[2])
    return writer.text(), counts, usual


def packed_filters(weights: npt.NDArray[np.int32]) -> str:
    """Pack the filters after deblocking.

    Parameters
    ----------
    weights : (sets, 2, classes, 36) int32
        See `wiener.table`; those of the first class are 0, and left out.

    Returns
    -------
    str
        Weights plus 128, each predicted by others of its limit.
    """
    writer = Writer(wiener.LIMITS)
    for i, weight in enumerate((weights[:, :, 1:].ravel() + 128).tolist()):
        writer.number(i % wiener.LIMITS, weight, 8, 8)
    return writer.text()


def packed_turns(tables: Sequence[npt.NDArray[np.int8]]) -> str:
    """Pack the tables of turns, see `turns.tables`: entries plus 128, predicted by group."""
    writer = Writer(len(tables))
    for group, table in enumerate(tables):
        for entry in (table.ravel().astype(np.int64) + 128).tolist():
            writer.number(group, entry, 8, 8)
    return writer.text()


def numbers(values: Sequence[int]) -> str:
    """Write an array of JavaScript."""
    return f"[{', '.join(map(str, values))}]"
