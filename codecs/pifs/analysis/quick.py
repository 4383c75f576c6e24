"""The quick encoder: two passes, and maps only where a network says that they may pay.

The search judges maps in pictures that it decodes again and again. Here they are judged once, in
the picture that tiles alone show, and those that promised too much are taken away in the end.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....shared.entropy import Tables
from ....shared.tiles.analysis import encoder, rdo
from ....shared.tiles.analysis.spectra import in_steps, roles_of
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, TileSet, component_steps
from ..format.stream import Written, write
from .domains import decimate
from .maps import Ground, add_maps, gather, prune
from .preview import seen
from .prices import MapPrices
from .state import Analysis

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


def choose(
    analysis: Analysis, step: int, tables: Tables, *, lmbda: float = encoder.LAMBDA
) -> tuple[TileSet, IntArray, FloatArray, Written]:
    """Decide partition, maps and levels at a step; see `search.choose`."""
    spectra = analysis.spectra
    geometry = spectra.geometry
    size = (geometry.height, geometry.width)
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    lmbda = spectra.multiplier(lmbda, steps)
    roles = roles_of(geometry.channels)

    def decide(ground: Ground | None, prices: rdo.Prices) -> tuple[TileSet, IntArray, FloatArray]:
        ratios = in_steps(spectra, steps)
        candidates = [
            rdo.quantize(blocks, role, lmbda, prices, *size, weights=spectra.weights_by(role))
            for blocks, role in zip(ratios, roles, strict=True)
        ]
        found: dict[int, IntArray] = {}
        if ground is not None:
            found = add_maps(ground, candidates[0], ratios[0], analysis.shortlists[0])
        tiles, flat = encoder.assemble(
            geometry, steps, candidates, ratios, prices, lmbda, palette=spectra.palette
        )
        return tiles, gather(tiles, [found]), flat

    if analysis.near is not None:
        tiles, maps, probability = (
            analysis.near.tiles, analysis.near.maps, analysis.near.probability,
        )  # fmt: skip
    else:
        tiles, maps, flat = decide(None, rdo.Prices.of(tables.probability))
        probability = write(tables, tiles, maps, pure=False, priced=True).coder.probability
    prices = rdo.Prices.of(probability)
    ground = Ground(
        analysis.planes[0], decimate(seen(tiles, maps)[0]), size, roles[0],
        float(steps[0]) / 65536.0, lmbda, False, prices, MapPrices.of(probability),
        spectra.weights_by(roles[0]),
    )  # fmt: skip
    tiles, maps, flat = decide(ground, prices)
    written = write(tables, tiles, maps, pure=False, priced=True)
    if maps[:, 0].any():
        shown = seen(tiles, maps)
        prune([ground], shown, tiles, maps, flat, spectra.coefficients, written)
        tiles = tiles.emptied()
        written = write(tables, tiles, maps, pure=False, priced=True)
    weights = spectra.of_leaves(tiles.leaves)
    rdo.drop_dear(tiles.leaves, weights, tiles.levels, flat, written.prices, np.float32(lmbda))
    tiles = tiles.emptied()
    return tiles, maps, flat, write(tables, tiles, maps, pure=False, priced=True)
