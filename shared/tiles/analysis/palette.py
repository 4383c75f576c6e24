"""Search for palette blocks: where a few colours, said pixel by pixel, beat tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...codec import Geometry
from ...entropy import Tables
from ..format.palette import BLOCK, BLOCK_LOG, MARGIN, MOST_COLOURS, Palette
from ..format.stream import (
    NEUTRAL_CHROMA,
    STEPS,
    Coder,
    TileSet,
    capacity,
    component_steps,
    padded,
    parts_of,
)
from ..format.syntax import CELL_LOG
from . import rdo
from .encoder import LAMBDA, quantized
from .screen import Screen
from .spectra import Spectra, roles_of, transform

FloatArray = npt.NDArray[np.float32]

_APART = 0.85
"""Least distance of two colours of a palette, in quantizer steps."""
_KEPT, _STEPS_SHARED = 3, 4
"""Searches that are remembered, and steps that share one."""


def _chosen(vectors: FloatArray, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Pick frequent colours at least `_APART` from each other, the most frequent first."""
    left = np.ones(len(vectors), np.bool_)
    out: list[int] = []
    at = 0
    while len(out) < MOST_COLOURS:
        rest = np.nonzero(left[at:])[0]
        if not len(rest):
            break
        at += int(rest[0])
        out.append(at)
        left[at:] &= ((vectors[at:] - vectors[at]) ** 2).sum(1) > _APART * _APART
    return np.array(out)


def _nearest(vectors: FloatArray, chosen: FloatArray) -> npt.NDArray[np.uint8]:
    """Index of the nearest of the chosen colours, for each."""
    out = np.empty(len(vectors), np.uint8)
    norms = (chosen * chosen).sum(1)
    for at in range(0, len(vectors), 4096):
        rows = vectors[at : at + 4096]
        out[at : at + 4096] = (norms - 2.0 * rows @ chosen.T).argmin(1)
    return out


