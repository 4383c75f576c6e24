"""Where the contexts and mixing weights of the layer syntax lie in the tables."""

from __future__ import annotations

from ....shared.tiles.format import contexts as tile_contexts
from ....shared.tiles.format.syntax import KINDS as TILE_KINDS
from ....shared.tiles.format.syntax import starts

_OWN = ("base", "counts", "places", "kinds", "shapes", "angles", "harmonics", "chroma", "outlines")
KINDS = (*TILE_KINDS, *_OWN)
"""Kinds of decision, for the statistics of bits: those of the tiles, then those of layers."""
(BASE, COUNTS, PLACES, KIND_BITS, SHAPES, ANGLES, HARMONICS, CHROMA, OUTLINES) = range(
    len(TILE_KINDS), len(KINDS)
)

# Binary trees: name, bits of the value, classes of the first and of the second context.
_TREES = (
    ("ASPECT", 4, 3 * 8, 2 * 4 * 8),
    ("FREQUENCY", 3, 3 * 10, 2 * 16),
    ("ANGLE", 4, 9 * 3, 3 * 10),
    ("PHASE", 3, 8 * 3 + 1, 2 * 4 * 3),
    ("FINE", 3, 4 * 3, 2 * 16),
    ("PAIR", 4, 8, 16 * 2),
    ("DIRECTION", 4, 3, 10),
    ("OFFSET", 4, 3, 4),
    ("SOFT", 2, 3, 16),
    ("BEND", 3, 3, 16),
    ("COUNT", 4, 2, 2 * 16),
    ("EDGE", 3, 2, 2 * 16),
    ("TAPER", 3, 1, 16),
)
# Unary numbers and signs: name, length, classes of the first and of the second context.
_RUNS = (
    ("EMPTY", 1, 2 * 24, 2 * 4 * 4),
    ("SIZE", 12, 2 * 24, 2 * 4),
    ("SIDE", 1, 7 * 16, 7 * 2),
    ("SPLIT", 8, 9 * 7, 9 * 2),
    ("EIGHTH", 7, 7, 2),
    ("KIND", 2, 2 * 16, 2 * 4),
    ("MORE", 5, 3 * 16, 2 * 4),
    ("DROP", 7, 8, 4),
    ("CUTS", 3, 2 * 16, 4 * 2),
    ("BLUE", 9, 3 * 4, 16),
    ("RED", 9, 3 * 4, 19),
    ("SLOPE_SIGN", 1, 2 * 3, 2 * 19),
    ("NODE", 8, 2 * 5, 2 * 3),
    ("NODE_SIGN", 1, 2 * 3, 2 * 3),
    ("BASE", 14, 3 * 8, 3 * 3),
    ("BASE_SIGN", 1, 3 * 3, 3 * 3),
)

_names = [spec[0] for spec in (*_TREES, *_RUNS)]
_sizes = [(a << bits, b << bits) for _, bits, a, b in _TREES]
_sizes += [(a * length, b * length) for _, length, a, b in _RUNS]
_offsets = starts(tile_contexts.CONTEXTS, tuple(size for pair in _sizes for size in pair))
CONTEXTS = _offsets[-1]
FIRST_AT = _offsets[0:-1:2]
"""Start of each symbol's first contexts."""
SECOND_AT = _offsets[1::2]
LENGTHS = tuple(bits for _, bits, _, _ in (*_TREES, *_RUNS))
"""Bits of each tree, length of each run."""

T_ASPECT, T_FREQUENCY, T_ANGLE, T_PHASE, T_FINE, T_PAIR, T_DIRECTION = range(7)
T_OFFSET, T_SOFT, T_BEND, T_COUNT, T_EDGE, T_TAPER = range(7, 13)
R_EMPTY, R_SIZE, R_SIDE, R_SPLIT, R_EIGHTH, R_KIND, R_MORE, R_DROP = range(13, 21)
R_CUTS, R_BLUE, R_RED, R_SLOPE_SIGN, R_NODE, R_NODE_SIGN, R_BASE, R_BASE_SIGN = range(21, 29)

_LEVELS = 4
ROW = tile_contexts.WEIGHTS
"""Mixing weights: for each symbol, rows of two for its first decisions and the later ones."""
ROW_STRIDE = 2 * _LEVELS
SHARED_ROW = ROW + ROW_STRIDE * len(_names)
WEIGHTS = SHARED_ROW + 2 * len(_names)
WEIGHT_INPUTS = ((ROW, WEIGHTS, 2),)
