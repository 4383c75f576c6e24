"""A picture that explains a file, for ``fractour show``; optional."""

from __future__ import annotations

import numpy as np

from ...shared.codec import Image
from ...shared.picture import drawing
from .format import Blocks, side_and_quantum


def panels(symbols: Blocks, pixels: Image) -> list[tuple[str, Image]]:
    """Draw the grid of blocks."""
    side, _ = side_and_quantum(symbols.step)
    _, rows, columns = symbols.values.shape
    at_y, at_x = np.indices((rows, columns)).reshape(2, -1) * side
    boxes = np.stack([at_y, at_x, np.full_like(at_y, side)], axis=1)
    kinds = (symbols.values != 0).any(axis=0).ravel().astype(np.int64)
    names = (drawing.Kind("grey", drawing.GREY), drawing.Kind("coded", drawing.BLUE))
    return [("grid of blocks", drawing.squares(pixels, boxes, kinds, names))]
