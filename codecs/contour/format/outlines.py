"""Outlines as integers: fills, the rings that each fill has, and the nodes of the rings.

A *fill* is a colour that is added wherever its rings run around a pixel, counted with their
direction: a ring that turns the other way is a hole. So rings are independent of each other, as
all layers are; any of them may be missing, and the order does not matter.

A *ring* is a closed curve through *nodes*: a smooth node is a control point of a quadratic
B-spline, a corner lies on the curve. A ring may repeat an earlier one elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled
from ....shared.tiles.format.syntax import bit_length, int64

IntArray = npt.NDArray[np.int32]

# Columns of the table of fills.
COARSE, SOFT, RINGS, WAVES, VALUE = range(5)
"""`VALUE` is the first of `MOST_COMPONENTS` colour differences, whole code values."""
MOST_COMPONENTS = 4
WAVE = VALUE + MOST_COMPONENTS
"""First of `MOST_WAVES` groups of `WAVE_FIELDS`: component, half cycles down and to the right over
the box of the fill's nodes, phase in sixteenths of a cycle, amplitude in code values."""
MOST_WAVES = 8
WAVE_FIELDS = 5
W_COMP, W_DOWN, W_RIGHT, W_PHASE, W_AMOUNT = range(WAVE_FIELDS)
FILL_FIELDS = WAVE + MOST_WAVES * WAVE_FIELDS
MOST_CYCLES = 8
"""Half cycles are below this, to the right of either sign."""
PHASES = 16

# Columns of the table of rings.
TOP, LEFT, START, NODES, SOURCE = range(5)
"""Place of the first node in sixteenths of a pixel; first row of `nodes` and how many they are;
the ring that is repeated (an earlier one that repeats none), or -1."""
RING_FIELDS = 5

# Columns of the table of nodes.
DOWN, RIGHT, CORNER = range(3)
"""Offset from the first node in sixteenths of a pixel; 1 for a corner."""
NODE_FIELDS = 3

MOST_SOFT = 3
MOST_COARSE = 3
VALUE_BITS = 10
"""Bits of a colour difference with its sign."""
REACH_LOG = 17
"""Binary logarithm of the largest step from node to node, in units of the grid."""


@dataclass(frozen=True)
class Outlines:
    """All outlines of a picture.

    Parameters
    ----------
    fills : (k, FILL_FIELDS) int32
    rings : (r, RING_FIELDS) int32
        Those of the first fill, of the second, and so on.
    nodes : (n, NODE_FIELDS) int32
    """

    fills: IntArray
    rings: IntArray
    nodes: IntArray

    @classmethod
    def none(cls) -> Outlines:
        """Make a set without any."""
        return cls.room(0, 0, 0)

    @classmethod
    def room(cls, fills: int, rings: int, nodes: int) -> Outlines:
        """Make empty tables."""
        return cls(
            np.zeros((fills, FILL_FIELDS), np.int32),
            np.zeros((rings, RING_FIELDS), np.int32),
            np.zeros((nodes, NODE_FIELDS), np.int32),
        )

    def subset(self, keep: npt.NDArray[np.bool_]) -> Outlines:
        """Leave rings out; the first that repeats one of those takes its nodes over."""
        rings: list[IntArray] = []
        heir: dict[int, int] = {}
        nodes, at = [], 0
        for i in np.nonzero(keep)[0].tolist():
            row = self.rings[i].copy()
            shape = i if row[SOURCE] < 0 else int(row[SOURCE])
            if shape in heir:
                row[SOURCE] = heir[shape]
            else:
                mine = self.nodes_of(i)
                row[START], row[NODES], row[SOURCE] = at, len(mine), -1
                nodes.append(mine)
                at += len(mine)
                heir[shape] = len(rings)
            rings.append(row)
        if not rings:
            return Outlines.none()
        fills = self.fills.copy()
        fills[:, RINGS] = np.bincount(self.owners()[keep], minlength=len(fills))
        return Outlines(fills[fills[:, RINGS] > 0], np.stack(rings), np.concatenate(nodes))

    def owners(self) -> npt.NDArray[np.intp]:
        """Fill of each ring, (r,)."""
        return np.repeat(np.arange(len(self.fills)), self.fills[:, RINGS])

    def nodes_of(self, ring: int) -> IntArray:
        """Nodes of a ring, or of the one that it repeats, (k, NODE_FIELDS)."""
        row = self.rings[ring]
        if row[SOURCE] >= 0:
            row = self.rings[row[SOURCE]]
        return self.nodes[row[START] : row[START] + row[NODES]]


@compiled
def node_grid(fill, steps, comps):  # type: ignore[no-untyped-def]
    """Binary logarithm of the grid that a fill's nodes lie on, in sixteenths of a pixel.

    An edge of twice the contrast is worth knowing twice as well ("roughening"); `COARSE` says by
    how many octaves less, for outlines that lie on whole pixels.

    Parameters
    ----------
    fill : (FILL_FIELDS,) int32
    steps : (C,) int64
        16 fractional bits.
    comps : int
    """
    most = int64(0)
    for comp in range(comps):
        most = max(most, (int64(abs(fill[VALUE + comp])) << 20) // steps[comp])
    return min(max(7 - bit_length(most), 0), 4) + int64(fill[COARSE])
