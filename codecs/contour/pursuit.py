"""The search encoder's pursuit: base and layers of a picture at one quantizer step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared.codec import Geometry
from ...shared.tiles.encoder import LAMBDA
from . import matching
from .base import add_base, fit_base, shape_of
from .format import Ground, initial_tables, most_layers
from .layout import BUCKET, COMP, FIELDS, FINE, FIRST, SCALE
from .prices import layer_prices
from .proposals import propose, reduce_by, scale_radius
from .synthesis import render_ground

FloatArray = npt.NDArray[np.float32]

_LARGE = 6
"""Scales from this one up are searched first."""


@dataclass
class Pursuit:
    """Layers found so far, and what they leave.

    Parameters
    ----------
    steps : (C,) int64
        16 fractional bits.
    base_code : int
    base : (C, rows, columns) int32
    pyramid : tuple of (C, H, W) float32
        The residual in steps, and its averages over 2 and 4 pixels a side.
    layers : (n, FIELDS) int32
    proposed : int
        Candidates that were looked at.
    """

    steps: npt.NDArray[np.int64]
    base_code: int
    base: npt.NDArray[np.int32]
    pyramid: tuple[FloatArray, ...]
    layers: npt.NDArray[np.int32]
    proposed: int = 0


def scales_of(geometry: Geometry, comp: int) -> tuple[int, ...]:
    """Every other scale that suits a picture of this size; climbing finds those between."""
    largest = 0.4 * min(geometry.height, geometry.width)
    first = 0 if comp == 0 or geometry.channels < 3 else 4
    return tuple(s for s in range(first, 14, 2) if scale_radius(s) <= max(largest, 4.0))


def ratios_of(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Step of one component over that of another, (C, C)."""
    values = steps.astype(np.float64)
    out: npt.NDArray[np.float64] = values[:, None] / values[None, :]
    return out


def in_steps(planes: list[FloatArray], steps: npt.NDArray[np.int64]) -> FloatArray:
    """Components in units of their step, (C, H, W) float32."""
    sizes = (steps / 65536.0).astype(np.float32)
    return np.stack(planes).astype(np.float32) / sizes[:, None, None]


def pyramid_of(planes: FloatArray) -> tuple[FloatArray, ...]:
    """Planes (C, H, W), and their averages over 2 and 4 pixels a side."""
    return planes, *(np.stack([reduce_by(plane, n) for plane in planes]) for n in (2, 4))


def start(planes: list[FloatArray], steps: npt.NDArray[np.int64], base_code: int) -> Pursuit:
    """Fit the base, and leave the rest to the layers."""
    height, width = planes[0].shape
    base = np.zeros((len(planes), *shape_of(height, width, base_code)), np.int32)
    if base_code:
        for comp, step in enumerate(steps.tolist()):
            base[comp] = fit_base(planes[comp], base_code, step / 65536.0)
    ground = np.zeros((len(planes), *planes[0].shape), np.int32)
    add_base(np, base, base_code, steps, ground, 1)
    residual = in_steps([p - g / np.float32(64) for p, g in zip(planes, ground)], steps)
    return Pursuit(steps, base_code, base, pyramid_of(residual), np.zeros((0, FIELDS), np.int32))


def grow(
    state: Pursuit,
    prices: tuple[Any, ...],
    *,
    scales: tuple[tuple[int, ...], ...],
    least: float = 0.0,
    rounds: int = 3,
    rich: bool = True,
) -> int:
    """Propose at the given scales, one set a component, and accept what pays; return how many."""
    components, height, width = state.pyramid[0].shape
    geometry = Geometry(height, width, components)
    ratios = ratios_of(state.steps)
    before = len(state.layers)
    room = np.zeros((most_layers(geometry), FIELDS), np.int32)
    count = min(before, len(room))
    room[:count] = state.layers[:count]
    for comp, chosen in enumerate(scales):
        if not chosen:
            continue
        found = propose(state.pyramid[0][comp], comp, chosen, LAMBDA * (18.0 + least))
        state.proposed += len(found)
        count = matching.accept(
            state.pyramid,
            room,
            count,
            found,
            ratios,
            LAMBDA,
            prices,
            least,
            rounds,
            rich,
            matching.scratch(),
        )
    state.layers = room[:count].copy()
    return count - before


