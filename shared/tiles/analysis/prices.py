"""What decisions cost, for the encoder's choices: read off the coder's probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...entropy import COST
from ..format.contexts import (
    DIAGONALS,
    GRADE_AT,
    MEAN_MORE_AT,
    MEAN_UNARY,
    MEAN_ZERO_AT,
    MORE_AT,
    REACH_AT,
    SIG_AT,
    SPLIT_AT,
    TEMPLATES,
    TURN_ANY_AT,
    TURN_BITS,
    TURN_GROUP,
    TURN_GROUPS,
    TURN_TREE_AT,
    TURNS,
)
from ..format.syntax import CELL_LOG, GRADE, LOG, REACH, TURN

FloatArray = npt.NDArray[np.float32]
_FAR = (2, 4, 8)
"""Least reaches of the classes by which it is said whether a leaf is turned, but the first."""
MEANS = 40
"""Magnitudes of mean residues that have a price of their own."""


@dataclass(frozen=True)
class Prices:
    """Bits by decision, float32.

    Parameters
    ----------
    significance : (3, 5, DIAGONALS, TEMPLATES, 2)
        By manner: role, or 2 of a turned leaf.
    more : (3, 6, 8, 3, 2)
    grade : (2, 5, 16)
    reach : (2, 5, 4, 128)
        By role, size, grade - 1 (at most 3), reach.
    mean : (2, 5, 6, 40)
        By role, size, spread, magnitude of the residue.
    split : (2, 4, 2)
    turn : (5, 4, 4, 2)
        Whether a leaf is turned, by size, grade - 1 and bits of its reach - 1, both at most 3.
    turns : (TURN_GROUPS, TURNS)
        Which way.
    """

    significance: FloatArray
    more: FloatArray
    grade: FloatArray
    reach: FloatArray
    mean: FloatArray
    split: FloatArray
    turn: FloatArray
    turns: FloatArray

    def stated(self, role: int, leaves: npt.NDArray[np.int32]) -> FloatArray:
        """Bits of grade, reach and turn of leaves of one role, (n,) float32."""
        k, grades, reaches, turns = leaves[:, [LOG, GRADE, REACH, TURN]].T
        k = k - CELL_LOG
        strong = np.clip(grades, 1, 4) - 1
        bits = self.reach[role, k, strong, reaches]
        if not role:
            far = np.digitize(reaches, _FAR)
            bits = bits + self.turn[k, strong, far, np.minimum(turns, 1)]
            bits += np.where(turns > 0, self.turns[TURN_GROUP[k], turns - 1], 0.0)
        out: FloatArray = self.grade[role, k, grades] + np.where(grades > 0, bits, 0.0)
        return out

    @classmethod
    def of(cls, probability: npt.NDArray[np.int32]) -> Prices:
        """Read prices off the probabilities of a coder."""

        def bits(first: int, shape: tuple[int, ...]) -> FloatArray:
            p = probability[first : first + int(np.prod(shape))].astype(np.int64).reshape(shape)
            return np.stack([COST[(65536 - p) >> 4], COST[p >> 4]], -1).astype(np.float32)

        def unary(table: FloatArray) -> FloatArray:
            """Cumulated along the last axis but one; one more value than decisions."""
            yes = np.cumsum(table[..., 1], -1)
            yes = np.concatenate([np.zeros_like(yes[..., :1]), yes], -1)
            no = np.concatenate([table[..., 0], np.zeros_like(yes[..., :1])], -1)
            out: FloatArray = (yes + no).astype(np.float32)
            return out

        grade = np.zeros((2, 5, 16), np.float32)
        raw = bits(GRADE_AT[0], (2, 5, 8))
        grade[..., :8] = unary(raw)[..., :8]
        grade[..., 8:] = grade[..., 7:8] + 3.0 * np.arange(1, 9, dtype=np.float32)
        sizes = unary(bits(REACH_AT[0], (2, 5, 4, 8)))
        reach = np.zeros((2, 5, 4, 128), np.float32)
        for value in range(1, 128):
            size = (value - 1).bit_length()
            reach[..., value] = sizes[..., size] + max(size - 1, 0)
        zero = bits(MEAN_ZERO_AT[0], (2, 5, 6))
        more = unary(bits(MEAN_MORE_AT[0], (2, 14, 5)).swapaxes(1, 2))  # (2, 5, 15)
        mean = np.zeros((2, 5, 6, MEANS), np.float32)
        mean[..., 0] = zero[..., 0]
        for value in range(1, MEANS):
            extra = more[:, :, min(value - 1, MEAN_UNARY)] + 1.0
            if value > MEAN_UNARY:
                extra = extra + 2 * (value - MEAN_UNARY).bit_length() - 1
            mean[..., value] = zero[..., 1] + extra[:, :, None]
        split = bits(SPLIT_AT[0], (2, 4, 5))[:, :, 2]
        tree = bits(TURN_TREE_AT[0], (TURN_GROUPS, TURNS))
        turns = np.zeros((TURN_GROUPS, TURNS), np.float32)
        for value in range(TURNS):
            node = 1
            for depth in range(TURN_BITS):
                bit = value >> (TURN_BITS - 1 - depth) & 1
                turns[:, value] += tree[:, node, bit]
                node = 2 * node + bit
        return cls(
            bits(SIG_AT[0], (3, 5, DIAGONALS, TEMPLATES)),
            bits(MORE_AT[0], (3, 6, 8, 3)),
            grade,
            reach,
            mean,
            split,
            bits(TURN_ANY_AT[0], (5, 4, 4)),
            turns,
        )