def _by_block(spectra: Spectra, errors: FloatArray) -> npt.NDArray[np.float64]:
    """Sum squared errors (H, W, C) over blocks, weighted by what they count for."""
    rest = [(0, padded(n) - n) for n in errors.shape[:2]]
    wide = np.pad(errors, [*rest, (0, 0)])
    rows, columns, comps = wide.shape[0] // BLOCK, wide.shape[1] // BLOCK, wide.shape[2]
    sums = wide.reshape(rows, BLOCK, columns, BLOCK, comps).sum((1, 3), dtype=np.float64)
    for comp, role in enumerate(roles_of(comps)):
        weights = spectra.weights_by(role)
        if weights is not None:
            sums[..., comp] *= weights[BLOCK_LOG - CELL_LOG].mean(1).reshape(rows, columns)
    inside = (-(-n // BLOCK) for n in errors.shape[:2])
    out: npt.NDArray[np.float64] = sums.sum(2)[tuple(slice(n) for n in inside)]
    return out


def _tile_costs(
    spectra: Spectra, steps: npt.NDArray[np.int64], prices: rdo.Prices, lmbda: float
) -> npt.NDArray[np.float64]:
    """Lagrangian cost of each block in the best partition, (rows, columns) padded."""
    # Prices are not adapted yet, and what turns promise on screens is less than they say.
    candidates = quantized(spectra, steps, prices, lmbda, turned=False)
    out: Any = 0.0
    for first, count in parts_of(spectra.geometry.channels).tolist():
        costs = [
            np.sum([candidates[comp].costs[k] for comp in range(first, first + count)], axis=0)
            for k in range(len(candidates[first].costs))
        ]
        split = prices.split[1 if count == 2 else 0]
        best, shares = rdo.prune(costs[:2], split, lmbda)[0], []
        mine = best
        for k in range(2, len(costs)):
            children = (
                best.reshape(costs[k].shape[0], 2, -1, 2).sum((1, 3)) + lmbda * split[k - 1, 1]
            )
            best = np.minimum(children, costs[k] + lmbda * split[k - 1, 0])
            shares.append(best / np.maximum(children, 1e-9))
        for k, share in enumerate(shares):
            mine = mine * np.kron(share, np.ones((2 << k, 2 << k)))
        out = out + mine
    return np.asarray(out, np.float64)


def fill(plane: FloatArray, hidden: npt.NDArray[np.bool_]) -> FloatArray:
    """Replace hidden samples by something smooth that continues what is seen.

    Pull and push (Gortler et al. 1996, doi:10.1145/237170.237200).
    """
    height, width = plane.shape
    rest = (0, padded(height) - height), (0, padded(width) - width)
    seen = np.pad(1.0 - hidden, rest)
    values = [(np.pad(plane.astype(np.float64), rest) * seen, seen)]
    for _ in range(6):
        level, weight = (
            part.reshape(part.shape[0] // 2, 2, -1, 2).sum((1, 3)) for part in values[-1]
        )
        values.append((level, weight))
    level, weight = values[-1]
    mean = float(level.sum() / max(weight.sum(), 1e-9))
    out = np.where(weight > 0, level / np.maximum(weight, 1e-9), mean)
    for level, weight in reversed(values[:-1]):
        above = np.kron(out, np.ones((2, 2)))
        out = np.where(weight > 0, level / np.maximum(weight, 1e-9), above)
    return np.where(hidden, out[:height, :width], plane).astype(np.float32)


def behind(palette: Palette | None, planes: Sequence[FloatArray]) -> list[FloatArray]:
    """What tiles have to show of planes (H, W): all, or what continues behind palette blocks."""
    if palette is None:
        return list(planes)
    height, width = planes[0].shape
    hidden = palette.blocks[1:-1, 1:-1] != 0
    hidden = np.kron(hidden, np.ones((BLOCK, BLOCK), np.bool_))[:height, :width]
    return [fill(plane, hidden) for plane in planes]


def painted(spectra: Spectra, step: int, tables: Tables, *, lmbda: float = LAMBDA) -> Spectra:
    """Choose the palette blocks at a step.

    Returns
    -------
    Spectra
        As given if there are none; else with the palette and the coefficients of what is seen.
    """
    if spectra.screen is None or step >= STEPS:
        return spectra
    key = step // _STEPS_SHARED
    if key not in spectra.found:
        middle = step - step % _STEPS_SHARED + _STEPS_SHARED // 2
        spectra.found[key] = _search(spectra, middle, tables, lmbda)
        # Each holds coefficients once more; a search that is done with a step rarely comes back.
        while len(spectra.found) > _KEPT:
            del spectra.found[next(iter(spectra.found))]
    found = spectra.found[key]
    return (
        spectra
        if found is None
        else replace(found, strictness=spectra.strictness, adapted=spectra.adapted)
    )


def _search(spectra: Spectra, step: int, tables: Tables, lmbda: float) -> Spectra | None:
    screen, geometry = spectra.screen, spectra.geometry
    assert screen is not None
    steps = component_steps(min(step, STEPS - 1), NEUTRAL_CHROMA, geometry.channels)
    lmbda = spectra.multiplier(lmbda, steps)
    scales = (65536.0 / steps).astype(np.float32)
    vectors = screen.colours * scales
    chosen = _chosen(vectors, screen.counts)
    near = _nearest(vectors, vectors[chosen])
    colours = np.clip(np.rint(screen.colours[chosen]), -128, 127)
    rows, columns = -(-geometry.height // BLOCK), -(-geometry.width // BLOCK)
    prices = rdo.Prices.of(tables.probability)
    tiled = _tile_costs(spectra, steps, prices, lmbda)[:rows, :columns]
    off = (vectors - (colours * scales)[near]) ** 2
    wrong = _by_block(spectra, off[screen.place])
    taken = wrong < tiled
    # Bits depend on which blocks are there: those that do not pay leave, twice.
    for last in (False, False, True):
        if not taken.any():
            return None
        palette = _palette(screen, near, colours, taken)
        if not last:
            bits, head = _bits(geometry, palette, tables)
            taken &= wrong + lmbda * bits < tiled
    # Blocks that left hardly change what the others and the colours cost.
    if (tiled - wrong - lmbda * bits)[taken].sum() < lmbda * head:
        return None
    palette.price = float(bits[taken].sum())
    planes = tuple(behind(palette, spectra.planes))
    return replace(
        spectra,
        coefficients=transform(planes).coefficients,
        planes=planes,
        palette=palette,
        missed=float(wrong[taken].sum() * (steps[0] / 65536.0) ** 2),
    )


def _palette(
    screen: Screen,
    near: npt.NDArray[np.uint8],
    colours: FloatArray,
    taken: npt.NDArray[np.bool_],
) -> Palette:
    """Make the palette of chosen blocks, without colours that are not used."""
    height, width = screen.place.shape
    out = Palette.room(height, width, colours.shape[1])
    out.blocks[1:-1, 1:-1] = taken
    hidden = np.kron(taken, np.ones((BLOCK, BLOCK), np.bool_))[:height, :width]
    inside = out.indices[MARGIN:-MARGIN, MARGIN:-MARGIN]
    inside[...] = np.where(hidden, near[screen.place], 0)
    counts = np.bincount(inside[hidden], minlength=len(colours))
    used = np.nonzero(counts)[0]
    first = used[np.argmax(counts[used])]
    rest = used[used != first]
    order = np.r_[first, rest[np.argsort(colours[rest, 0], kind="stable")]]
    rank = np.zeros(MOST_COLOURS, np.uint8)
    rank[order] = np.arange(len(order))
    inside[...] = np.where(hidden, rank[inside], 0)
    out.colours = np.clip(colours[order], -128, 127).astype(np.int32)
    return out


def _bits(
    geometry: Geometry, palette: Palette, tables: Tables
) -> tuple[npt.NDArray[np.float64], float]:
    """Bits of the indices of each block, and of colours and blocks."""
    tiles = TileSet.blank(geometry, np.ones(geometry.channels, np.int64), palette=palette)
    coder = Coder(tables, capacity=capacity(geometry))
    bits = coder.palettes(tiles)
    return bits, coder.shares()["palettes"] - float(bits.sum())
