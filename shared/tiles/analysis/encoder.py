"""Search encoder for tiles: components to a priced, Lagrangian-optimal set of tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...codec import Geometry
from ...entropy import Tables
from ..format.palette import Palette
from ..format.stream import (
    NO_BLOCKS,
    STEPS,
    Coder,
    TileSet,
    capacity,
    component_steps,
    padded,
    parts_of,
)
from ..format.syntax import CELL_LOG, COMP, FIELDS, LEFT, LOG, MEAN, ROOT, ROOT_LOG, START, TOP
from . import rdo
from .spectra import Spectra, roles_of
from .turning import turn_ratios

LAMBDA = 0.1
"""Lagrangian multiplier: squared error (in steps) that one bit must remove."""


@dataclass
class Choice:
    """A set of tiles as the encoder sees it.

    Parameters
    ----------
    tiles : TileSet
    ratios : (C, size) float32
        Coefficients in steps, turned as the leaves are, at the places of the levels.
    prices : (C, size) float32
        Bits that a level 1 costs more than a 0.
    spent : (n,) float64
        Bits of each leaf's levels.
    coder : Coder
        After all has been coded.
    weights : (n, OCTAVES) float32, optional
        What the squared error of each leaf counts for.
    missed : float
        Squared error of palette blocks, in code values of the first component.
    """

    tiles: TileSet
    ratios: npt.NDArray[np.float32]
    prices: npt.NDArray[np.float32]
    spent: npt.NDArray[np.float64]
    coder: Coder
    weights: npt.NDArray[np.float32] | None = None
    missed: float = 0.0


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
    counted: bool = False,
) -> Written:
    """Write a set of tiles whose maps are still empty; if `priced`, not for a file."""
    coder = Coder(tables, capacity=capacity(tiles.geometry), counted=counted, priced=priced)
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
    tiles = tiles.emptied()
    if last:
        written = code(tables, tiles, priced=True)
    return _choice(spectra, tiles, ratios, written)


def _choice(
    spectra: Spectra, tiles: TileSet, ratios: npt.NDArray[np.float32], written: Written
) -> Choice:
    weights = None if spectra.weights is None else spectra.of_leaves(tiles.leaves)
    settle(tiles, ratios)
    return Choice(
        tiles, ratios, written.prices, written.spent, written.coder, weights, spectra.missed
    )


def settle(tiles: TileSet, ratios: npt.NDArray[np.float32]) -> None:
    """Find the means of hidden leaves right: they are what was predicted, once written."""
    if tiles.palette is not None:
        hidden = tiles.leaves[tiles.palette.hides(tiles.leaves)]
        ratios[hidden[:, COMP], hidden[:, START]] = hidden[:, MEAN]


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


def _decide(
    spectra: Spectra, steps: npt.NDArray[np.int64], prices: rdo.Prices, lmbda: float
) -> tuple[TileSet, npt.NDArray[np.float32]]:
    """Quantize at all sizes, prune, and gather."""
    candidates = quantized(spectra, steps, prices, lmbda)
    scales = (65536.0 / steps).astype(np.float32)
    return assemble(
        spectra.geometry, steps, candidates, _flat(spectra), prices, lmbda, scales, spectra.palette
    )


def _flat(spectra: Spectra) -> list[list[npt.NDArray[np.float32]]]:
    """Coefficients by component and size, (rows, columns, side * side) float32."""
    return [[block.reshape(*block.shape[:2], -1) for block in by] for by in spectra.coefficients]


def quantized(
    spectra: Spectra,
    steps: npt.NDArray[np.int64],
    prices: rdo.Prices,
    lmbda: float,
    *,
    turned: bool = True,
) -> list[rdo.Candidates]:
    """Quantize all tiles of all sizes, by component; without turns unless `turned`."""
    geometry = spectra.geometry
    scales = (65536.0 / steps).astype(np.float32)
    # In steps one size at a time: all of them would be once more what `spectra` takes.
    return [
        rdo.quantize(
            (block * scale for block in blocks), role, lmbda, prices, geometry.height,
            geometry.width, turned=turned, weights=spectra.weights_by(role),
        )
        for blocks, scale, role in zip(
            _flat(spectra), scales, roles_of(geometry.channels), strict=True
        )
    ]  # fmt: skip


def assemble(
    geometry: Geometry,
    steps: npt.NDArray[np.int64],
    candidates: list[rdo.Candidates],
    ratios: list[list[npt.NDArray[np.float32]]],
    prices: rdo.Prices,
    lmbda: float,
    scales: npt.NDArray[np.float32] | None = None,
    palette: Palette | None = None,
) -> tuple[TileSet, npt.NDArray[np.float32]]:
    """Prune the trees of all partitions and gather the leaves.

    Parameters
    ----------
    geometry, steps, candidates, ratios, prices, lmbda
        See `_decide`.
    scales : (C,) float32, optional
        What each component's `ratios` are yet to be multiplied by.
    palette : Palette, optional
        What hides tiles.

    Returns
    -------
    tiles : TileSet
        With empty maps.
    ratios : (C, size) float32
        Coefficients in steps, turned as the leaves are, at the places of the levels.
    """
    height, width, comps = geometry.height, geometry.width, geometry.channels
    parts, splits = parts_of(comps), []
    for first, count in parts.tolist():
        total = [
            np.sum([candidates[comp].costs[k] for comp in range(first, first + count)], axis=0)
            for k in range(len(candidates[first].costs))
        ]
        if palette is not None:
            total = [
                np.where(palette.hidden(k + CELL_LOG), 0.0, cost) for k, cost in enumerate(total)
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
        tuple(tuple(c.turns) for c in candidates),
        NO_BLOCKS if palette is None else palette.blocks,
        leaves,
        levels,
        flat,
        np.zeros((32, 3), np.int64),
        np.zeros(comps, np.int64),
    )
    turn_ratios(leaves[:count], flat)
    return TileSet.blank(geometry, steps, leaves[:count].copy(), levels, palette), flat
