"""Integers to pixels: tiles, attractor, deblocking, colour. No float, any array module."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.errors import FractourError
from ....shared.picture import color
from ....shared.tiles.format.stream import TileSet
from ....shared.tiles.format.syntax import COMP, FRACTION_BITS
from ....shared.tiles.synthesis import deblocking
from ....shared.tiles.synthesis import reconstruction as tiles_synthesis
from ..format.stream import Symbols
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
    tiles, zoom = symbols.tiles, SCALES[scale]
    if zoom:
        wide = render(xp, tiles, symbols.known, zoom)
        tiles, maps = enlarged(tiles, symbols.maps, zoom)
        wide = _attracted(xp, wide, tiles, maps, zoom)
    else:
        wide = planes(symbols, xp)
    samples = deblocking.smooth(xp, tiles, wide, symbols.strength, zoom=zoom)
    height, width = tiles.geometry.height << zoom, tiles.geometry.width << zoom
    inside = [plane[:height, :width] for plane in samples]
    return color.to_pixels(xp, inside, FRACTION_BITS)
