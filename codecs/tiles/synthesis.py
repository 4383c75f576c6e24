"""Tiles to pixels: the service of `shared.tiles`, deblocked and coloured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...shared.parallel.kernels import has_kernels
from ...shared.picture import color
from ...shared.tiles.format.syntax import FRACTION_BITS
from ...shared.tiles.synthesis import (
    cuda,
    deblocking,
    palette,
    reconstruction,
    showing_cuda,
    wiener,
)
from .format import Symbols


def synthesize_many(symbols: Sequence[Symbols], xp: Any) -> list[Any]:
    """Render pictures of one size, each (H, W, C) uint8."""
    if not has_kernels(xp):
        return [synthesize(one, xp) for one in symbols]
    tiles = [one.tiles for one in symbols]
    batch = cuda.gather(xp, tiles, [one.known for one in symbols])
    postfilters = [one.postfilter for one in symbols]
    planes = cuda.render(xp, batch, narrow=batch.small and all(postfilters))
    return showing_cuda.show_tiles(xp, batch, tiles, postfilters, planes)


def synthesize(symbols: Symbols, xp: Any) -> Any:
    """Render symbols to pixels, (H, W, C) uint8."""
    if has_kernels(xp):
        return synthesize_many([symbols], xp)[0]
    shape = symbols.tiles.geometry.height, symbols.tiles.geometry.width
    planes = reconstruction.render(xp, symbols.tiles, symbols.known)
    if symbols.postfilter:
        planes = deblocking.smooth(xp, symbols.tiles, planes)
    wiener.refine(xp, planes, symbols.tiles.steps, symbols.postfilter, shape)
    palette.paint(xp, planes, symbols.tiles)
    inside = [plane[: shape[0], : shape[1]] for plane in planes]
    return color.to_pixels(xp, inside, FRACTION_BITS)
