"""Levels of a tiny file, one by one, by what is seen at full size and by real bits.

In a file of some hundred bytes there are so few levels that each can be tried in the coder itself.
The error is that of the whole picture: it knows that high frequencies of a reduced picture weigh
less, that luma can make up for chroma that was dropped, and that beyond an edge nothing counts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ... import entropy
from ...entropy import Tables
from ...picture import color
from ...picture.raster import Image
from ...picture.seen import Seen
from ..format.contexts import TURN_GROUP
from ..format.packets import HEADER
from ..format.stream import TileSet, padded
from ..format.syntax import CELL_LOG, COMP, GRADE, LEFT, LOG, MEAN, REACH, START, TOP, TURN
from ..format.turns import SCALE_BITS, matrices, places
from ..synthesis import dct
from .encoder import LAMBDA, code

FloatArray = npt.NDArray[np.float64]

_STRICT = (1.4, 1.0, 0.7, 0.5)
"""Times the usual multiplier, one sweep after the other: what is least worth its bits goes first,
and then whatever pays most comes, as long as there is room."""
_LENIENT, _UNUSED = (0.3, 0.15, 0.05, 0.01), 0.03
"""The same where more than this part of the limit would else remain unused."""
_TRIALS, _MORE_TRIALS = 60_000, 12_000
"""Bytes that are written at most to try levels, and once more each time that room is left."""
_NEARLY, _DEAREST = 2.5, 14.0
"""Bits that the guess of a price may be wrong by, and that dropping a level ever saves."""
_NEW, _LAST, _LARGER, _SMALLER = 8.0, 5.0, 1.2, 1.5
"""Bits, guessed: of a level where the coder gave no price, the least that one of 1 takes, and what
one that is not 0 before and after grows or shrinks by."""


def _turn_of(leaf: npt.NDArray[np.int32]) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Turn of a leaf that has one: levels by coefficients, (n, n), and where they lie, (2, n)."""
    log = int(leaf[LOG])
    where = places(log)
    turn = matrices()[TURN_GROUP[log - CELL_LOG], leaf[TURN] - 1, : len(where), : len(where)]
    return turn / float(1 << SCALE_BITS), where.T


