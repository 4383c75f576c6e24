"""From the tree of shapes to outlines of the format, at one quantizer step. Encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.tiles.analysis.encoder import LAMBDA
from ...format.outlines import FILL_FIELDS, VALUE, node_grid
from . import climbing, paths
from .borders import Border
from .fills import Wave, pursue
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
_REPEAT_BITS = 7.0
"""Of which ring is repeated."""
_MARGIN = 3
"""Pixels around a ring that a change of it may reach."""
_LARGE, _WIDE = 300, 8.0
"""Pixels and width of a ring that may have harmonics."""
_AGAIN = (np.array([1.0, 2.0, 1.0]),)
"""The same for rings that have been fitted before."""
_FEWEST = 3
"""Nodes of a ring."""
_LEAST = 6.0
"""Largest colour difference, code values, that is no border."""
_RING_BITS, _SHARED, _ROUGH_BITS = 7.0, 5.0, 8.0
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
        See `paths`.
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
    pixel : (int, int)
        Where it lies: rings of one form differ by nothing else.
    form : int
        Number of its form.
    kept : bool
    waves : tuple of Wave
        Harmonics inside.
    """

    links: npt.NDArray[np.int64]
    start: int
    count: int
    value: npt.NDArray[np.int64]
    parent: int
    area: int
    bits: float
    thick: float
    pixel: tuple[int, int]
    form: int
    kept: bool = True
    waves: tuple[Wave, ...] = ()

    def nodes(self) -> npt.NDArray[np.int64]:
        """Nodes in their order, (count, 3) of (y, x, corner)."""
        order, node = [], self.start
        for _ in range(self.count):
            order.append(node)
            node = int(self.links[node, paths.AFTER])
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
        paths.take(
            self.residual, sign * self.size(ring), ring.links, ring.start, ring.count, self.room
        )

    def price(self, ring: Ring) -> float:
        """Bits of a ring with its place, about."""
        place = float(np.log2(self.residual[0].size)) - _SHARED
        return ring.bits + place

    def gain(self, ring: Ring) -> float:
        """Squared error that a ring removes, or would."""
        value, products = self.size(ring), np.zeros(len(self.steps))
        norm = paths.projected(
            self.residual, ring.links, ring.start, ring.count, self.room, products
        )
        sign = 1.0 if ring.kept else -1.0
        return float(2.0 * (value @ products) + sign * norm * (value @ value))

    def doubt(self, lmbda: float) -> None:
        """Leave out for now what may be no more than anti-aliasing."""
        self._leave_out(
            lambda ring: (
                ring.thick < _THIN or self.gain(ring) < _DOUBTFUL * lmbda * self.price(ring)
            )
        )

    def prune(self, lmbda: float) -> None:
        """Leave out rings that cost more than they remove."""
        self._leave_out(lambda ring: self.gain(ring) < lmbda * self.price(ring))

    def _leave_out(self, idle: Callable[[Ring], bool]) -> None:
        """Leave out rings that are of no use, those inside of others first."""
        inner = np.zeros(len(self.rings) + 1, np.int64)
        for ring in self.rings:
            inner[ring.parent] += ring.kept
        for i in range(len(self.rings) - 1, -1, -1):
            ring = self.rings[i]
            if ring.kept and not inner[i] and idle(ring):
                self.take(ring, -1.0)
                ring.kept = False
                inner[ring.parent] -= 1

    def restore(self, lmbda: float, prices: tuple[Any, ...]) -> None:
        """Take rings back that pay after all."""
        for group in self.forms():
            back = False
            for ring in group:
                inside = ring.parent < 0 or self.rings[ring.parent].kept
                if not ring.kept and inside and self.gain(ring) > lmbda * self.price(ring):
                    ring.kept = True
                    self.take(ring)
                    back = True
            if back:
                self.improve(group, lmbda, prices)

    def forms(self) -> list[list[Ring]]:
        """Rings by form, in the order of the first of each."""
        out: dict[int, list[Ring]] = {}
        for ring in self.rings:
            out.setdefault(ring.form, []).append(ring)
        return list(out.values())

    def improve(
        self,
        group: list[Ring],
        lmbda: float,
        prices: tuple[Any, ...],
        ways: tuple[npt.NDArray[np.float64], ...] = _STRICT,
    ) -> None:
        """Fit the nodes that rings of one form share.

        Their errors add up; so do those of a change, which is fitted to the mean of what they
        leave, at a part of the price.
        """
        kept = [ring for ring in group if ring.kept]
        if not kept:
            return
        first, count = kept[0], len(kept)
        corner: npt.NDArray[np.int64] = np.zeros(2, np.int64)
        residual, room = self.residual, self.room
        if count > 1:
            corner, residual = self._mean_of(kept)
            room = climbing.scratch(*residual.shape[1:])
        size, grid = self.size(first), grid_at(first.value, self.steps)
        begun = first.links.copy()
        begun[:, :2] -= 16 * corner
        best, least = (begun, first.start, first.count, first.bits), np.inf
        for strict in ways:
            links = begun.copy()
            start, number, error = climbing.climb(
                residual, size, links, first.start, first.count, grid, _ROUNDS, lmbda / count,
                strict, prices, room,
            )  # fmt: skip
            bits = _RING_BITS + 8.0 - 2 * min(grid, 4)
            bits += paths.ring_bits(links, start, number, grid, prices)
            paths.take(residual, -size, links, start, number, room)
            paths.take(residual, size, begun, first.start, first.count, room)
            if error + lmbda / count * bits < least:
                best, least = (links, start, number, bits), error + lmbda / count * bits
        again = _REPEAT_BITS if count > 1 else 0.0
        for ring in group:
            if ring.kept:
                self.take(ring, -1.0)
            ring.links = best[0].copy()
            ring.links[:, :2] += 16 * (corner + np.subtract(ring.pixel, first.pixel))
            ring.start, ring.count, ring.bits = best[1], best[2], best[3] / count + again
            if ring.kept:
                self.take(ring)

    def finish(self, lmbda: float, prices: tuple[Any, ...]) -> None:
        """Fit all rings once more among the others that stay, and fill them."""
        for group in self.forms():
            self.improve(group, lmbda, prices, _AGAIN)
        self.restore(lmbda, prices)
        self.prune(lmbda)
        self.enrich(lmbda)

    def enrich(self, lmbda: float) -> None:
        """Give large rings the harmonics that pay inside of them."""
        acc, box = self.room[3], self.room[4]
        for ring in self.rings:
            ring.waves = ()
            if not ring.kept or ring.area < _LARGE or ring.thick < _WIDE:
                continue
            paths.cover(ring.links, ring.start, ring.count, acc, box)
            top, left, bottom, right = box.tolist()
            part = acc[: bottom - top, : right - left]
            cover = np.cumsum(part, axis=1).astype(np.float32) / np.float32(1 << 17)
            nodes = ring.nodes()[:, :2]
            low, high = nodes.min(axis=0).tolist(), nodes.max(axis=0).tolist()
            ring.waves = tuple(
                pursue(
                    self.residual[:, top:bottom, left:right], cover, (*low, *high), (top, left),
                    self.steps / 65536.0, lmbda,
                )
            )  # fmt: skip

    def _mean_of(self, group: list[Ring]) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Mean of the residual around rings of one form, and its corner at the first of them."""
        nodes = group[0].nodes()[:, :2]
        shape = np.array(self.residual.shape[1:])
        low = np.maximum((nodes.min(axis=0) >> 4) - _MARGIN, 0)
        high = np.minimum((nodes.max(axis=0) >> 4) + 1 + _MARGIN, shape)
        total = np.zeros((len(self.steps), *(high - low)), np.float32)
        for ring in group:
            shift = np.subtract(ring.pixel, group[0].pixel)
            rows, columns = (
                np.clip(np.arange(low[i], high[i]) + shift[i], 0, shape[i] - 1) for i in (0, 1)
            )
            total += self.residual[:, rows[:, None], columns[None, :]]
        total /= np.float32(len(group))
        return low.astype(np.int64), total


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
    out = np.zeros((len(nodes), paths.LINK_FIELDS), np.int64)
    out[:, :3] = nodes
    at = np.arange(len(nodes))
    out[:, paths.BEFORE], out[:, paths.AFTER] = np.roll(at, 1), np.roll(at, -1)
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


def begin(
    planes: list[FloatArray], found: Regions, borders: list[Border], steps: npt.NDArray[np.int64]
) -> Tracing:
    """Take all borders from the picture as they are."""
    out, ground = _empty(planes, found, steps), found.colors[ground_of(found)]
    number = {-1: -1}
    forms: dict[tuple[int, ...], int] = {}
    first: dict[int, Ring] = {}
    for k, border in enumerate(borders):
        outside = ground if border.outside < 0 else found.colors[border.outside]
        value = np.rint(found.colors[border.inside] - outside).astype(np.int64)
        links = _linked(border.points, grid_at(value, steps))
        if np.abs(value).max() < _LEAST or len(links) < _FEWEST:
            number[k] = number[border.parent]
            continue
        number[k] = len(out.rings)
        bits = _RING_BITS + 4.0 + _ROUGH_BITS * max(len(links) / 3.0, 3.0)
        thick = 2.0 * border.area / len(border.points)
        key = (border.form, *value.tolist())
        form = forms.setdefault(key, len(forms))
        ring = Ring(links, 0, len(links), value, number[border.parent], border.area, bits, thick,
                    border.pixel, form)  # fmt: skip
        if form in first:
            ring.links = first[form].links.copy()
            ring.links[:, :2] += 16 * np.subtract(ring.pixel, first[form].pixel)
            ring.count = first[form].count
        first.setdefault(form, ring)
        out.rings.append(ring)
        out.take(ring)
    return out


def adapt(
    other: Tracing,
    planes: list[FloatArray],
    found: Regions,
    steps: npt.NDArray[np.int64],
    prices: tuple[Any, ...],
    lmbda: float = LAMBDA,
) -> Tracing:
    """Take rings that were fitted at other steps over to these."""
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
    out.finish(lmbda, prices)
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
    out = begin(planes, found, borders, steps)
    out.doubt(lmbda)
    for group in out.forms():
        out.improve(group, lmbda, prices)
    out.restore(lmbda, prices)
    out.prune(lmbda)
    out.finish(lmbda, prices)
    return out
