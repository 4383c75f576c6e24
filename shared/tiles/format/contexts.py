"""Where contexts and mixing weights of the tile syntax lie in the tables, and quantizers."""

from __future__ import annotations

import numpy as np

from ...entropy import starts

MEAN_UNARY = 14
_SPLIT_SIZES = (2 * 4 * 5, 2 * 4 * 5 * 5, 2 * 4 * 5 * 5)
_MEAN_ZERO_SIZES = (2 * 5 * 6, 2 * 5 * 4 * 4, 3 * 5 * 4 * 4)
_MEAN_MORE_SIZES = (2 * 14 * 5, 2 * 14 * 6, 2 * 14 * 4 * 4)
_MEAN_SIGN_SIZES = (2 * 3 * 5, 3 * 3 * 3, 2 * 3 * 3)
_GRADE_SIZES = (2 * 5 * 8, 2 * 8 * 6 * 6, 2 * 8 * 6 * 6, 2 * 8 * 5 * 6)
_REACH_SIZES = (2 * 5 * 4 * 8, 2 * 8 * 9 * 9, 5 * 8 * 9 * 9)
_REST_SIZES = (2 * 5 * 8 * 8, 8 * 8 * 4)
TURN_BITS = 5
TURNS = 1 << TURN_BITS
"""Secondary transforms that a leaf chooses from, see `turns`."""
TURN_GROUP = np.array([0, 1, 2, 2, 2], np.int64)
TURN_GROUPS = 3
_TURN_ANY_SIZES = (5 * 4 * 4, 5 * 3 * 3)
_TURN_TREE_SIZES = (TURN_GROUPS * TURNS, (1 + TURNS) * TURNS, (1 + TURNS) * TURNS)

SPLIT_AT = starts(0, _SPLIT_SIZES)
MEAN_ZERO_AT = starts(SPLIT_AT[-1], _MEAN_ZERO_SIZES)
MEAN_MORE_AT = starts(MEAN_ZERO_AT[-1], _MEAN_MORE_SIZES)
MEAN_SIGN_AT = starts(MEAN_MORE_AT[-1], _MEAN_SIGN_SIZES)
GRADE_AT = starts(MEAN_SIGN_AT[-1], _GRADE_SIZES)
REACH_AT = starts(GRADE_AT[-1], _REACH_SIZES)
REST_AT = starts(REACH_AT[-1], _REST_SIZES)
TURN_ANY_AT = starts(REST_AT[-1], _TURN_ANY_SIZES)
TURN_TREE_AT = starts(TURN_ANY_AT[-1], _TURN_TREE_SIZES)
PARTITION_CONTEXTS = TURN_TREE_AT[-1]

# Mixing weights: two sets of rows for every kind of decision.
SPLIT_ROW, SPLIT_ROW2 = 0, 8 * 3
MEAN_ZERO_ROW = SPLIT_ROW2 + 5 * 3
MEAN_ZERO_ROW2 = MEAN_ZERO_ROW + 10 * 3
MEAN_MORE_ROW = MEAN_ZERO_ROW2 + 6 * 3
MEAN_MORE_ROW2 = MEAN_MORE_ROW + 2 * 3
MEAN_SIGN_ROW = MEAN_MORE_ROW2 + 4 * 3
MEAN_SIGN_ROW2 = MEAN_SIGN_ROW + 2 * 3
REACH_ROW = MEAN_SIGN_ROW2 + 5 * 3
REACH_ROW2 = REACH_ROW + 4 * 3
GRADE_ROW = REACH_ROW2 + 5 * 3
GRADE_ROW2 = GRADE_ROW + 4 * 4
REST_ROW = GRADE_ROW2 + 5 * 4
REST_ROW2 = REST_ROW + 2 * 2
TURN_ANY_ROW = REST_ROW2 + 8 * 2
TURN_ANY_ROW2 = TURN_ANY_ROW + 5 * 2
TURN_TREE_ROW = TURN_ANY_ROW2 + 4 * 2
TURN_TREE_ROW2 = TURN_TREE_ROW + TURN_BITS * 3
PARTITION_WEIGHTS = TURN_TREE_ROW2 + TURN_GROUPS * 3
PARTITION_INPUTS = (
    (SPLIT_ROW, GRADE_ROW, 3),
    (GRADE_ROW, REST_ROW, 4),
    (REST_ROW, TURN_TREE_ROW, 2),
    (TURN_TREE_ROW, PARTITION_WEIGHTS, 3),
)

UNARY = 14
TEMPLATES, DIAGONALS = 7, 10
_SIG_SIZES = (
    3 * 5 * DIAGONALS * TEMPLATES,
    2 * 5 * 6 * TEMPLATES * 2,
    2 * 6 * 4 * 3 * 3,
    4 * 5 * 64,
    4 * 4 * 3 * 4 + 2 * 4 * 3 * 4 * 3,
    6 * 6 * 4 * 2,
)
_MORE_SIZES = (3 * 6 * 8 * 3, 2 * 6 * 6 * 5, 2 * 6 * 8 * 4, 4 * 3 * 5 * 36)
_SIGN_SIZES = (2 * 6 * 9, 4 * 3 * 3 * 3, 2 * 3 * 3 * 3 * 3, 3 * 3 * 3 * 3)

SIG_AT = starts(PARTITION_CONTEXTS, _SIG_SIZES)
MORE_AT = starts(SIG_AT[-1], _MORE_SIZES)
SIGN_AT = starts(MORE_AT[-1], _SIGN_SIZES)
CONTEXTS = SIGN_AT[-1]

# Mixing weights: two sets of rows for every kind of decision.
SIG_ROW = PARTITION_WEIGHTS
SIG_ROW2 = SIG_ROW + 3 * 4 * 3 * 6
MORE_ROW = SIG_ROW2 + 2 * 4 * 3 * 6
MORE_ROW2 = MORE_ROW + 2 * 3 * 4
SIGN_ROW = MORE_ROW2 + 5 * 4
SIGN_ROW2 = SIGN_ROW + 2 * 2 * 4
WEIGHTS = SIGN_ROW2 + 3 * 2 * 4
DETAIL_INPUTS = ((SIG_ROW, MORE_ROW, 6), (MORE_ROW, WEIGHTS, 4))

DIAGONAL_CLASS = np.array(
    [0, 0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6] + [7] * 8 + [8] * 12 + [9] * 95, np.int64
)
TEMPLATE_CLASS = np.array([0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6], np.int64)
END_CLASS = np.array([0, 1, 2, 3, 3, 4, 4, 4, 4] + [5] * 120, np.int64)
FOUR = np.array([0, 1, 2, 2] + [3] * 60, np.int64)
SIX = np.array([0, 1, 2, 3, 4, 4] + [5] * 60, np.int64)
EIGHT = np.array([0, 1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6] + [7] * 70, np.int64)
SIZE_GROUP = np.array([0, 0, 1, 2, 2], np.int64)
WEIGHT_INPUTS = (*PARTITION_INPUTS, *DETAIL_INPUTS)
