"""What the pursuit does with layers that are no plain windows: finding them, fitting them again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from ...format.layout import (
    BLUE,
    BUCKET,
    BUCKETS,
    COMP,
    CONTOUR,
    CUTS,
    FIELDS,
    FINE,
    KIND,
    MORE,
    RED,
    SCALE,
    WINDOW,
)
from ..windows.correlation import amplitude_at, level_of, round_fine
from ..windows.matching import copy
from .climbing import descend
from .cut_windows import find_cuts
from .fills import color_masked, enrich
from .masks import add_masked, masked, masked_price, masked_room, project_masked, settle
from .rings import find_contours
from .strokes import find_strokes

FloatArray = npt.NDArray[np.float32]
Layers = npt.NDArray[np.int32]

KINDS = ("stroke", "contour", "cut")
"""Kinds of layer that a search may be told to leave out."""
PAIRS_OF_CONTOUR, PAIRS_OF_CUT = 8, 16
_WORK = 20_000_000
_COARSE, _AROUND = 3, 15
MARGIN = 10.0
"""What strokes and contours must earn beyond their bits, in times of these."""
PART = 0.55
"""Part of the squared residual on and beside them that they must remove."""


def is_masked(layers: Layers) -> npt.NDArray[np.bool_]:
    """Which layers are anything but plain windows, (n,) bool."""
    out: npt.NDArray[np.bool_] = (layers[:, KIND] != WINDOW) | (layers[:, CUTS] > 0)
    return out


@compiled
def _sweep(pyramid, layers, count, ratios, lmbda, least, rounds, prices, room, work):  # type: ignore[no-untyped-def]
    kept = 0
    for i in range(count):
        layer = layers[i]
        if masked(layer):
            comp = layer[COMP]
            add_masked(pyramid, layer, ratios[comp], 1.0, room)
            layer[MORE] = 0
            if work[0] > 0:
                worth = descend(pyramid, layer, rounds, lmbda, prices, room, work)
            else:
                worth = settle(pyramid, layer, lmbda, prices, room, work)
            if layer[KIND] == CONTOUR:
                worth += enrich(pyramid, layer, lmbda, room, PAIRS_OF_CONTOUR)
            elif layer[KIND] == WINDOW:
                worth += enrich(pyramid, layer, lmbda, room, PAIRS_OF_CUT)
            worth += color_masked(pyramid, layer, ratios[comp], lmbda, room)
            if worth <= least * lmbda:
                continue
            add_masked(pyramid, layer, ratios[comp], -1.0, room)
        copy(layer, layers[kept])
        kept += 1
    return kept


def sweep_masked(
    pyramid: tuple[FloatArray, ...],
    layers: Layers,
    ratios: npt.NDArray[np.float64],
    prices: tuple[Any, ...],
    lmbda: float,
    *,
    least: float = 0.0,
    rounds: int = 0,
) -> Layers:
    """Fit strokes, contours and cut windows again; drop those that do not pay.

    Parameters
    ----------
    rounds : int
        Times that every step of an outline is tried; 0 fits amplitudes and chroma only.
    """
    if not is_masked(layers).any():
        return layers
    room = masked_room(*pyramid[0].shape[1:])
    out = layers.copy()
    work = np.array([_WORK], np.int64)
    count = _sweep(pyramid, out, len(out), ratios, lmbda, least, rounds, prices, room, work)
    return out[:count].copy()


@compiled
def _rescale(pyramid, layers, factor, ratios, room):  # type: ignore[no-untyped-def]
    for layer in layers:
        size = factor * amplitude_at(np.int64(layer[BUCKET]), np.int64(layer[FINE]))
        bucket, fine = level_of(size)
        if bucket < 0:
            bucket, fine = BUCKETS - 1, 7
        layer[BUCKET] = bucket
        layer[FINE] = round_fine(bucket, np.int64(layer[SCALE]), fine)
        add_masked(pyramid, layer, ratios[layer[COMP]], -1.0, room)


def rescale_masked(
    pyramid: tuple[FloatArray, ...], layers: Layers, factor: float, ratios: npt.NDArray[np.float64]
) -> None:
    """Do what `matching.rescale` does, for masked layers."""
    if len(layers):
        _rescale(pyramid, layers, factor, ratios, masked_room(*pyramid[0].shape[1:]))


@compiled
def _judge(pyramid, layers, ratios, prices, gain, bits, room):  # type: ignore[no-untyped-def]
    for i in range(len(layers)):
        layer = layers[i]
        comp = layer[COMP]
        for other in range(pyramid[0].shape[0]):
            part = 1.0
            if other != comp:
                slope = layer[BLUE] if other == 1 else (layer[RED] if other == 2 else 0)
                part = slope * ratios[comp, other] / 8.0
            if part == 0.0:
                continue
            product, norm = project_masked(pyramid, other, layer, room)
            gain[i] += part * (2.0 * product + part * norm)
        bits[i] = masked_price(layer, prices)
        bits[i] += 12.0 * layer[MORE] + abs(layer[BLUE]) + abs(layer[RED])


def judge_masked(
    pyramid: tuple[FloatArray, ...],
    layers: Layers,
    ratios: npt.NDArray[np.float64],
    prices: tuple[Any, ...],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Do what `matching.judge` does, for masked layers; return gain and bits."""
    gain, bits = np.zeros(len(layers)), np.zeros(len(layers))
    if len(layers):
        room = masked_room(*pyramid[0].shape[1:])
        _judge(pyramid, layers, ratios, prices, gain, bits, room)
    return gain, bits


