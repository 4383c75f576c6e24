"""Integer YCbCr (BT.601, full range, JFIF) to pixels, and the encoder's float counterpart.

References
----------
ITU-R BT.601-7; ITU-T T.871 (JFIF), section 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from ..backend import is_numpy
from ..compiled import compiled
from .raster import Image

OFFSET = 128
"""Subtracted from Y (and grey, and alpha) before analysis."""
# 1.402, 0.344136, 0.714136, 1.772 with 14 fractional bits.
_R_CR, _G_CB, _G_CR, _B_CB = 22970, 5638, 11700, 29032
_BITS = 14

_STRIP = 64

ERROR_WEIGHTS = {1: (1.0,), 2: (1.0, 1.0), 3: (3.0, 3.258, 2.476), 4: (3.0, 3.258, 2.476, 3.0)}
"""Squared error over the samples of a pixel per squared error of each component.

Alpha counts like luma: it shapes the picture as much.
"""


def mixing(channels: int) -> npt.NDArray[np.float64]:
    """How the samples of a pixel follow from its components, (channels, components) float64."""
    out = np.identity(channels)
    if channels >= 3:
        blue, red = np.array([0, -_G_CB, _B_CB]), np.array([_R_CR, -_G_CR, 0])
        out[:3, :3] = np.stack([np.ones(3), blue / (1 << _BITS), red / (1 << _BITS)], -1)
    return out


def _pixels_arrays(xp: Any, planes: Sequence[Any], fraction: int) -> Any:
    half = 1 << (fraction - 1)
    wide = [plane.astype(xp.int64) for plane in planes]
    if len(planes) < 3:
        channels = [(plane + half >> fraction) + OFFSET for plane in wide]
    else:
        y, cb, cr = wide[:3]
        shift = fraction + _BITS
        base = (y << _BITS) + (1 << (shift - 1))
        channels = [
            (base + _R_CR * cr >> shift) + OFFSET,
            (base - _G_CB * cb - _G_CR * cr >> shift) + OFFSET,
            (base + _B_CB * cb >> shift) + OFFSET,
        ]
        channels += [(plane + half >> fraction) + OFFSET for plane in wide[3:]]
    return xp.stack([xp.clip(channel, 0, 255) for channel in channels], axis=-1).astype(xp.uint8)


@compiled
def _rgb_compiled(y, cb, cr, fraction, out):  # type: ignore[no-untyped-def]
    shift = fraction + _BITS
    half = 1 << (shift - 1)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            base = (np.int64(y[i, j]) << _BITS) + half
            blue, red = np.int64(cb[i, j]), np.int64(cr[i, j])
            r = ((base + _R_CR * red) >> shift) + OFFSET
            g = ((base - _G_CB * blue - _G_CR * red) >> shift) + OFFSET
            b = ((base + _B_CB * blue) >> shift) + OFFSET
            out[i, j, 0] = min(max(r, 0), 255)
            out[i, j, 1] = min(max(g, 0), 255)
            out[i, j, 2] = min(max(b, 0), 255)


def to_pixels(xp: Any, planes: Iterable[Any], fraction: int, *, channels: int = 0) -> Any:
    """Turn decoded components into pixels.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    planes : iterable of (H, W) int32
        One component (grey), two (grey, alpha), three (Y, Cb, Cr) or four (.., alpha),
        less `OFFSET` except Cb and Cr, which are centred on zero. On NumPy those of an iterator
        are taken as they are needed, and dropped.
    fraction : int
        Fractional bits of the samples.
    channels : int
        How many there are; needed of an iterator alone.

    Returns
    -------
    (H, W, C) uint8
    """
    if not channels:
        planes = list(planes)
        channels = len(planes)
    if not is_numpy(xp):
        return _pixels_arrays(xp, list(planes), fraction)
    left = iter(planes)
    if channels >= 3:
        colour = list(islice(left, 3))
        out = np.empty((*colour[0].shape, channels), np.uint8)
        _rgb_compiled(*colour, fraction, out)
        del colour
        done = 3
    else:
        first = next(left)
        out = np.empty((*first.shape, channels), np.uint8)
        _put(out[:, :, 0], first, fraction)
        del first
        done = 1
    for channel in range(done, channels):
        _put(out[:, :, channel], next(left), fraction)
    return out


def _put(out: npt.NDArray[np.uint8], plane: Any, fraction: int) -> None:
    """Write a component that is a channel, in strips: what lies between is four times as wide."""
    for top in range(0, len(out), _STRIP):
        rows = slice(top, top + _STRIP)
        out[rows] = _pixels_arrays(np, [plane[rows]], fraction)[:, :, 0]


def to_components(image: Image) -> list[npt.NDArray[np.float32]]:
    """Split an image (H, W, C) into centred float components, the encoder's side."""
    samples = image.astype(np.float32)
    if image.shape[2] < 3:
        return [samples[:, :, c] - OFFSET for c in range(image.shape[2])]
    r, g, b = samples[:, :, 0], samples[:, :, 1], samples[:, :, 2]
    y = 0.299 * r + 0.587 * g + 0.114 * b
    planes = [y - OFFSET, (b - y) / 1.772, (r - y) / 1.402]
    return planes + [samples[:, :, c] - OFFSET for c in range(3, image.shape[2])]