def polish(
    state: Pursuit,
    prices: tuple[Any, ...],
    *,
    least: float = 0.0,
    rounds: int = 1,
    rich: bool = True,
) -> None:
    """Fit every window again, the others as they are; drop those that do not pay."""
    kept = matching.sweep(
        state.pyramid,
        state.layers,
        len(state.layers),
        ratios_of(state.steps),
        LAMBDA,
        prices,
        least,
        rounds,
        rich,
        matching.scratch(),
    )
    state.layers = state.layers[:kept].copy()


def search(
    planes: list[FloatArray],
    steps: npt.NDArray[np.int64],
    base_code: int,
    prices: tuple[Any, ...],
    effort: int,
) -> Pursuit:
    """Find the layers of a picture at these steps, from nothing."""
    state = start(planes, steps, base_code)
    components, height, width = state.pyramid[0].shape
    geometry = Geometry(height, width, components)
    every = tuple(scales_of(geometry, comp) for comp in range(components))
    large = tuple(tuple(s for s in scales if s >= _LARGE) for scales in every)
    rounds = 2 + (effort > 2) + (effort > 6)
    for number in range(rounds):
        luma_only = number >= 2
        scales = large if number == 0 else every
        if luma_only:
            scales = tuple(s if comp == 0 else () for comp, s in enumerate(scales))
        grow(state, prices, scales=scales, rich=False, rounds=2 + effort // 3)
        for _ in range(1 + effort // 4):
            polish(state, prices, rich=False)
    for _ in range(1 + effort // 3):
        polish(state, prices)
    return state


def adapt(
    found: Pursuit,
    planes: list[FloatArray],
    steps: npt.NDArray[np.int64],
    prices: tuple[Any, ...],
) -> Pursuit:
    """Take the layers found at other steps over to these, and fit them again."""
    state = start(planes, steps, found.base_code)
    layers = found.layers.copy()
    matching.rescale(
        state.pyramid,
        layers,
        float(found.steps[0]) / float(steps[0]),
        ratios_of(steps),
        matching.scratch(),
    )
    state.layers, state.proposed = layers, found.proposed
    polish(state, prices)
    return state


@dataclass(frozen=True)
class Worths:
    """What layers are worth, all float64 of shape (n,).

    Parameters
    ----------
    contrast : ndarray
        Peak amplitude, code values.
    area : ndarray
        Pixels.
    gain : ndarray
        Squared error that each removes from the picture as it is, in squared steps.
    bits : ndarray
        About.
    """

    contrast: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    bits: npt.NDArray[np.float64]


def worths(planes: list[FloatArray], ground: Ground) -> Worths:
    """Judge every layer of a picture, the others as they are."""
    shown = render_ground(np, ground)
    off = [p - s.astype(np.float32) / np.float32(64) for p, s in zip(planes, shown, strict=True)]
    pyramid = pyramid_of(in_steps(off, ground.steps))
    layers, count = ground.layers, len(ground.layers)
    gain, bits = np.zeros(count), np.zeros(count)
    prices = layer_prices(initial_tables(), ground.geometry.height, ground.geometry.width)
    matching.judge(pyramid, layers, ratios_of(ground.steps), prices, gain, bits, matching.scratch())
    sizes = 2.0 ** ((FIRST * 8 - layers[:, BUCKET] * 8 - layers[:, FINE]) / 16.0)
    steps = ground.steps[layers[:, COMP]] / 65536.0
    area = np.pi * 2.0 ** (3.0 + layers[:, SCALE])
    return Worths(sizes * steps, area, gain, np.maximum(bits, 1.0))
