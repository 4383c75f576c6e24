"""Palette blocks to samples: what hides the tiles below, after all filters."""

from __future__ import annotations

from typing import Any

from ..format.palette import BLOCK, MARGIN
from ..format.stream import TileSet
from ..format.syntax import FRACTION_BITS


def _repeated(xp: Any, cells: Any, times: int) -> Any:
    return xp.asarray(cells).repeat(times, 0).repeat(times, 1)


def paint(xp: Any, planes: Any, tiles: TileSet | None, scale: int = 1) -> None:
    """Put the colours of palette blocks over what the planes hold, in place.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    planes : (C, H', W') int16 or int32
        Components, `FRACTION_BITS`; nothing beyond the picture is touched.
    tiles : TileSet, optional
    scale : int
        How many samples a side stand for a pixel.
    """
    if tiles is None or tiles.palette is None:
        return
    height, width = tiles.geometry.height * scale, tiles.geometry.width * scale
    hidden = _repeated(xp, tiles.palette.blocks[1:-1, 1:-1] != 0, BLOCK * scale)[:height, :width]
    indices = _repeated(xp, tiles.palette.indices[MARGIN:-MARGIN, MARGIN:-MARGIN], scale)
    colours = xp.asarray(tiles.palette.colours << FRACTION_BITS).astype(planes.dtype)
    for comp in range(planes.shape[0]):
        inside = planes[comp, :height, :width]
        inside[...] = xp.where(hidden, colours[:, comp][indices], inside)
