"""Where the contexts and mixing weights of the layer syntax lie in the tables."""

from __future__ import annotations

from ....shared.entropy import starts
from ....shared.tiles.format import contexts as tile_contexts
from ....shared.tiles.format.syntax import KINDS as TILE_KINDS

LAYER_KINDS = ("base", "counts", "places", "shapes", "angles", "harmonics", "chroma")
OUTLINE_KINDS = ("fills", "starts", "nodes", "repeats")
KINDS = (*TILE_KINDS, *LAYER_KINDS, *OUTLINE_KINDS)
"""Kinds of decision, for the statistics of bits: those of the tiles, of layers, of outlines."""
BASE, COUNTS, PLACES, SHAPES, ANGLES, HARMONICS, CHROMA = range(
    len(TILE_KINDS), len(TILE_KINDS) + len(LAYER_KINDS)
)
FILLS, STARTS, NODES, REPEATS = range(len(TILE_KINDS) + len(LAYER_KINDS), len(KINDS))

# Binary trees: name, bits of the value, classes of the first and of the second context.
_TREES = (
    ("ASPECT", 4, 8, 2 * 4 * 8),
    ("FREQUENCY", 3, 10, 2 * 16),
    ("ANGLE", 4, 9, 10),
    ("PHASE", 3, 8 + 1, 2 * 4 * 2),
    ("FINE", 3, 4, 2 * 16),
    ("PAIR", 4, 8, 16 * 2),
    ("HEADING", 3, 12, 2),
    ("TURN", 6, 2 * 9, 2 * 12),
    ("MANTISSA", 2, 12, 4),
)
# Unary numbers and signs: name, length, classes of the first and of the second context.
_RUNS = (
    ("EMPTY", 1, 2 * 24, 2 * 4 * 4),
    ("SIZE", 12, 2 * 24, 2 * 4),
    ("SIDE", 1, 2 * 7 * 16, 7 * 3),
    ("SPLIT", 8, 2 * 9 * 7, 9 * 3),
    ("EIGHTH", 7, 2 * 7, 3),
    ("MORE", 5, 16, 2 * 4),
    ("DROP", 7, 8, 4),
    ("BLUE", 9, 4, 16),
    ("RED", 9, 4, 19),
    ("SLOPE_SIGN", 1, 2, 2 * 19),
    ("BASE", 14, 3 * 8, 3 * 3),
    ("BASE_SIGN", 1, 3 * 3, 3 * 3),
    ("SOURCE", 1, 3, 2),
    ("NODES", 12, 6, 4),
    ("CORNER", 1, 8, 12),
    ("LENGTH", 12, 13, 2 * 9),
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

T_ASPECT, T_FREQUENCY, T_ANGLE, T_PHASE, T_FINE, T_PAIR, T_HEADING, T_TURN, T_MANTISSA = range(9)
R_EMPTY, R_SIZE, R_SIDE, R_SPLIT, R_EIGHTH, R_MORE, R_DROP, R_BLUE, R_RED = range(9, 18)
R_SLOPE_SIGN, R_BASE, R_BASE_SIGN, R_SOURCE, R_NODES, R_CORNER, R_LENGTH = range(18, 25)

_LEVELS = 4
ROW = tile_contexts.WEIGHTS
"""Mixing weights: for each symbol, rows of two for its first decisions and the later ones."""
ROW_STRIDE = 2 * _LEVELS
SHARED_ROW = ROW + ROW_STRIDE * len(_names)
WEIGHTS = SHARED_ROW + 2 * len(_names)
WEIGHT_INPUTS = ((ROW, WEIGHTS, 2),)
