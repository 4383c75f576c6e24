"""Pictures that explain a tiles file."""

from __future__ import annotations

from ...shared.codec import Image
from ...shared.tiles.show import quadtree
from .format import Symbols


def panels(symbols: Symbols, pixels: Image) -> list[tuple[str, Image]]:
    """Draw the quadtree."""
    return [("quadtree of brightness", quadtree(symbols.tiles, symbols.known, pixels))]
