"""The quick encoder: one pass, and maps only where a network says that they may pay.

The search judges domains in pictures that it decodes again and again. Here they are judged in the
picture that the levels of one size give, and what was promised too much is taken away in the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...shared.entropy import Tables
from ...shared.tiles import cosine, encoder, rdo
from ...shared.tiles.encoder import in_steps, roles_of
from ...shared.tiles.stream import NEUTRAL_CHROMA, TileSet, component_steps
from ...shared.tiles.syntax import CELL_LOG
from .choice import Ground, add_maps, gather, prune
from .format import Written, write
from .prices import MapPrices
from .search import decimate

if TYPE_CHECKING:
    from .analysis import Analysis

FloatArray = npt.NDArray[np.float32]
_SHOWN = 4
"""Logarithm of the side of the tiles in whose picture domains are judged."""


def _shown(candidates: rdo.Candidates, step: float) -> FloatArray:
    """What tiles of one size show, code values."""
    k, side = _SHOWN - CELL_LOG, 1 << _SHOWN
    levels = candidates.levels[k].astype(np.float32)
    levels[..., 0] = candidates.means[k]
    rows, columns = levels.shape[:2]
    basis = cosine.float_basis(_SHOWN) * np.float32(step) ** np.float32(0.5)
    blocks = basis.T @ levels.reshape(rows, columns, side, side) @ basis
    out: FloatArray = blocks.swapaxes(1, 2).reshape(rows * side, columns * side)
    return out


def choose(
    analysis: Analysis, step: int, tables: Tables, *, lmbda: float = encoder.LAMBDA
) -> tuple[TileSet, npt.NDArray[np.int32], FloatArray, Written]:
    """Decide partition, maps and levels at a step; see `analysis.choose`."""
    from .analysis import seen

    spectra = analysis.spectra
    geometry = spectra.geometry
    size = (geometry.height, geometry.width)
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    lmbda = spectra.multiplier(lmbda, steps)
    ratios = in_steps(spectra, steps)
    roles = roles_of(geometry.channels)
    prices = rdo.Prices.of(tables.probability)
    candidates = [
        rdo.quantize(blocks, role, lmbda, prices, *size, weights=spectra.weights_by(role))
        for blocks, role in zip(ratios, roles, strict=True)
    ]
    own = float(steps[0]) / 65536.0
    ground = Ground(
        analysis.planes[0], decimate(_shown(candidates[0], own)), size, roles[0], own, lmbda,
        False, prices, MapPrices.of(tables.probability), spectra.weights_by(roles[0]),
    )  # fmt: skip
    found = add_maps(ground, candidates[0], ratios[0], analysis.shortlists[0])
    tiles, flat = encoder.assemble(geometry, steps, candidates, ratios, prices, lmbda)
    maps = gather(tiles, [found])
    written = write(tables, tiles, maps, pure=False, priced=True)
    if maps[:, 0].any():
        shown = seen(tiles, maps)
        prune([ground], shown, tiles, maps, flat, spectra.coefficients, written)
        tiles = TileSet.blank(geometry, steps, tiles.leaves, tiles.levels)
        written = write(tables, tiles, maps, pure=False, priced=True)
    weights = spectra.of_leaves(tiles.leaves)
    rdo.drop_dear(tiles.leaves, weights, tiles.levels, flat, written.prices, np.float32(lmbda))
    tiles = TileSet.blank(geometry, steps, tiles.leaves, tiles.levels)
    return tiles, maps, flat, write(tables, tiles, maps, pure=False, priced=True)
