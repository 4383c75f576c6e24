"""Integers to pixels: tiles, attractor, deblocking, colour. No float, any array module."""

from __future__ import annotations

from typing import Any

from ...shared import color
from ...shared.tiles import deblock
from ...shared.tiles import synthesis as tiles_synthesis
from ...shared.tiles.syntax import COMP, FRACTION_BITS
from .format import Symbols
from .pyramid import attract


def planes(symbols: Symbols, xp: Any) -> Any:
    """Decode the components without deblocking, (C, H', W') int32, padded."""
    tiles, maps = symbols.tiles, symbols.maps
    out = tiles_synthesis.render(xp, tiles, symbols.known)
    mapped = maps[:, 0] != 0
    for comp in range(len(out)):
        mine = mapped & (tiles.leaves[:, COMP] == comp)
        if mine.any():
            out[comp] = attract(xp, out[comp], tiles.leaves[mine], maps[mine])[0]
    return out


def synthesize(symbols: Symbols, xp: Any) -> Any:
    """Render symbols to (H, W, C) uint8."""
    geometry = symbols.tiles.geometry
    samples = deblock.smooth(xp, symbols.tiles, planes(symbols, xp), symbols.strength)
    inside = [plane[: geometry.height, : geometry.width] for plane in samples]
    return color.to_pixels(xp, inside, FRACTION_BITS)
