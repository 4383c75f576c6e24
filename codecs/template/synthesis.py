"""Integers to pixels, any array module."""

from __future__ import annotations

from typing import Any

from ...shared.picture import color
from .format import Blocks, side_and_quantum


def synthesize(symbols: Blocks, xp: Any) -> Any:
    """Fill the blocks, (H, W, C) uint8."""
    side, quantum = side_and_quantum(symbols.step)
    geometry = symbols.geometry
    rows, columns = xp.arange(geometry.height) // side, xp.arange(geometry.width) // side
    values = xp.asarray(symbols.values) * quantum
    planes = [plane[rows[:, None], columns[None, :]] << 6 for plane in values]
    return color.to_pixels(xp, planes, 6)
