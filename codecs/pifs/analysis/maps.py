"""Which leaves get which map: by Lagrangian cost, in the picture that the decoder has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.error.importance import OCTAVES
from ....shared.tiles.analysis import rdo
from ....shared.tiles.analysis.turning import turn_ratios
from ....shared.tiles.analysis.weights import EQUAL, OCTAVE_OF, tile_energy
from ....shared.tiles.format.stream import TileSet
from ....shared.tiles.format.syntax import (
    CELL_LOG,
    COMP,
    GRADE,
    LEFT,
    LOG,
    MEAN,
    REACH,
    START,
    TOP,
    TURN,
)
from ....shared.tiles.synthesis import dct
from ..format.maps import MAX_SCALE
from ..format.stream import Written
from .domains import Shortlist, domain_blocks, measure
from .prices import MapPrices

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
TRIED = 3
FULL_SCALE = 5
"""Largest scale, in quarters, that the full profile takes: larger ones promise too much."""
"""Domains of a leaf whose residual is coded to see what they are worth."""
_EMPTY = np.zeros((0, 0, 0), np.float32)


@dataclass(frozen=True)
class Ground:
    """What choices for one component go by.

    Parameters
    ----------
    plane, half : (H', W'), (H' / 2, W' / 2) float32
        The original; what the decoder has, decimated.
    size : (int, int)
        Pixels of the picture.
    role : int
    step : float
    lmbda : float
    pure : bool
    prices : rdo.Prices
    maps : MapPrices
    weights : list by size of (tiles, OCTAVES) float32, optional
        What squared error counts for.
    """

    plane: FloatArray
    half: FloatArray
    size: tuple[int, int]
    role: int
    step: float
    lmbda: float
    pure: bool
    prices: rdo.Prices
    maps: MapPrices
    weights: list[FloatArray] | None = None

    def at(
        self, y: npt.NDArray[np.integer[Any]], x: npt.NDArray[np.integer[Any]], log: int
    ) -> FloatArray:
        """Weights of leaves of one size, (n, OCTAVES), or one row if all are the same."""
        if self.weights is None:
            return EQUAL
        found: FloatArray = self.weights[log - CELL_LOG][y * (self.plane.shape[1] >> log) + x]
        return found

    def scales(
        self, leaves: npt.NDArray[np.int64], places: IntArray, log: int
    ) -> tuple[IntArray, FloatArray]:
        """Best scales of domains, (n, k) quarters, and the error that they remove, steps."""
        dots, powers = np.zeros((2, *places.shape[:2]), np.float32)
        measure(self.half, self.plane, leaves, places.astype(np.int32), log, dots, powers)
        quarters = np.rint(4 * dots / np.maximum(powers, 1e-3))
        most = MAX_SCALE if self.pure else FULL_SCALE
        quarters = np.clip(quarters, -most, most).astype(np.int32)
        quarters[quarters == 0] = 1
        s = quarters / np.float32(4)
        gain = (2 * s * dots - s * s * powers) / np.float32(self.step**2)
        if self.weights is not None:
            # What a domain brings is mostly in the coarser octaves of the leaf.
            weight = self.at(leaves[:, 0], leaves[:, 1], log)
            gain = gain * weight[:, min(log - 2, OCTAVES - 1), None]
        return quarters, gain.astype(np.float32)

    def domain(self, places: IntArray, log: int) -> FloatArray:
        """Coefficients of domains at (n, 2), in steps, their means removed."""
        blocks = domain_blocks(self.half, log, places[:, 0], places[:, 1])
        out = dct.forward_blocks(blocks, log).reshape(len(places), -1)
        out *= np.float32(1 / self.step)
        out[:, 0] = 0.0
        return out

    def quantized(self, rest: FloatArray, log: int, weights: FloatArray) -> rdo.Candidates:
        """Levels for residuals (n, side * side) of these weights; means are not looked at."""
        rest = rest.copy()
        rest[:, 0] = 0.0
        return rdo.quantize(
            [*([_EMPTY] * (log - CELL_LOG)), rest[None]], self.role, self.lmbda, self.prices,
            1 << log, len(rest) << log, plain=self.pure, weights=[weights] * (log - CELL_LOG + 1),
        )  # fmt: skip


def add_maps(
    ground: Ground,
    candidates: rdo.Candidates,
    ratios: list[FloatArray],
    lists: dict[int, Shortlist],
) -> dict[int, IntArray]:
    """Give tiles of all sizes a map where that lowers their cost, in place.

    Parameters
    ----------
    ground : Ground
    candidates, ratios
        Of the component, without maps.
    lists : dict of Shortlist by size

    Returns
    -------
    dict by size of (rows, columns, 3) int32
        Scale in quarters and the domain's corner.
    """
    out, lmbda = {}, np.float32(ground.lmbda)
    for log, found in lists.items():
        k, side = log - CELL_LOG, 1 << log
        maps = np.zeros((*candidates.costs[k].shape, 3), np.int32)
        flag = ground.maps.flag[ground.role, k].astype(np.float32)
        leaves, places = found.leaves, found.places
        y, x = leaves.T
        quarters, gain = ground.scales(leaves, places, log)
        bits = ground.maps.places(ground.role, log, ground.size, leaves, places)
        bits = bits + ground.maps.scale[ground.role, k][np.abs(quarters) - 1]
        worth = gain - lmbda * bits.astype(np.float32)
        candidates.costs[k] += lmbda * flag[np.minimum(candidates.grades[k], 3), 0]
        if ground.pure:
            best = worth.argmax(1)
            every = np.arange(len(best))
            change = -worth[every, best] + lmbda * (flag[0, 1] - flag[0, 0])
            won = np.nonzero(change < 0)[0]
            candidates.costs[k][y[won], x[won]] += change[won]
            maps[y[won], x[won], 0] = quarters[won, best[won]]
            maps[y[won], x[won], 1:] = places[won, best[won]] * side
            out[log] = maps
            continue
        order = np.argsort(-worth, 1)[:, :TRIED]
        likely = np.nonzero(worth[np.arange(len(y)), order[:, 0]] > 0)[0]
        if len(likely):
            which = order[likely]
            options = _Options(
                y[likely],
                x[likely],
                np.take_along_axis(places[likely], which[:, :, None], 1),
                np.take_along_axis(quarters[likely], which, 1),
                np.take_along_axis(bits[likely], which, 1),
            )
            _try(ground, candidates, ratios[k], maps, log, options)
        out[log] = maps
    return out


@dataclass(frozen=True)
class _Options:
    """Maps to try: leaves (n,), and for each its (n, k) domains, scales and bits."""

    y: npt.NDArray[np.int64]
    x: npt.NDArray[np.int64]
    places: IntArray
    quarters: IntArray
    bits: npt.NDArray[np.float64]


def _try(
    ground: Ground,
    candidates: rdo.Candidates,
    ratio: FloatArray,
    maps: IntArray,
    log: int,
    options: _Options,
) -> None:
    """Code the residuals that maps leave, and keep what costs least, in place."""
    k, side, lmbda = log - CELL_LOG, 1 << log, np.float32(ground.lmbda)
    flag = ground.maps.flag[ground.role, k].astype(np.float32)
    y, x = options.y, options.x
    goal = ratio[y, x].copy()
    weights = ground.at(y, x, log)
    plain = ground.quantized(goal, log, weights)
    best = plain.costs[k][0] + lmbda * flag[np.minimum(plain.grades[k][0], 3), 0]
    first = best.copy()
    for c in range(options.places.shape[1]):
        place, s = options.places[:, c], options.quarters[:, c]
        rest = goal - (s / 4).astype(np.float32)[:, None] * ground.domain(place, log)
        tried = ground.quantized(rest, log, weights)
        said = options.bits[:, c] + flag[np.minimum(tried.grades[k][0], 3), 1]
        cost = tried.costs[k][0] + lmbda * said.astype(np.float32)
        won = np.nonzero(cost < best)[0]
        best[won] = cost[won]
        candidates.levels[k][y[won], x[won]] = tried.levels[k][0][won]
        candidates.reaches[k][y[won], x[won]] = tried.reaches[k][0][won]
        candidates.grades[k][y[won], x[won]] = tried.grades[k][0][won]
        candidates.turns[k][y[won], x[won]] = tried.turns[k][0][won]
        ratio[y[won], x[won]] = rest[won]
        maps[y[won], x[won], 0] = s[won]
        maps[y[won], x[won], 1:] = place[won] * side
    candidates.costs[k][y, x] += best - first


def gather(tiles: TileSet, found: list[dict[int, IntArray]]) -> IntArray:
    """Maps of the leaves, (n, 3) int32."""
    leaves = tiles.leaves
    maps = np.zeros((len(leaves), 3), np.int32)
    for comp, by_size in enumerate(found):
        for log, table in by_size.items():
            mine = (leaves[:, COMP] == comp) & (leaves[:, LOG] == log)
            maps[mine] = table[leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log]
    if tiles.palette is not None:
        maps[tiles.palette.hides(leaves)] = 0
    return maps


def _mapped(tiles: TileSet, maps: IntArray, comp: int, log: int) -> npt.NDArray[np.intp]:
    """Leaves of a component and size that have a map."""
    leaves = tiles.leaves
    return np.nonzero((maps[:, 0] != 0) & (leaves[:, COMP] == comp) & (leaves[:, LOG] == log))[0]


def refit(
    ground: list[Ground],
    tiles: TileSet,
    maps: IntArray,
    flat: FloatArray,
    coefficients: list[list[FloatArray]],
) -> None:
    """Choose the levels of mapped leaves again (in the pure profile: scales), in place."""
    leaves = tiles.leaves
    for comp, by in enumerate(ground):
        for log in range(CELL_LOG, 7):
            mine = _mapped(tiles, maps, comp, log)
            if not len(mine):
                continue
            k = log - CELL_LOG
            y, x = leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log
            places = maps[mine, 1:] >> log
            if by.pure:
                maps[mine, 0] = by.scales(np.stack([y, x], 1), places[:, None], log)[0][:, 0]
                continue
            s = (maps[mine, 0] / 4).astype(np.float32)
            goal = coefficients[comp][k][y, x].reshape(len(mine), -1) * np.float32(1 / by.step)
            rest = goal - s[:, None] * by.domain(places, log)
            _put(tiles, flat, mine, by.quantized(rest, log, by.at(y, x, log)), rest, slice(None))


def _put(
    tiles: TileSet,
    flat: FloatArray,
    leaves: npt.NDArray[np.intp],
    found: rdo.Candidates,
    rest: FloatArray,
    chosen: npt.NDArray[np.intp] | slice,
) -> None:
    """Give leaves of one size their new levels."""
    first = tiles.leaves[leaves[0]]
    comp, log = int(first[COMP]), int(first[LOG])
    k, to = log - CELL_LOG, leaves[chosen]
    tiles.leaves[to, GRADE] = found.grades[k][0][chosen]
    tiles.leaves[to, REACH] = found.reaches[k][0][chosen]
    tiles.leaves[to, TURN] = found.turns[k][0][chosen]
    at = tiles.leaves[to, START, None].astype(np.int64) + np.arange(1 << 2 * log)
    tiles.levels[comp][at] = found.levels[k][0][chosen]
    flat[comp][at] = rest[chosen]
    turn_ratios(tiles.leaves, flat, to)


def prune(
    ground: list[Ground],
    seen: list[FloatArray],
    tiles: TileSet,
    maps: IntArray,
    flat: FloatArray,
    coefficients: list[list[FloatArray]],
    written: Written,
) -> None:
    """Take maps away that keep less than they promised, in place.

    Parameters
    ----------
    seen : list of (H', W') float32
        What the decoder shows.
    written : Written
    """
    leaves = tiles.leaves
    for comp, by in enumerate(ground):
        off = (seen[comp] - by.plane) / np.float32(by.step)
        for log in range(2, 7):
            mine = _mapped(tiles, maps, comp, log)
            if not len(mine):
                continue
            k, lmbda = log - CELL_LOG, np.float32(by.lmbda)
            y, x = leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log
            weights = by.at(y, x, log)
            lost = tile_energy(dct.to_tiles(off, log)[y, x], weights, log)
            goal = coefficients[comp][k][y, x].reshape(len(mine), -1) * np.float32(1 / by.step)
            plain = by.quantized(goal, log, weights)
            mean = goal[:, 0] - leaves[mine, MEAN]
            flag = by.maps.flag[by.role, k].astype(np.float32)
            without = (
                plain.costs[k][0]
                + weights[:, OCTAVE_OF[log, 0]] * (mean * mean)
                + lmbda * flag[np.minimum(plain.grades[k][0], 3), 0]
            )
            stated = 0.0 if by.pure else by.prices.stated(by.role, leaves[mine])
            bits = written.spent[mine] + written.map_bits[mine] + stated
            worse = np.nonzero(lost + lmbda * bits > without)[0]
            maps[mine[worse]] = 0
            if not by.pure:
                _put(tiles, flat, mine, plain, goal, worse)
