"""From the tree of shapes to outlines of the format, at one quantizer step. Encoder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.tiles.analysis.encoder import LAMBDA
from ...format.outlines import (
    FILL_FIELDS,
    LEFT,
    NODES,
    RING_FIELDS,
    RINGS,
    SOURCE,
    START,
    TOP,
    VALUE,
    Outlines,
    node_grid,
)
from ...format.point_sets import path_keys
from . import climbing
from .borders import Border
from .regions import Regions

FloatArray = npt.NDArray[np.float32]

_ROUNDS = 10
_STRICT = (
    np.array([1.0, 2.0, 4.0, 4.0, 2.0, 1.0]),
    np.array([8.0, 8.0, 4.0, 2.0, 1.0]),
)
"""Factors of the multiplier, round by round. Early severity finds the few nodes of a smooth curve,
which step by step nothing leads to; late severity keeps what is small. Each ring takes the better.
"""
_AGAIN = (np.array([1.0, 2.0, 1.0]),)
_FEWEST = 3
_LEAST = 6.0
"""Largest colour difference, code values, that is no border."""
_RING_BITS, _SHARED, _ROUGH_BITS = 7.0, 7.0, 8.0
"""Bits of a ring beside its nodes; those that its place costs less than in a picture with one
ring; those of a node before it has been fitted."""
_DOUBTFUL, _THIN = 3.0, 1.2
"""Times its price that a ring must earn, and pixels it must be wide, to be fitted at once; else it
waits until others are, and comes back if these leave something for it."""


@dataclass
class Ring:
    """A ring on its way to the format.

    Parameters
    ----------
    links : (n, LINK_FIELDS) int64
        See `climbing`.
    start, count : int
        One of its nodes, and how many there are.
    value : (C,) int64
        What its inside adds, code values.
    parent : int
        Ring that it lies in, or -1.
    area : int
    bits : float
        Price without its place.
    thick : float
        Its mean width, pixels.
    kept : bool
    """

    links: npt.NDArray[np.int64]
    start: int
    count: int
    value: npt.NDArray[np.int64]
    parent: int
    area: int
    bits: float
    thick: float
    kept: bool = True

    def nodes(self) -> npt.NDArray[np.int64]:
        """Nodes in their order, (count, 3) of (y, x, corner)."""
        order, node = [], self.start
        for _ in range(self.count):
            order.append(node)
            node = int(self.links[node, climbing.AFTER])
        return self.links[order, :3]


@dataclass
class Tracing:
    """Rings of a picture at a step, and what they leave.

    Parameters
    ----------
    steps : (C,) int64
    rings : list of Ring
        Each after the one that it lies in.
    residual : (C, H, W) float32
        What ground and kept rings leave, in steps.
    room : tuple
        See `climbing.scratch`.
    """

    steps: npt.NDArray[np.int64]
    rings: list[Ring]
    residual: FloatArray
    room: tuple[Any, ...]

    def size(self, ring: Ring) -> npt.NDArray[np.float64]:
        """What a ring adds, in steps, (C,)."""
        out: npt.NDArray[np.float64] = ring.value * 65536.0 / self.steps
        return out

    def take(self, ring: Ring, sign: float = 1.0) -> None:
        """Take a ring from the residual, or put it back."""
        climbing.take(
            self.residual, sign * self.size(ring), ring.links, ring.start, ring.count, self.room
        )

    def price(self, ring: Ring) -> float:
        """Bits of a ring with its place, about."""
        place = float(np.log2(self.residual[0].size * 256.0)) - _SHARED
        return ring.bits + place - 2 * grid_at(ring.value, self.steps)

    def gain(self, ring: Ring) -> float:
        """Squared error that a ring removes, or would."""
        value, products = self.size(ring), np.zeros(len(self.steps))
        norm = climbing.projected(
            self.residual, ring.links, ring.start, ring.count, self.room, products
        )
        sign = 1.0 if ring.kept else -1.0
        return 2.0 * float(value @ products) + sign * norm * float(value @ value)

    def doubt(self, lmbda: float) -> None:
        """Leave out for now what may be no more than anti-aliasing."""
        inner = np.zeros(len(self.rings) + 1, np.int64)
        for ring in self.rings:
            inner[ring.parent] += ring.kept
        for i in range(len(self.rings) - 1, -1, -1):
            ring = self.rings[i]
            sure = ring.thick >= _THIN and self.gain(ring) >= _DOUBTFUL * lmbda * self.price(ring)
            if ring.kept and not inner[i] and not sure:
                self.take(ring, -1.0)
                ring.kept = False
                inner[ring.parent] -= 1

    def prune(self, lmbda: float) -> None:
        """Leave out rings that cost more than they remove, those inside of others first."""
        inner = np.zeros(len(self.rings) + 1, np.int64)
        for ring in self.rings:
            inner[ring.parent] += ring.kept
        for i in range(len(self.rings) - 1, -1, -1):
            ring = self.rings[i]
            if ring.kept and not inner[i] and self.gain(ring) < lmbda * self.price(ring):
                self.take(ring, -1.0)
                ring.kept = False
                inner[ring.parent] -= 1

    def restore(self, lmbda: float, prices: tuple[Any, ...]) -> None:
        """Take rings back that pay after all."""
        for ring in self.rings:
            inside = ring.parent < 0 or self.rings[ring.parent].kept
            if not ring.kept and inside and self.gain(ring) > lmbda * self.price(ring):
                ring.kept = True
                self.take(ring)
                self.improve(ring, lmbda, prices)

    def improve(
        self,
        ring: Ring,
        lmbda: float,
        prices: tuple[Any, ...],
        ways: tuple[npt.NDArray[np.float64], ...] = _STRICT,
    ) -> None:
        """Fit the nodes of a ring."""
        size, grid = self.size(ring), grid_at(ring.value, self.steps)
        best, least = ring, np.inf
        for strict in ways:
            trial = replace(ring, links=ring.links.copy())
            trial.start, trial.count, error = climbing.climb(
                self.residual, size, trial.links, ring.start, ring.count, grid, _ROUNDS, lmbda,
                strict, prices, self.room,
            )  # fmt: skip
            nodes = climbing.ring_bits(trial.links, trial.start, trial.count, grid, prices)
            trial.bits = _RING_BITS + nodes
            self.take(trial, -1.0)
            self.take(ring)
            if error + lmbda * trial.bits < least:
                best, least = trial, error + lmbda * trial.bits
        self.take(ring, -1.0)
        self.take(best)
        ring.links, ring.start, ring.count, ring.bits = best.links, best.start, best.count, best.bits


def ground_of(found: Regions) -> int:
    """Palette index that is most frequent along the frame."""
    labels = found.labels
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return int(np.bincount(frame).argmax())


def _linked(points: npt.NDArray[np.int64], grid: int) -> npt.NDArray[np.int64]:
    """Nodes in a circle from the points of a border, (n, LINK_FIELDS)."""
    if len(points) >= 12:
        points = points[::2]
    points = (points + ((1 << grid) >> 1)) >> grid << grid
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    return circled(np.column_stack([points, np.zeros(len(points), np.int64)]))


def circled(nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Join nodes (n, 3) to a circle, (n, LINK_FIELDS)."""
    out = np.zeros((len(nodes), climbing.LINK_FIELDS), np.int64)
    out[:, :3] = nodes
    at = np.arange(len(nodes))
    out[:, climbing.BEFORE], out[:, climbing.AFTER] = np.roll(at, 1), np.roll(at, -1)
    return out


