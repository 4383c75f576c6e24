"""The quadtree as a picture, for `shared.codec.Codec.panels`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..codec import Image
from ..picture import drawing
from .format.stream import TileSet
from .format.syntax import COMP, GRADE, LEFT, LOG, TOP

KINDS = (
    drawing.Kind("flat", drawing.GREY),
    drawing.Kind("harmonics", drawing.BLUE),
    drawing.Kind("fractal", drawing.ORANGE),
    drawing.Kind("harmonics and fractal", drawing.PINK),
    drawing.Kind("not arrived", drawing.RED),
    drawing.Kind("palette", drawing.GREEN),
)
_MISSING, _PALETTE = 4, 5


def quadtree(
    tiles: TileSet,
    known: npt.NDArray[np.bool_],
    pixels: Image,
    mapped: npt.NDArray[np.bool_] | None = None,
) -> Image:
    """Draw the leaves of the first component over the dimmed picture, coloured by kind.

    Parameters
    ----------
    tiles : TileSet
    known : (n,) bool
        Leaves whose levels arrived.
    pixels : (H, W, C) uint8
    mapped : (n,) bool, optional
        Leaves with a fractal map.
    """
    leaves = tiles.leaves
    detailed = leaves[:, GRADE] > 0
    kinds = detailed.astype(np.int64)
    if mapped is not None:
        kinds += 2 * mapped
    kinds[detailed & ~known] = _MISSING
    if tiles.palette is not None:
        kinds[tiles.palette.hides(leaves)] = _PALETTE
    height, width = pixels.shape[:2]
    shown = (leaves[:, COMP] == 0) & (leaves[:, LOG] > 0)
    shown &= (leaves[:, TOP] < height) & (leaves[:, LEFT] < width)
    boxes = leaves[:, [TOP, LEFT, LOG]].astype(np.int64)
    boxes[:, 2] = 1 << boxes[:, 2]
    return drawing.squares(pixels, boxes[shown], kinds[shown], KINDS)
