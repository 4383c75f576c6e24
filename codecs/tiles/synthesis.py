"""Tiles to pixels: the service of `shared.tiles`, deblocked and coloured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...shared.parallel.kernels import has_kernels
from ...shared.picture import color
from ...shared.picture.cuda import to_pixels
from ...shared.tiles.format.syntax import FRACTION_BITS
from ...shared.tiles.synthesis import cuda, deblocking, palette, reconstruction, wiener, wiener_cuda
from .format import Symbols


def synthesize_many(symbols: Sequence[Symbols], xp: Any) -> list[Any]:
    """Render pictures of one size, each (H, W, C) uint8."""
    if not has_kernels(xp):
        return [synthesize(one, xp) for one in symbols]
    tiles = [one.tiles for one in symbols]
    batch = cuda.gather(xp, tiles, [one.known for one in symbols])
    planes = cuda.render(xp, batch)
    postfilters = [one.postfilter for one in symbols]
    cuda.smooth(xp, batch, tiles, postfilters, planes)
    size = tiles[0].geometry.height, tiles[0].geometry.width
    wiener_cuda.refine(xp, planes, [one.steps for one in tiles], postfilters, *size)
    for one, plane in zip(tiles, planes, strict=True):
        palette.paint(xp, plane, one)
    return list(to_pixels(xp, planes, *size, FRACTION_BITS))


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
