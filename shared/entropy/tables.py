"""Initial states of the entropy coder: what a format ships in its ``tables.npz``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]

COUNT_LIMIT = 255
_FIELDS = ("probability", "confidence", "weights")


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
            return cls(*(stored[name].astype(np.int32) for name in _FIELDS))

    def save(self, path: Path) -> None:
        """Write ``.npz``."""
        np.savez_compressed(
            path,
            probability=self.probability.astype(np.uint16),
            confidence=self.confidence.astype(np.uint8),
            weights=self.weights,
        )

    def followed(self, other: Tables) -> Tables:
        """Return these states with those of `other` after them."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in _FIELDS)
        return Tables(*map(np.concatenate, pairs))


NO_TABLES = Tables(*(np.zeros(0, np.int32) for _ in _FIELDS))
"""For a coder without contexts."""


def starts(first: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Offsets of tables of these sizes, one after the other, and the end."""
    out = []
    for size in sizes:
        out.append(first)
        first += size
    return (*out, first)
