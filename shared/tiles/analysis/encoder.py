"""Search encoder for tiles: components to a priced, Lagrangian-optimal set of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...codec import Geometry
from ...entropy import Tables
from ...error.importance import Importance
from ..format.stream import (
    NEUTRAL_CHROMA,
    NO_TALLY,
    STEPS,
    STEPS_PER_OCTAVE,
    Coder,
    TileSet,
    capacity,
    component_steps,
    padded,
    parts_of,
)
from ..format.syntax import CELL_LOG, COMP, FIELDS, LEFT, LOG, MEAN, ROOT, ROOT_LOG, START, TOP
from ..synthesis import dct
from . import rdo
from .weights import EQUAL, Weights, at_edge, of_leaves, tile_energy, weights_of

LAMBDA = 0.1
"""Lagrangian multiplier: squared error (in steps) that one bit must remove."""
_SIZES = 5
_EDGE_LOG = 4
"""Logarithm of the side of tiles whose coefficients stand for those of all."""
_LEAST_KEPT = 0.8
_BITS_AT_ONE, _BITS_POWER = 4.5, 1.05
"""Bits a pixel if all coefficients of 16 x 16 tiles reach `_LEAST_KEPT` steps, and how they fall;
fitted to training pictures, within 15 %."""
_BITS_BESIDE, _LEAST_SHARE = 0.01, 0.65
"""Bits a pixel that are no coefficients, and the least share of all bits that are."""


@dataclass(frozen=True)
class Spectra:
    """Coefficients of all tiles of all sizes.

    Parameters
    ----------
    geometry : Geometry
    coefficients : list by component of list by size of (rows, columns, side, side) float32
    luma : (H, W) float32
        First component of the picture, code values.
    importance : Importance, optional
        What a network says of errors.
    weights : Weights, optional
        The same at all tiles.
    strictness : float
        Factor of the Lagrangian multiplier.
    adapted : (n,) int32, optional
        States of the coder after something similar, from which prices are known at once.
    """

    geometry: Geometry
    coefficients: list[list[npt.NDArray[np.float32]]]
    luma: npt.NDArray[np.float32]
    importance: Importance | None = None
    weights: Weights | None = None
    strictness: float = 1.0
    adapted: npt.NDArray[np.int32] | None = None

    @property
    def count(self) -> int:
        """Tiles of all sizes that a partition chooses from."""
        return sum(size.shape[0] * size.shape[1] for sizes in self.coefficients for size in sizes)

    def reweighted(self, importance: Importance) -> Spectra:
        """Take the same coefficients with other importance."""
        height, width = padded(self.geometry.height), padded(self.geometry.width)
        weights = weights_of(importance, height, width)
        return replace(self, importance=importance, weights=weights)

    def weights_by(self, role: int) -> list[npt.NDArray[np.float32]] | None:
        """Weights of all tiles by size."""
        return None if self.weights is None else self.weights[role]

    def of_leaves(self, leaves: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """Weights of leaves, (n, OCTAVES), or one row if they are all the same."""
        if self.weights is None:
            return EQUAL
        roles = roles_of(self.geometry.channels)
        return of_leaves(leaves, self.weights, roles, padded(self.geometry.width))

    def energy(self, comp: int, off: npt.NDArray[np.float32]) -> float:
        """Sum the squares of a difference of a component, weighted by what errors count for.

        Parameters
        ----------
        comp : int
        off : (H, W) or (H', W') float32
            In the picture, or padded.
        """
        if self.weights is None:
            return float((off * off).sum(dtype=np.float64))
        rest = [(0, padded(n) - n) for n in off.shape]
        weights = self.weights[roles_of(self.geometry.channels)[comp]][_EDGE_LOG - CELL_LOG]
        side = 1 << _EDGE_LOG
        blocks = dct.to_tiles(np.pad(off, rest), _EDGE_LOG).reshape(-1, side, side)
        return float(tile_energy(blocks, weights, _EDGE_LOG).sum())

    def multiplier(self, lmbda: float, steps: npt.NDArray[np.int64]) -> float:
        """Lagrangian multiplier at which weights on the edge are one on average."""
        lmbda *= self.strictness
        if self.weights is None:
            return lmbda
        blocks = [
            by_size[_EDGE_LOG - CELL_LOG].reshape(-1, 1 << 2 * _EDGE_LOG)
            * np.float32(65536.0 / step)
            for by_size, step in zip(self.coefficients, steps, strict=True)
        ]
        return lmbda * at_edge(blocks, self.weights, roles_of(len(blocks)), _EDGE_LOG)


@dataclass
class Choice:
    """A set of tiles as the encoder sees it.

    Parameters
    ----------
    tiles : TileSet
    ratios : (C, size) float32
        Coefficients in steps, at the places of the levels.
    prices : (C, size) float32
        Bits that a level 1 costs more than a 0.
    spent : (n,) float64
        Bits of each leaf's levels.
    coder : Coder
        After all has been coded.
    weights : (n, OCTAVES) float32, optional
        What the squared error of each leaf counts for.
    """

    tiles: TileSet
    ratios: npt.NDArray[np.float32]
    prices: npt.NDArray[np.float32]
    spent: npt.NDArray[np.float64]
    coder: Coder
    weights: npt.NDArray[np.float32] | None = None


def pad(plane: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Extend a plane to whole superblocks by repeating its last row and column."""
    height, width = plane.shape
    rest = (0, padded(height) - height), (0, padded(width) - width)
    return np.pad(plane.astype(np.float32), rest, mode="edge")


