"""Integers to pixels: tiles, attractor, deblocking, colour. No float, any array module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.errors import FractourError
from ....shared.parallel.kernels import has_kernels
from ....shared.picture import color
from ....shared.tiles.format.stream import TileSet
from ....shared.tiles.format.syntax import COMP, FRACTION_BITS
from ....shared.tiles.synthesis import cuda as tiles_cuda
from ....shared.tiles.synthesis import deblocking, palette, showing_cuda, wiener
from ....shared.tiles.synthesis import reconstruction as tiles_synthesis
from ..format.stream import Symbols
from . import cuda
from .pyramid import attract
from .zoom import SCALES, enlarged, render


def _attracted(xp: Any, planes: Any, tiles: TileSet, maps: npt.NDArray[np.int32], zoom: int) -> Any:
    """Apply the maps to what the tiles alone show."""
    mapped = maps[:, 0] != 0
    for comp in range(len(planes)):
        mine = mapped & (tiles.leaves[:, COMP] == comp)
        if mine.any():
            planes[comp] = attract(xp, planes[comp], tiles.leaves[mine], maps[mine], zoom)[0]
    return planes


def planes(symbols: Symbols, xp: Any) -> Any:
    """Decode the components without deblocking, (C, H', W') int32, padded."""
    out = tiles_synthesis.render(xp, symbols.tiles, symbols.known)
    return _attracted(xp, out, symbols.tiles, symbols.maps, 0)


def synthesize_many(symbols: Sequence[Symbols], xp: Any, scale: int = 1) -> list[Any]:
    """Render pictures of one size, each (H * scale, W * scale, C) uint8."""
    if scale != 1 or not has_kernels(xp):
        return [synthesize(one, xp, scale) for one in symbols]
    tiles = [one.tiles for one in symbols]
    batch = tiles_cuda.gather(xp, tiles, [one.known for one in symbols])
    planes = tiles_cuda.render(xp, batch)
    maps = np.concatenate([one.maps for one in symbols])
    mapped = np.nonzero(maps[:, 0])[0]
    flat = planes.reshape(-1, *planes.shape[2:])
    flat = cuda.attract(xp, batch.records[xp.asarray(mapped)], xp.asarray(maps[mapped]), flat)
    postfilters = [one.postfilter for one in symbols]
    return showing_cuda.show_tiles(xp, batch, tiles, postfilters, flat.reshape(planes.shape))


def synthesize(symbols: Symbols, xp: Any, scale: int = 1) -> Any:
    """Render symbols to (H * scale, W * scale, C) uint8.

    Raises
    ------
    FractourError
        If `scale` is not 1, 2 or 4.
    """
    if scale not in SCALES:
        message = f"pifs pictures can be decoded at scale 1, 2 or 4, not {scale}"
        raise FractourError(message)
    if scale == 1 and has_kernels(xp):
        return synthesize_many([symbols], xp)[0]
    tiles, zoom = symbols.tiles, SCALES[scale]
    if zoom:
        wide = render(xp, tiles, symbols.known, zoom)
        tiles, maps = enlarged(tiles, symbols.maps, zoom)
        wide = _attracted(xp, wide, tiles, maps, zoom)
    else:
        wide = planes(symbols, xp)
    samples = deblocking.smooth(xp, tiles, wide, zoom=zoom) if symbols.postfilter else wide
    height, width = tiles.geometry.height << zoom, tiles.geometry.width << zoom
    if not zoom:
        wiener.refine(xp, samples, tiles.steps, symbols.postfilter, (height, width))
    palette.paint(xp, samples, symbols.tiles, scale)
    inside = [plane[:height, :width] for plane in samples]
    return color.to_pixels(xp, inside, FRACTION_BITS)
