"""Planes of many pictures to pixels on a GPU: deblocked, filtered, coloured, with palettes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...picture.cuda import to_pixels
from ..format.stream import TileSet
from ..format.syntax import FRACTION_BITS
from . import palette_cuda, smoothing_cuda, wiener_cuda
from .cuda import Batch


def show(
    xp: Any,
    planes: Any,
    steps: Sequence[npt.NDArray[np.int64]],
    postfilters: Sequence[int],
    height: int,
    width: int,
) -> Any:
    """Filter those pictures that have a filter, and make pixels of all.

    Parameters
    ----------
    planes : (n, C, H', W') int32, or int16 where all have a filter
        See `wiener_cuda.shown`, also for the others.

    Returns
    -------
    (n, H, W, C) uint8
    """
    filtered = [i for i, postfilter in enumerate(postfilters) if postfilter]
    if len(filtered) == len(postfilters):
        return wiener_cuda.shown(xp, planes, steps, postfilters, height, width)
    pixels = to_pixels(xp, planes, height, width, FRACTION_BITS)
    if filtered:
        at = xp.asarray(np.array(filtered))
        chosen = ([steps[i] for i in filtered], [postfilters[i] for i in filtered])
        pixels[at] = wiener_cuda.shown(xp, planes[at], *chosen, height, width)
    return pixels


def show_tiles(
    xp: Any, batch: Batch, tiles: Sequence[TileSet], postfilters: Sequence[int], planes: Any
) -> list[Any]:
    """Deblock and filter what was rendered of tiles, and make pixels of it.

    Parameters
    ----------
    batch : Batch
    tiles : sequence of TileSet
        What it was made of.
    postfilters : sequence of int
        By picture; where it is 0 there are no filters.
    planes : (n, C, H', W') int32, or int16 where all have a filter

    Returns
    -------
    list of (H, W, C) uint8
    """
    if any(postfilters):
        narrow = all(postfilters)
        planes = smoothing_cuda.smooth(xp, batch, tiles, postfilters, planes, bounded=narrow)
    geometry = tiles[0].geometry
    steps = [one.steps for one in tiles]
    pixels = show(xp, planes, steps, postfilters, geometry.height, geometry.width)
    palette_cuda.paint(xp, pixels, tiles)
    return list(pixels)