def transform(
    planes: Sequence[npt.NDArray[np.floating[Any]]], importance: Importance | None = None
) -> Spectra:
    """Transform all components at all sizes."""
    height, width = planes[0].shape
    out = []
    for plane in planes:
        wide = pad(plane)
        out.append([dct.forward(wide, k + CELL_LOG) for k in range(_SIZES)])
    luma = np.asarray(planes[0], np.float32)
    spectra = Spectra(Geometry(height, width, len(planes)), out, luma)
    return spectra if importance is None else spectra.reweighted(importance)


def first_step(spectra: Spectra, limit: int) -> int:
    """Guess the step of a file from the magnitude that about as many coefficients reach as fit."""
    pixels = spectra.geometry.pixels
    rate = 8.0 * limit / pixels
    rate = max(rate - _BITS_BESIDE, _LEAST_SHARE * rate)
    count = pixels * (rate / _BITS_AT_ONE) ** _BITS_POWER
    steps = component_steps(0, NEUTRAL_CHROMA, spectra.geometry.channels)
    ratios = []
    for by_size, step in zip(spectra.coefficients, steps, strict=True):
        ratio = np.abs(by_size[_EDGE_LOG - CELL_LOG])
        ratio[..., 0, 0] = 0.0
        ratios.append(ratio.ravel() * np.float32(65536.0 / step))
    every = np.concatenate(ratios)
    place = every.size - 1 - min(int(count), every.size - 1)
    reached = float(np.partition(every, place)[place])
    return max(round(STEPS_PER_OCTAVE * float(np.log2(max(reached / _LEAST_KEPT, 1.0)))), 0)


@dataclass
class Written:
    """What writing a set of tiles gives.

    Parameters
    ----------
    coder : Coder
    prices : (C, size) float32 or (0, 0)
        Bits that a level 1 costs more than a 0.
    spent : (n,) float64
        Bits of each leaf's levels.
    first : int
        Coder shifts after the first stage.
    marks : (k,) int64
        Coder shifts after the levels of each leaf.
    """

    coder: Coder
    prices: npt.NDArray[np.float32]
    spent: npt.NDArray[np.float64]
    first: int
    marks: npt.NDArray[np.int64]


