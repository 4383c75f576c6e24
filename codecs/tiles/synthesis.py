"""Tiles to pixels: the service of `shared.tiles`, deblocked and coloured."""

from __future__ import annotations

from typing import Any

from ...shared.picture import color
from ...shared.tiles.format.syntax import FRACTION_BITS
from ...shared.tiles.synthesis import deblocking, reconstruction
from .format import Symbols


def synthesize(symbols: Symbols, xp: Any) -> Any:
    """Render symbols to pixels, (H, W, C) uint8."""
    geometry = symbols.tiles.geometry
    planes = reconstruction.render(xp, symbols.tiles, symbols.known)
    planes = deblocking.smooth(xp, symbols.tiles, planes, symbols.strength)
    inside = [plane[: geometry.height, : geometry.width] for plane in planes]
    return color.to_pixels(xp, inside, FRACTION_BITS)