def grid_at(value: npt.NDArray[np.int64], steps: npt.NDArray[np.int64]) -> int:
    """Grid of the nodes of rings with this value."""
    fill = np.zeros(FILL_FIELDS, np.int32)
    fill[VALUE : VALUE + len(value)] = value
    return int(node_grid(fill, steps, len(steps)))


def _empty(planes: list[FloatArray], found: Regions, steps: npt.NDArray[np.int64]) -> Tracing:
    """Make a tracing without rings."""
    sizes = (steps / 65536.0).astype(np.float32)
    ground = found.colors[ground_of(found)]
    residual = (np.stack(planes) - ground[:, None, None]) / sizes[:, None, None]
    return Tracing(steps, [], residual, climbing.scratch(*planes[0].shape))


def _begin(
    planes: list[FloatArray], found: Regions, borders: list[Border], steps: npt.NDArray[np.int64]
) -> Tracing:
    """Take all borders from the picture as they are."""
    out, ground = _empty(planes, found, steps), found.colors[ground_of(found)]
    number = {-1: -1}
    for k, border in enumerate(borders):
        outside = ground if border.outside < 0 else found.colors[border.outside]
        value = np.rint(found.colors[border.inside] - outside).astype(np.int64)
        links = _linked(border.points, grid_at(value, steps))
        if np.abs(value).max() < _LEAST or len(links) < _FEWEST:
            number[k] = number[border.parent]
            continue
        number[k] = len(out.rings)
        bits = _RING_BITS + _ROUGH_BITS * max(len(links) / 3.0, 3.0)
        parent = number[border.parent]
        out.rings.append(Ring(links, 0, len(links), value, parent, border.area, bits, 2.0 * border.area / len(border.points)))
        out.take(out.rings[-1])
    return out