def background(plane: FloatArray) -> FloatArray:
    """What lies behind the lines of a plane: the median around, smooth, (H, W)."""
    from scipy import ndimage

    # Single pixels, not averages: these would mix lines and what lies behind them.
    half = _COARSE // 2
    small = ndimage.median_filter(plane[half::_COARSE, half::_COARSE], _AROUND, mode="nearest")
    small = ndimage.gaussian_filter(small, 1.0, mode="nearest")
    height, width = plane.shape
    y, x = ((np.arange(n, dtype=np.float32) - half) / _COARSE for n in (height, width))
    out: FloatArray = ndimage.map_coordinates(
        small, np.meshgrid(y, x, indexing="ij"), order=1, mode="nearest"
    )
    return out


def place_sharp(
    planes: FloatArray,
    ratios: npt.NDArray[np.float64],
    prices: tuple[Any, ...],
    lmbda: float,
    *,
    kinds: tuple[str, ...],
    effort: int,
) -> tuple[Layers, FloatArray, int]:
    """Find strokes and contours, before anything else, against the background behind them.

    Parameters
    ----------
    planes : (C, H, W) float32
        The picture, or what the base leaves of it, in steps.

    Returns
    -------
    layers : (n, FIELDS) int32
    shown : (C, H, W) float32
        What they add to the planes.
    looked : int
        Candidates.
    """
    layers, looked = np.zeros((0, FIELDS), np.int32), 0
    flat = np.stack([plane - background(plane) for plane in planes])
    pyramid = (flat.copy(),)
    if "contour" in kinds:
        found, tried = find_contours(pyramid, ratios, prices, lmbda, effort, MARGIN, PART)
        layers, looked = np.concatenate([layers, found]), looked + tried
    if "stroke" in kinds:
        found, tried = find_strokes(pyramid, ratios, prices, lmbda, effort, MARGIN, PART)
        layers, looked = np.concatenate([layers, found]), looked + tried
    return layers, flat - pyramid[0], looked


def place_masked(
    pyramid: tuple[FloatArray, ...],
    layers: Layers,
    ratios: npt.NDArray[np.float64],
    prices: tuple[Any, ...],
    lmbda: float,
    *,
    kinds: tuple[str, ...],
    effort: int,
) -> tuple[Layers, int]:
    """Look for layers of the given kinds in a residual, and take them away.

    Returns
    -------
    layers : (n, FIELDS) int32
        Those given, some of them cut, and those found.
    looked : int
        Candidates.
    """
    if "cut" in kinds:
        return find_cuts(pyramid, layers, ratios, prices, lmbda, effort)
    return layers, 0