class _Levels:
    """A set of tiles, what it costs, and which way its error falls."""

    def __init__(self, tables: Tables, tiles: TileSet, seen: Seen, limit: int) -> None:
        self.tables, self.tiles, self.limit = tables, tiles, limit
        self.leaves, self.levels = tiles.leaves.copy(), tiles.levels.copy()
        self.trials = max(_TRIALS // limit, 1)
        channels, shape = tiles.geometry.channels, (tiles.geometry.height, tiles.geometry.width)
        self.mixing = color.mixing(channels)
        self.gram: FloatArray = self.mixing.T @ self.mixing
        self.steps: FloatArray = tiles.steps / 65536.0
        self.slope = np.zeros((channels, *map(padded, shape)))
        self.rows, self.columns = (
            np.pad(one, (0, padded(len(one)) - len(one))) for one in (seen.rows, seen.columns)
        )
        self.reaches = [int(np.abs(np.subtract(*np.nonzero(gram))).max(initial=0))
                        for gram in (seen.rows, seen.columns)]  # fmt: skip
        enlarged = seen.rows.sum() / len(seen.rows) * seen.columns.sum() / len(seen.columns)
        self.unit = float(self.gram[0, 0] * self.steps[0] ** 2 * enlarged)
        self._along: dict[tuple[int, int, int], FloatArray] = {}
        self.tried()

    def begin(self, slope: FloatArray) -> None:
        """Take the slope of the picture as it is decoded, (h, w, C)."""
        height, width = slope.shape[:2]
        self.slope[:, :height, :width] = (slope @ self.mixing).transpose(2, 0, 1)

    def tried(self) -> TileSet:
        """Write all, see what it takes, and return it with its maps."""
        tiles = self.tiles.emptied(self.leaves.copy(), self.levels)
        written = code(self.tables, tiles, priced=True)
        self.prices, self.bits = written.prices, sum(written.coder.shares().values())
        self.size = HEADER + len(entropy.finish(written.coder.state))
        return tiles

    def _energies(self, axis: int, log: int, first: int) -> FloatArray:
        """Squared norm of each basis function along an axis, once enlarged, (side,)."""
        key = axis, log, first
        if key not in self._along:
            basis, side = dct.float_basis(log).astype(np.float64), slice(first, first + (1 << log))
            gram = (self.rows, self.columns)[axis][side, side]
            self._along[key] = np.einsum("ui,ij,uj->u", basis, gram, basis)
        return self._along[key]

    def curvature(self, leaf: npt.NDArray[np.int32]) -> FloatArray:
        """Error that one level more or less makes by itself, (side, side).

        Of turned levels about: what is not orthogonal once enlarged does not count.
        """
        comp, log = int(leaf[COMP]), int(leaf[LOG])
        down = self._energies(0, log, int(leaf[TOP]))
        across = self._energies(1, log, int(leaf[LEFT]))
        scale = self.gram[comp, comp] * self.steps[comp] ** 2
        out: FloatArray = np.outer(down, across) * scale
        if leaf[TURN]:
            turn, (u, v) = _turn_of(leaf)
            out[u, v] = turn**2 @ out[u, v]
        return out

    def _tile(self, leaf: npt.NDArray[np.int32]) -> FloatArray:
        side = 1 << int(leaf[LOG])
        top, left = leaf[TOP], leaf[LEFT]
        out: FloatArray = self.slope[leaf[COMP], top : top + side, left : left + side]
        return out

    def falls(self, leaf: npt.NDArray[np.int32]) -> FloatArray:
        """Half of what the error falls by for each level more, were there no curvature."""
        basis = dct.float_basis(int(leaf[LOG]))
        out: FloatArray = self.steps[leaf[COMP]] * (basis @ self._tile(leaf) @ basis.T)
        if leaf[TURN]:
            turn, (u, v) = _turn_of(leaf)
            out[u, v] = turn @ out[u, v]
        return out

    def change(self, at: tuple[int, int, int, int]) -> float:
        """Error that a move adds."""
        number, u, v, by = at
        leaf = self.leaves[number]
        if leaf[TURN]:
            return float(self.curvature(leaf)[u, v] - 2 * by * self.falls(leaf)[u, v])
        comp, log = int(leaf[COMP]), int(leaf[LOG])
        basis, step = dct.float_basis(log), self.steps[comp]
        fall = float(step) * float(basis[u] @ self._tile(leaf) @ basis[v])
        energy = float(self._energies(0, log, int(leaf[TOP]))[u])
        energy *= float(self._energies(1, log, int(leaf[LEFT]))[v])
        return float(self.gram[comp, comp] * step**2) * energy - 2 * by * fall

    def put(self, at: tuple[int, int, int, int]) -> None:
        """Change a level, or a mean, by one; grade and reach follow."""
        number, u, v, by = at
        leaf = self.leaves[number]
        if u + v == 0:
            leaf[MEAN] += by
            return
        side, start = 1 << int(leaf[LOG]), int(leaf[START])
        self.levels[leaf[COMP], start + u * side + v] += by
        levels = self.levels[leaf[COMP], start : start + side * side].reshape(side, side)
        found = np.nonzero(levels)
        leaf[GRADE] = int(np.abs(levels).max()).bit_length()
        leaf[REACH] = (found[0] + found[1]).max() if len(found[0]) else 0
        if not leaf[GRADE]:
            leaf[TURN] = 0

    def follow(self, at: tuple[int, int, int, int], leaf: npt.NDArray[np.int32]) -> None:
        """Let the slope follow a move of a leaf that was as `leaf` says."""
        _, u, v, by = at
        comp, basis = int(leaf[COMP]), dct.float_basis(int(leaf[LOG]))
        side, top, left = len(basis), int(leaf[TOP]), int(leaf[LEFT])
        level = np.zeros((side, side))
        level[u, v] = self.steps[comp] * by
        if leaf[TURN]:
            turn, (us, vs) = _turn_of(leaf)
            level[us, vs] = level[us, vs] @ turn
        down, across = (
            slice(max(first - reach, 0), first + side + reach)
            for first, reach in zip((top, left), self.reaches, strict=True)
        )
        made = self.rows[down, top : top + side] @ (basis.T @ level @ basis)
        made = made @ self.columns[across, left : left + side].T
        for other, share in enumerate(self.gram[comp]):
            if share:
                self.slope[other, down, across] -= share * made

    def moves(self, lmbda: float) -> list[tuple[int, int, int, int]]:
        """Levels that may be worth to be one more or less (leaf, u, v, by), the best first."""
        found: list[tuple[float, int, int, int, int]] = []
        for number, leaf in enumerate(self.leaves):
            side, start = 1 << int(leaf[LOG]), int(leaf[START])
            here = leaf[COMP], slice(start, start + side * side)
            levels = self.levels[here].reshape(side, side).astype(np.int64)
            price = self.prices[here].reshape(side, side)
            levels[0, 0] = leaf[MEAN]
            fall, curvature = self.falls(leaf), self.curvature(leaf)
            toward = np.sign(fall).astype(np.int64)
            size = np.abs(levels)
            shrinks = levels * toward < 0
            last = np.maximum(price, _LAST)
            less = np.where(size == 1, last, _SMALLER)
            more = np.where(size == 0, np.where(price > 0, price, _NEW), _LARGER)
            bits = np.where(shrinks, -less, more)
            bits[0, 0] = 0.0
            gain = 2 * np.abs(fall) - curvature
            worth = gain - lmbda * bits
            kept = (gain > 0) & (worth > -lmbda * _NEARLY)
            # What is right as it is may yet cost more than it is worth.
            size[0, 0] = 0
            drop = (size > 0) & ~shrinks
            dropped = lmbda * less - 2 * np.abs(fall) - curvature
            for chosen, value, by in (
                (kept, worth, toward),
                (drop & (dropped > -2 * lmbda * _NEARLY), dropped, -np.sign(levels)),
            ):
                for u, v in np.argwhere(chosen).tolist():
                    found.append((float(value[u, v]), number, u, v, int(by[u, v])))
        found.sort(key=lambda one: -one[0])
        return [one[1:] for one in found]

    def sweep(self, lmbda: float) -> int:
        """Try what may pay; return how many moves were made."""
        made = 0
        for at in self.moves(lmbda):
            if self.trials <= 0:
                break
            change = self.change(at)
            if change > lmbda * _DEAREST:
                continue
            leaf, bits, size = self.leaves[at[0]].copy(), self.bits, self.size
            self.trials -= 1
            self.put(at)
            self.tried()
            fits = self.size <= self.limit or self.size < size
            if change + lmbda * (self.bits - bits) < 0 and fits:
                self.follow(at, leaf)
                made += 1
                continue
            self.put((*at[:3], -at[3]))
            self.leaves[at[0]], self.bits, self.size = leaf, bits, size
        return made


def polished(
    tables: Tables,
    tiles: TileSet,
    seen: Seen,
    show: Callable[[TileSet], Image],
    limit: int,
) -> TileSet:
    """Change levels as long as the picture at full size is the nearer for its bits.

    Parameters
    ----------
    tables : Tables
        Initial states of the coder.
    tiles : TileSet
        Without palette.
    seen : Seen
        Judge of what `show` gives.
    show : callable
        Make pixels of a set with its maps, (h, w, C) uint8.
    limit : int
        Bytes that parameters and stream may have.

    Returns
    -------
    TileSet
        The nearest that was found to fit, or `tiles`; with its maps.
    """
    state = _Levels(tables, tiles, seen, limit)
    shown = show(tiles)
    best, least = tiles, seen.error(shown)
    for strictness in (*_STRICT, *_LENIENT):
        if strictness < _STRICT[-1]:
            if limit - state.size <= max(_UNUSED * limit, 1):
                break
            state.trials = max(state.trials, _MORE_TRIALS // limit)
        state.begin(seen.slope(shown))
        if not state.sweep(LAMBDA * strictness * state.unit):
            continue
        found = state.tried()
        found.levels = found.levels.copy()
        shown = show(found)
        error = seen.error(shown)
        if error < least and state.size <= limit:
            best, least = found, error
    return best