def adapt(
    other: Tracing,
    planes: list[FloatArray],
    found: Regions,
    steps: npt.NDArray[np.int64],
    prices: tuple[Any, ...],
    lmbda: float = LAMBDA,
) -> Tracing:
    """Take rings that were fitted at finer steps over to these."""
    out = _empty(planes, found, steps)
    for ring in other.rings:
        links, start, count = ring.links.copy(), ring.start, ring.count
        grid = grid_at(ring.value, steps)
        half = (1 << grid) >> 1
        links[:, :2] = (links[:, :2] + half) >> grid << grid
        mine = replace(ring, links=links, start=start, count=count)
        if ring.kept:
            nodes = mine.nodes()
            nodes = nodes[(nodes[:, :2] != np.roll(nodes[:, :2], 1, axis=0)).any(axis=1)]
            if len(nodes) < _FEWEST:
                mine.kept = False
            else:
                mine.links, mine.start, mine.count = circled(nodes), 0, len(nodes)
        out.rings.append(mine)
        if mine.kept:
            out.take(mine)
    out.prune(lmbda)
    for ring in out.rings:
        if ring.kept:
            out.improve(ring, lmbda, prices, _AGAIN)
    out.restore(lmbda, prices)
    out.prune(lmbda)
    return out


def fit(
    planes: list[FloatArray],
    found: Regions,
    borders: list[Border],
    steps: npt.NDArray[np.int64],
    prices: tuple[Any, ...],
    lmbda: float = LAMBDA,
) -> Tracing:
    """Choose and fit rings: first those that surely pay, then others where these leave errors.

    Small regions along a border are often no more than its anti-aliasing, which a ring that lies
    right takes away better.
    """
    out = _begin(planes, found, borders, steps)
    out.doubt(lmbda)
    for ring in out.rings:
        if ring.kept:
            out.improve(ring, lmbda, prices)
    out.restore(lmbda, prices)
    out.prune(lmbda)
    for ring in out.rings:
        if ring.kept:
            out.improve(ring, lmbda, prices, _AGAIN)
    out.restore(lmbda, prices)
    out.prune(lmbda)
    return out


def gather(traced: Tracing) -> tuple[Outlines, list[int]]:
    """Put rings into the tables of the format: fills by contrast, in each the rings by place.

    Returns
    -------
    outlines : Outlines
    numbers : list of int
        Which of the rings each of them is.
    """
    shape = traced.residual.shape[1:]
    by_value: dict[tuple[int, ...], list[int]] = {}
    for number, ring in enumerate(traced.rings):
        if ring.kept:
            by_value.setdefault(tuple(ring.value.tolist()), []).append(number)
    order = sorted(by_value, key=lambda value: (-max(abs(v) for v in value), value))
    fills = np.zeros((len(order), FILL_FIELDS), np.int32)
    rows, nodes, numbers, at = [], [], [], 0
    for k, value in enumerate(order):
        grid = grid_at(np.array(value), traced.steps)
        mine = [_started(traced.rings[i].nodes(), shape) for i in by_value[value]]
        places = np.array([n[0, :2] for n in mine], np.int32)
        keys = np.zeros(len(mine), np.int64)
        path_keys(places, np.full(len(mine), grid), shape[0], shape[1], keys)
        fills[k, VALUE : VALUE + len(value)] = value
        fills[k, RINGS] = len(mine)
        for i in np.argsort(keys, kind="stable").tolist():
            row = np.zeros(RING_FIELDS, np.int32)
            row[TOP], row[LEFT] = places[i]
            row[START], row[NODES], row[SOURCE] = at, len(mine[i]), -1
            rows.append(row)
            numbers.append(by_value[value][i])
            nodes.append(mine[i] - np.append(mine[i][0, :2], 0))
            at += len(mine[i])
    if not rows:
        return Outlines.none(), []
    table = np.concatenate(nodes).astype(np.int32)
    return Outlines(fills, np.stack(rows), table), numbers


def _started(nodes: npt.NDArray[np.int64], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Turn a ring so that its first node lies in the picture."""
    inside = (nodes[:, :2] >= 0).all(axis=1) & (nodes[:, :2] < 16 * np.array(shape)).all(axis=1)
    return np.roll(nodes, -int(inside.argmax()), axis=0)
