"""Regions of nearly one colour: a palette, the palette's colour of each pixel, connected regions.

Encoder. Pixels between two colours (edges are anti-aliased) are no colours of their own: they go to
one of their neighbours' regions; how much of them that covers is told by `borders`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

_MOST_COLORS = 24
_FLAT = 10.0
"""Largest difference to a neighbour of pixels that make the palette, code values."""
_CALM = 3.0
NEAR = 20.0
"""Distance within which colours are the same."""
_RARE = 0.0004
"""Part of all pixels that a colour must have."""
_RAMP = 0.12
_CHROMA = 0.7


@dataclass(frozen=True)
class Regions:
    """A picture as regions of nearly one colour.

    Parameters
    ----------
    colors : (K, C) float32
        Palette, code values of the components.
    labels : (H, W) int32
        Palette index of each pixel.
    """

    colors: FloatArray
    labels: IntArray


def _scaled(planes: list[FloatArray]) -> FloatArray:
    """Components as coordinates whose distance is about how different colours look, (H, W, C)."""
    weights = [1.0, _CHROMA, _CHROMA, 1.0] if len(planes) >= 3 else [1.0, 1.0]
    return np.stack([p * np.float32(w) for p, w in zip(planes, weights, strict=False)], axis=-1)


def _palette(
    points: FloatArray, least: int, known: list[FloatArray], near: float
) -> list[FloatArray]:
    """Most frequent colours of points (n, C), one after the other, `near` apart."""
    found = list(known)
    for color in known:
        points = points[((points - color) ** 2).sum(axis=1) > near**2]
    while len(points) >= least and len(found) < _MOST_COLORS:
        cells = np.rint(points / 8.0).astype(np.int64) + 64
        keys = cells @ (256 ** np.arange(points.shape[1], dtype=np.int64))
        _, first, counts = np.unique(keys, return_index=True, return_counts=True)
        color = points[first[np.argmax(counts)]]
        for _ in range(3):
            same = ((points - color) ** 2).sum(axis=1) <= near**2
            color = points[same].mean(axis=0)
        same = ((points - color) ** 2).sum(axis=1) <= near**2
        if same.sum() < least:
            break
        found.append(color)
        points = points[~same]
    return found


def _shifted(pixels: FloatArray, dy: int, dx: int) -> FloatArray:
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(height) + dy, 0, height - 1)
    columns = np.clip(np.arange(width) + dx, 0, width - 1)
    return pixels[rows][:, columns]


def _on_ramp(pixels: FloatArray, near: float) -> npt.NDArray[np.bool_]:
    """Pixels between the two of their neighbours that differ most, (H, W)."""
    best = np.zeros(pixels.shape[:2], np.float32)
    out = np.zeros(pixels.shape[:2], np.bool_)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a, b = _shifted(pixels, -dy, -dx), _shifted(pixels, dy, dx)
        span = ((b - a) ** 2).sum(axis=-1)
        part = ((pixels - a) * (b - a)).sum(axis=-1) / np.maximum(span, 1.0)
        better = span > best
        ramp = (part > _RAMP) & (part < 1.0 - _RAMP) & (span > near**2)
        out = np.where(better, ramp, out)
        best = np.maximum(best, span)
    return out


def _steps(pixels: FloatArray) -> FloatArray:
    """Largest distance of each pixel's colour to those of its four neighbours, (H, W)."""
    out = np.zeros(pixels.shape[:2], np.float32)
    for axis in (0, 1):
        square = np.sqrt((np.diff(pixels, axis=axis) ** 2).sum(axis=-1))
        for side in ((0, 1), (1, 0)):
            around = [(0, 0), (0, 0)]
            around[axis] = side
            out = np.maximum(out, np.pad(square, around))
    return out


def calm(planes: list[FloatArray]) -> float:
    """Part of the pixels of a picture that are like their neighbours."""
    return float((_steps(_scaled(planes)) <= _CALM).mean())


def segment(planes: list[FloatArray], near: float = NEAR) -> Regions:
    """Label each pixel of a picture with a colour of a palette.

    Parameters
    ----------
    planes : list of (H, W) float32
    near : float
        Distance within which colours are the same, code values.
    """
    pixels = _scaled(planes)
    height, width, comps = pixels.shape
    step = _steps(pixels)
    ramp = _on_ramp(pixels, near)
    least = max(int(_RARE * height * width), 8)
    colors = _palette(pixels[step <= _FLAT], least, [], near)
    colors = _palette(pixels[~ramp], least, colors, near)
    if not colors:
        return Regions(np.zeros((0, comps), np.float32), np.zeros((height, width), np.int32))
    table = np.stack(colors)
    distance = np.stack([((pixels - color) ** 2).sum(axis=-1) for color in table])
    labels = distance.argmin(axis=0).astype(np.int32)
    labels = _settle_ramps(labels, ramp, distance)
    sums = [np.bincount(labels[~ramp], p[~ramp], len(table)) for p in planes]
    counts = np.maximum(np.bincount(labels[~ramp], minlength=len(table)), 1)
    return Regions((np.stack(sums, axis=1) / counts[:, None]).astype(np.float32), labels)


def _settle_ramps(labels: IntArray, ramp: npt.NDArray[np.bool_], distance: FloatArray) -> IntArray:
    """Give pixels on ramps the nearest colour of those that surround them."""
    around = np.zeros(distance.shape, np.bool_)
    open_ones = ramp
    known = ~ramp
    for _ in range(2):
        around[:] = False
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                there = _shifted(np.where(known, labels, -1)[..., None], dy, dx)[..., 0]
                ys, xs = np.nonzero(there >= 0)
                around[there[ys, xs], ys, xs] = True
        limited = np.where(around, distance, np.inf)
        settled = open_ones & around.any(axis=0)
        labels = np.where(settled, limited.argmin(axis=0), labels).astype(np.int32)
        known = known | settled
        open_ones = open_ones & ~settled
    return labels