def code(
    tables: Tables,
    tiles: TileSet,
    *,
    priced: bool,
    plain: bool = False,
    tally: npt.NDArray[np.int64] = NO_TALLY,
) -> Written:
    """Write a set of tiles whose maps are still empty."""
    coder = Coder(tables, capacity=capacity(tiles.geometry), tally=tally)
    prices = np.zeros(tiles.levels.shape if priced else (0, 0), np.float32)
    marks = coder.partition(tiles, plain=plain)
    _, spent, after = coder.details(tiles, tiles.order(), prices)
    return Written(coder, prices, spent, int(marks[-1]), after[:-1])


def choose(
    spectra: Spectra,
    step: int,
    chroma: int,
    tables: Tables,
    *,
    lmbda: float = LAMBDA,
    passes: int = 2,
    last: bool = True,
) -> Choice:
    """Decide partition and levels at a step.

    Parameters
    ----------
    spectra : Spectra
    step, chroma : int
        See `stream.component_steps`; the two steps beyond the last are `flat_tiles`.
    tables : Tables
        Initial states of the coder.
    lmbda : float
    passes : int
        Times that all is decided; each but the first with prices adapted to the picture. One
        is less if they are from the start.
    last : bool
        Whether what comes out is coded; else prices and states are those of the last pass.
    """
    if step >= STEPS:
        tiles, ratios = flat_tiles(spectra, STEPS - 1, chroma, blank=step > STEPS)
        written = code(tables, tiles, priced=True)
        return _choice(spectra, tiles, ratios, written)
    geometry = spectra.geometry
    steps = component_steps(step, chroma, geometry.channels)
    lmbda = spectra.multiplier(lmbda, steps)
    probability = tables.probability
    if spectra.adapted is not None:
        probability, passes = spectra.adapted, max(passes - 1, 1)
    for _ in range(passes):
        tiles, ratios = _decide(spectra, steps, rdo.Prices.of(probability), lmbda)
        written = code(tables, tiles, priced=True)
        probability = written.coder.probability
    weights = spectra.of_leaves(tiles.leaves)
    rdo.drop_dear(tiles.leaves, weights, tiles.levels, ratios, written.prices, np.float32(lmbda))
    tiles = TileSet.blank(geometry, steps, tiles.leaves, tiles.levels)
    if last:
        written = code(tables, tiles, priced=True)
    return _choice(spectra, tiles, ratios, written)


def _choice(
    spectra: Spectra, tiles: TileSet, ratios: npt.NDArray[np.float32], written: Written
) -> Choice:
    weights = None if spectra.weights is None else spectra.of_leaves(tiles.leaves)
    return Choice(tiles, ratios, written.prices, written.spent, written.coder, weights)


