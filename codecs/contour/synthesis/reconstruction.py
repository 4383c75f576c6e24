"""Layers, base and tiles to pixels: integers, any array module, any magnification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.backend import is_numpy
from ....shared.parallel.kernels import has_kernels
from ....shared.picture import color
from ....shared.picture.cuda import to_pixels
from ....shared.tiles.format.syntax import FRACTION_BITS
from ....shared.tiles.synthesis import cuda as tiles_cuda
from ....shared.tiles.synthesis import (
    deblocking,
    palette,
    palette_cuda,
    reconstruction,
    showing_cuda,
    smoothing_cuda,
    wiener,
)
from ..format import base
from ..format.stream import Ground, Symbols
from . import coverage, cuda, windows


def render_layers(
    xp: Any,
    layers: npt.NDArray[np.int32],
    steps: npt.NDArray[np.int64],
    planes: Any,
    scale: int,
) -> None:
    """Add windows to planes (C, H * scale, W * scale) int32, in place."""
    if is_numpy(xp):
        windows.draw(layers, steps, scale, planes)
        return
    cuda.draw_windows(xp, windows.prepared(layers, steps, scale), planes, scale)


def render_ground(xp: Any, ground: Ground, scale: int = 1) -> Any:
    """Render base, outlines and windows.

    Parameters
    ----------
    xp : module
        One without kernels: `cuda.render_grounds` is for the others.
    ground : Ground
    scale : int

    Returns
    -------
    (C, H * scale, W * scale) int32
        `FRACTION_BITS`.
    """
    geometry = ground.geometry
    shape = (geometry.channels, geometry.height * scale, geometry.width * scale)
    planes = xp.zeros(shape, xp.int32)
    base.add_base(xp, ground.base, ground.base_code, ground.steps, planes, scale)
    coverage.draw(xp, ground.outlines, planes, scale)
    render_layers(xp, ground.layers, ground.steps, planes, scale)
    return planes


def _enlarge(xp: Any, plane: Any, scale: int) -> Any:
    """Magnify by linear interpolation between pixel centres, rounding once."""
    for axis in (0, 1):
        length = plane.shape[axis]
        place = 2 * xp.arange(length * scale) + 1 - scale
        before = place // (2 * scale)
        part = place - before * 2 * scale
        low, high = xp.clip(before, 0, length - 1), xp.clip(before + 1, 0, length - 1)
        part = part[:, None] if axis == 0 else part[None, :]
        a, b = (xp.take(plane, i, axis=axis).astype(xp.int64) for i in (low, high))
        plane = (a * (2 * scale - part) + b * part + scale) // (2 * scale)
    return plane.astype(xp.int32)


def synthesize_many(symbols: Sequence[Symbols], xp: Any, scale: int = 1) -> list[Any]:
    """Render pictures of one size, each (H * scale, W * scale, C) uint8."""
    if not has_kernels(xp):
        return [synthesize(one, xp, scale) for one in symbols]
    geometry = symbols[0].ground.geometry
    height, width = geometry.height * scale, geometry.width * scale
    planes = xp.zeros((len(symbols), geometry.channels, height, width), xp.int32)
    cuda.render_grounds(xp, [one.ground for one in symbols], planes, scale)
    postfilters = [one.postfilter for one in symbols]
    at = [i for i, one in enumerate(symbols) if one.tiles is not None]
    tiles = [one.tiles for one in symbols if one.tiles is not None]
    if tiles:
        batch = tiles_cuda.gather(xp, tiles, [symbols[i].known for i in at])
        texture = tiles_cuda.render(xp, batch, narrow=batch.small)
        if any(postfilters[i] for i in at):
            chosen = [postfilters[i] for i in at]
            texture = smoothing_cuda.smooth(xp, batch, tiles, chosen, texture)
        texture = xp.ascontiguousarray(texture[:, :, : geometry.height, : geometry.width])
        if scale == 1 and len(at) == len(planes):
            planes += texture
        elif scale == 1:  # takes copies of the planes
            planes[at] += texture
        else:
            for i, one in zip(at, texture, strict=True):
                for comp, plane in enumerate(one):
                    planes[i, comp] += _enlarge(xp, plane, scale)
    if scale == 1:
        steps = [one.ground.steps for one in symbols]
        pixels = showing_cuda.show(xp, planes, steps, postfilters, height, width)
    else:
        pixels = to_pixels(xp, planes, height, width, FRACTION_BITS)
    palette_cuda.paint(xp, pixels, [one.tiles for one in symbols], scale)
    return list(pixels)


def synthesize(symbols: Symbols, xp: Any, scale: int = 1) -> Any:
    """Render symbols to pixels, (H * scale, W * scale, C) uint8."""
    if has_kernels(xp):
        return synthesize_many([symbols], xp, scale)[0]
    geometry = symbols.ground.geometry
    planes = render_ground(xp, symbols.ground, scale)
    if symbols.tiles is not None:
        texture = reconstruction.render(xp, symbols.tiles, symbols.known)
        if symbols.postfilter:
            texture = deblocking.smooth(xp, symbols.tiles, texture)
        texture = texture[:, : geometry.height, : geometry.width]
        if scale == 1:
            planes += texture
        else:
            for comp in range(len(planes)):
                planes[comp] += _enlarge(xp, texture[comp], scale)
        del texture
    if scale == 1:
        wiener.refine(xp, planes, symbols.ground.steps, symbols.postfilter)
    if symbols.tiles is not None:
        palette.paint(xp, planes, symbols.tiles, scale)
    return color.to_pixels(xp, list(planes), FRACTION_BITS)
