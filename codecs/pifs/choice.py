"""Which leaves get which map: by Lagrangian cost, in the picture that the decoder has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...shared.compiled import compiled
from ...shared.tiles import cosine, rdo
from ...shared.tiles.stream import TileSet
from ...shared.tiles.syntax import CELL_LOG, COMP, GRADE, LEFT, LOG, MAPPED, REACH, START, TOP
from .coding import MAX_SCALE, OFFERS, around, domains, offers
from .prices import MapPrices
from .search import Shortlist, domain_blocks, measure

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
TRIED = 3
"""Domains of a leaf whose residual is coded to see what they are worth."""
_EMPTY = np.zeros((0, 0, 0), np.float32)
_NEVER = np.float32(1e30)


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

    def scales(
        self, leaves: npt.NDArray[np.int64], places: IntArray, log: int
    ) -> tuple[IntArray, FloatArray]:
        """Best scales of domains, (n, k) quarters, and the error that they remove, steps."""
        dots, powers = np.zeros((2, *places.shape[:2]), np.float32)
        measure(self.half, self.plane, leaves, places.astype(np.int32), log, dots, powers)
        quarters = np.rint(4 * dots / np.maximum(powers, 1e-3))
        quarters = np.clip(quarters, -MAX_SCALE, MAX_SCALE).astype(np.int32)
        quarters[quarters == 0] = 1
        s = quarters / np.float32(4)
        gain = (2 * s * dots - s * s * powers) / np.float32(self.step**2)
        return quarters, gain.astype(np.float32)

    def domain(self, places: IntArray, log: int) -> FloatArray:
        """Coefficients of domains at (n, 2), in steps, their means removed."""
        blocks = domain_blocks(self.half, log, places[:, 0], places[:, 1])
        out = cosine.forward_blocks(blocks, log).reshape(len(places), -1)
        out *= np.float32(1 / self.step)
        out[:, 0] = 0.0
        return out

    def quantized(self, rest: FloatArray, log: int) -> rdo.Candidates:
        """Levels for residuals (n, side * side); their means are not looked at."""
        rest = rest.copy()
        rest[:, 0] = 0.0
        return rdo.quantize(
            [*([_EMPTY] * (log - CELL_LOG)), rest[None]], self.role, self.lmbda, self.prices,
            1 << log, len(rest) << log, plain=self.pure,
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
        rows, columns = found.places.shape[:2]
        maps = np.zeros((rows, columns, 3), np.int32)
        flag = ground.maps.flag[ground.role, k].astype(np.float32)
        used = -(-ground.size[0] // side), -(-ground.size[1] // side)
        y, x = (g.ravel() for g in np.mgrid[: used[0], : used[1]])
        leaves = np.stack([y, x], 1)
        places = found.places[y, x]
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
            _try(ground, candidates, ratios[k], maps, log, (y, x), likely, order, places, quarters, bits)
        out[log] = maps
    return out


def _try(  # noqa: D103
    ground, candidates, ratio, maps, log, at, likely, order, places, quarters, bits
) -> None:
    k, side, lmbda = log - CELL_LOG, 1 << log, np.float32(ground.lmbda)
    flag = ground.maps.flag[ground.role, k].astype(np.float32)
    y, x = at[0][likely], at[1][likely]
    goal = ratio[y, x].copy()
    plain = ground.quantized(goal, log)
    best = plain.costs[k][0] + lmbda * flag[np.minimum(plain.grades[k][0], 3), 0]
    first = best.copy()
    for c in range(order.shape[1]):
        which = order[likely, c]
        domain = ground.domain(places[likely, which], log)
        s = quarters[likely, which]
        rest = goal - (s / 4).astype(np.float32)[:, None] * domain
        tried = ground.quantized(rest, log)
        cost = tried.costs[k][0] + lmbda * (
            bits[likely, which] + flag[np.minimum(tried.grades[k][0], 3), 1]
        ).astype(np.float32)
        won = np.nonzero(cost < best)[0]
        best[won] = cost[won]
        for old, new in (
            (candidates.levels, tried.levels),
            (candidates.reaches, tried.reaches),
            (candidates.grades, tried.grades),
        ):
            old[k][y[won], x[won]] = new[k][0][won]
        ratio[y[won], x[won]] = rest[won]
        maps[y[won], x[won], 0] = s[won]
        maps[y[won], x[won], 1:] = places[likely, which][won] * side
    candidates.costs[k][y, x] += best - first


def gather(tiles: TileSet, found: list[dict[int, IntArray]]) -> IntArray:
    """Maps of the leaves, (n, 3) int32."""
    leaves = tiles.leaves
    maps = np.zeros((len(leaves), 3), np.int32)
    for comp, by_size in enumerate(found):
        for log, table in by_size.items():
            mine = (leaves[:, COMP] == comp) & (leaves[:, LOG] == log)
            maps[mine] = table[leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log]
    return maps


@compiled
def _all_offers(leaves, maps, owner, height, width, smallest, places, counts, nearby):  # type: ignore[no-untyped-def]
    """What the neighbours of every leaf offer, all maps as they are."""
    for index in range(len(leaves)):
        leaf = leaves[index]
        leaf[MAPPED] = 1 if maps[index, 0] else 0
    for index in range(len(leaves)):
        log = leaves[index, LOG]
        rows, columns = domains(height, log), domains(width, log)
        counts[index] = 0
        if log >= smallest[leaves[index, COMP]] and rows and columns:
            around(leaves, index, owner, height, width, nearby)
            counts[index] = offers(leaves, maps, index, nearby, rows, columns, places[index])


def revise(
    ground: list[Ground],
    tiles: TileSet,
    maps: IntArray,
    flat: FloatArray,
    coefficients: list[list[FloatArray]],
    smallest: npt.NDArray[np.int64],
) -> None:
    """Choose map, scale and levels of each leaf again, in place.

    A leaf may keep its domain, take one that a neighbour offers, or go without.
    `tiles.owner` is what coding filled in.
    """
    leaves, geometry = tiles.leaves, tiles.geometry
    offered = np.zeros((len(leaves), OFFERS, 2), np.int64)
    counts = np.zeros(len(leaves), np.int64)
    _all_offers(
        leaves, maps, tiles.owner, geometry.height, geometry.width, smallest, offered, counts,
        np.zeros(4, np.int64),
    )  # fmt: skip
    for comp, by in enumerate(ground):
        for log in range(int(smallest[comp]), 7):
            mine = np.nonzero(
                ((maps[:, 0] != 0) | (counts > 0))
                & (leaves[:, COMP] == comp)
                & (leaves[:, LOG] == log)
            )[0]
            if len(mine):
                goal = coefficients[comp][log - CELL_LOG]
                _revise(by, tiles, maps, flat, goal, mine, log, offered[mine], counts[mine])


def _revise(  # noqa: D103
    ground, tiles, maps, flat, coefficients, mine, log, offered, counts
) -> None:
    leaves, k, lmbda = tiles.leaves, log - CELL_LOG, np.float32(ground.lmbda)
    comp = int(leaves[mine[0], COMP])
    y, x = leaves[mine, TOP] >> log, leaves[mine, LEFT] >> log
    at = np.stack([y, x], 1).astype(np.int64)
    own = maps[mine]
    has = own[:, 0] != 0
    options = np.concatenate([own[:, None, 1:] >> log, offered], 1).astype(np.int32)
    exists = np.concatenate([has[:, None], np.arange(OFFERS) < counts[:, None]], 1)
    options[~exists] = 0
    same = (options[:, 1:] == options[:, :1]).all(-1) & exists[:, 1:]
    exists[:, 0] &= ~same.any(1)  # said by a neighbour: no need to say it out
    quarters, gain = ground.scales(at, options, log)
    bits = ground.maps.scale[ground.role, k][np.abs(quarters) - 1]
    said = ground.maps.offer[ground.role, k][counts]
    bits[:, 0] += said[:, OFFERS]
    bits[:, :1] += ground.maps.places(ground.role, log, ground.size, at, options[:, :1])
    bits[:, 1:] += said[:, :OFFERS]
    flag = ground.maps.flag[ground.role, k].astype(np.float32)
    goal = coefficients[y, x].reshape(len(mine), -1) * np.float32(1 / ground.step)
    plain = ground.quantized(goal, log)
    best = plain.costs[k][0] + lmbda * flag[np.minimum(plain.grades[k][0], 3), 0]
    levels, reaches, grades = plain.levels[k][0], plain.reaches[k][0], plain.grades[k][0]
    rest = goal
    maps[mine] = 0
    for c in range(OFFERS + 1):
        valid = np.nonzero(exists[:, c])[0]
        if not ground.pure:
            worth = gain[valid, c] - lmbda * bits[valid, c].astype(np.float32)
            valid = valid[worth > 0]
        if not len(valid):
            continue
        domain = ground.domain(options[valid, c], log)
        s = quarters[valid, c]
        left = goal[valid] - (s / 4).astype(np.float32)[:, None] * domain
        tried = ground.quantized(left, log)
        cost = tried.costs[k][0] + lmbda * (
            bits[valid, c] + flag[np.minimum(tried.grades[k][0], 3), 1]
        ).astype(np.float32)
        won = np.nonzero(cost < best[valid])[0]
        to = valid[won]
        best[to] = cost[won]
        levels[to], reaches[to], grades[to] = (
            part[k][0][won] for part in (tried.levels, tried.reaches, tried.grades)
        )
        rest[to] = left[won]
        maps[mine[to], 0] = s[won]
        maps[mine[to], 1:] = options[to, c] << log
    leaves[mine, GRADE], leaves[mine, REACH] = grades, reaches
    to = leaves[mine, START, None].astype(np.int64) + np.arange(1 << 2 * log)
    tiles.levels[comp][to] = levels
    flat[comp][to] = rest