def flat_tiles(
    spectra: Spectra, step: int, chroma: int, *, blank: bool
) -> tuple[TileSet, npt.NDArray[np.float32]]:
    """Make the least that a file can hold: superblocks, with their means or (`blank`) without.

    Returns
    -------
    tiles, ratios
        See `assemble`.
    """
    geometry = spectra.geometry
    steps = component_steps(step, chroma, geometry.channels)
    rows, columns = (padded(n) // ROOT for n in (geometry.height, geometry.width))
    area = ROOT * ROOT
    ratios = np.stack([blocks[-1].reshape(-1, area) for blocks in spectra.coefficients])
    ratios = ratios * (65536.0 / steps).astype(np.float32)[:, None, None]
    at = np.arange(rows * columns)
    leaves = np.zeros((rows * columns, geometry.channels, FIELDS), np.int32)
    leaves[..., COMP] = np.arange(geometry.channels)
    leaves[..., TOP] = (at // columns * ROOT)[:, None]
    leaves[..., LEFT] = (at % columns * ROOT)[:, None]
    leaves[..., LOG] = ROOT_LOG
    leaves[..., START] = (at * area)[:, None]
    if not blank:
        leaves[..., MEAN] = np.rint(ratios[..., 0]).T
    return TileSet.blank(geometry, steps, leaves.reshape(-1, FIELDS)), ratios.reshape(
        len(steps), -1
    )


def in_steps(spectra: Spectra, steps: npt.NDArray[np.int64]) -> list[list[npt.NDArray[np.float32]]]:
    """Coefficients in steps, by component and size, (rows, columns, side * side) float32."""
    return [
        [block.reshape(*block.shape[:2], -1) * np.float32(65536.0 / step) for block in blocks]
        for blocks, step in zip(spectra.coefficients, steps, strict=True)
    ]


def roles_of(components: int) -> list[int]:
    """1 for each chroma component, 0 for luma, grey and alpha."""
    return [1 if components >= 3 and comp in (1, 2) else 0 for comp in range(components)]


def _decide(
    spectra: Spectra, steps: npt.NDArray[np.int64], prices: rdo.Prices, lmbda: float
) -> tuple[TileSet, npt.NDArray[np.float32]]:
    """Quantize at all sizes, prune, and gather."""
    geometry = spectra.geometry
    flat = [[block.reshape(*block.shape[:2], -1) for block in by] for by in spectra.coefficients]
    scales = (65536.0 / steps).astype(np.float32)
    # In steps one size at a time: all of them would be once more what `spectra` takes.
    candidates = [
        rdo.quantize(
            (block * scale for block in blocks), role, lmbda, prices, geometry.height,
            geometry.width, weights=spectra.weights_by(role),
        )
        for blocks, scale, role in zip(flat, scales, roles_of(geometry.channels), strict=True)
    ]  # fmt: skip
    return assemble(geometry, steps, candidates, flat, prices, lmbda, scales)


def assemble(
    geometry: Geometry,
    steps: npt.NDArray[np.int64],
    candidates: list[rdo.Candidates],
    ratios: list[list[npt.NDArray[np.float32]]],
    prices: rdo.Prices,
    lmbda: float,
    scales: npt.NDArray[np.float32] | None = None,
) -> tuple[TileSet, npt.NDArray[np.float32]]:
    """Prune the trees of all partitions and gather the leaves.

    Parameters
    ----------
    geometry, steps, candidates, ratios, prices, lmbda
        See `_decide`.
    scales : (C,) float32, optional
        What each component's `ratios` are yet to be multiplied by.

    Returns
    -------
    tiles : TileSet
        With empty maps.
    ratios : (C, size) float32
        Coefficients in steps, at the places of the levels.
    """
    height, width, comps = geometry.height, geometry.width, geometry.channels
    parts, splits = parts_of(comps), []
    for first, count in parts.tolist():
        total = [
            np.sum([candidates[comp].costs[k] for comp in range(first, first + count)], axis=0)
            for k in range(len(candidates[first].costs))
        ]
        splits.append(tuple(rdo.prune(total, prices.split[1 if count == 2 else 0], lmbda)[1]))
    size = padded(height) * padded(width)
    leaves = np.zeros((comps * size >> 2 * CELL_LOG, FIELDS), np.int32)
    levels, flat = np.zeros((comps, size), np.int16), np.zeros((comps, size), np.float32)
    count = rdo.collect(
        height,
        width,
        parts,
        tuple(splits),
        tuple(tuple(c.levels) for c in candidates),
        tuple(tuple(blocks) for blocks in ratios),
        np.ones(comps, np.float32) if scales is None else scales,
        tuple(tuple(c.means) for c in candidates),
        tuple(tuple(c.reaches) for c in candidates),
        tuple(tuple(c.grades) for c in candidates),
        leaves,
        levels,
        flat,
        np.zeros((32, 3), np.int64),
        np.zeros(comps, np.int64),
    )
    return TileSet.blank(geometry, steps, leaves[:count].copy(), levels), flat
