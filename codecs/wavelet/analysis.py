"""The search encoder: quantize, price with the real coder, decide by Lagrangian cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ...shared import color
from ...shared.codec import Geometry, Image, Proposal
from .format import (
    STEPS_PER_OCTAVE,
    band_steps,
    header_bytes,
    split_packets,
    write_coefficients,
)
from .layout import HEIGHT, OFFSET, STRIDE, WIDTH, Layout, make_layout
from .transform import forward

LAMBDA = 0.14
"""Lagrangian multiplier: squared error (in steps) that one bit must remove."""
_ROUNDING = 0.42
"""Added before truncation when quantizing; what the Lagrangian would drop anyway is not priced."""
_PRUNINGS = 2


@dataclass(frozen=True, eq=False)
class Analysis:
    """Transformed image.

    Parameters
    ----------
    geometry : Geometry
    layout : Layout
    coefficients : (C, size) float32
        Unscaled coefficients, flattened as the layout says.
    """

    geometry: Geometry
    layout: Layout
    coefficients: npt.NDArray[np.float32]


@dataclass(frozen=True)
class _State:
    analysis: Analysis
    step: int
    magnitude: npt.NDArray[np.int32]
    sign: npt.NDArray[np.int8]
    where: tuple[npt.NDArray[np.intp], ...]


def analyze(image: Image) -> Analysis:
    """Transform an image (H, W, C) uint8."""
    height, width, channels = image.shape
    layout = make_layout(height, width)
    flat = np.zeros((channels, layout.size), np.float32)
    for comp, plane in enumerate(color.to_components(image)):
        dense = forward(plane, layout.shapes)
        for row, band in zip(layout.table, layout.bands, strict=True):
            view = _band_view(flat[comp], row)
            view[:] = dense[band.top : band.top + band.height, band.left : band.left + band.width]
    return Analysis(Geometry(height, width, channels), layout, flat)


_Scalar = TypeVar("_Scalar", bound=np.generic)


def _band_view(flat: npt.NDArray[_Scalar], row: npt.NDArray[np.int64]) -> npt.NDArray[_Scalar]:
    """Two-dimensional view of one subband in a flattened component."""
    start, stride, height, width = (int(row[k]) for k in (OFFSET, STRIDE, HEIGHT, WIDTH))
    return np.lib.stride_tricks.as_strided(
        flat[start:], (height, width), (stride * flat.itemsize, flat.itemsize)
    )


def propose(analysis: Analysis, step: int, *, lmbda: float = LAMBDA) -> Proposal:
    """Quantize at `step`, price every coefficient, drop those not worth their bits."""
    layout, components = analysis.layout, len(analysis.coefficients)
    steps = band_steps(layout, step, components) / 65536.0
    scale = np.zeros(analysis.coefficients.shape, np.float32)
    for comp in range(components):
        for i, row in enumerate(layout.table):
            _band_view(scale[comp], row)[:] = 1.0 / steps[comp, i]
    ratio = np.abs(analysis.coefficients) * scale
    magnitude = (ratio + np.float32(_ROUNDING)).astype(np.int32)
    sign = np.sign(analysis.coefficients).astype(np.int8) * (magnitude > 0)
    # Error of dropping less error of keeping, in squared steps.
    gain = ratio * ratio - (ratio - magnitude) ** 2
    total = 0.0
    for _ in range(_PRUNINGS):
        # Once the least worthy are gone, their neighbours cost more: price again.
        written = write_coefficients(layout, magnitude, sign, with_prices=True)
        drop = (magnitude == 1) & (gain < lmbda * written.prices)
        total = sum(written.bits.values()) - float(written.prices[drop].sum())
        magnitude[drop] = 0
        sign[drop] = 0
    where = np.nonzero(magnitude)
    unit = _unit_error(analysis.geometry, step)
    error = float(((ratio - magnitude) ** 2).sum()) * unit
    kept = magnitude[where]
    prices = np.maximum(written.prices[where], 0.5) + 1.5 * np.log2(kept)
    # Flags of blocks and zeros around are shared out so that the sum is what the file costs.
    prices *= max(1.0, total / max(prices.sum(), 1e-9))
    level = _levels(layout)[where[1]].astype(np.float64)
    return Proposal(
        step=step,
        # A function of level l spreads its energy over 4**l pixels.
        contrast=ratio[where] * (0.25 * 2.0 ** (step / STEPS_PER_OCTAVE)) / 2.0**level,
        area=4.0**level,
        gain=gain[where].astype(np.float64) * unit,
        bits=prices,
        residual=error,
        overhead_bits=16.0,
        state=_State(analysis, step, magnitude, sign, where),
    )


@lru_cache(maxsize=8)
def _levels(layout: Layout) -> npt.NDArray[np.uint8]:
    """Decomposition level of every place in a flattened component."""
    out = np.zeros(layout.size, np.uint8)
    for row, band in zip(layout.table, layout.bands, strict=True):
        _band_view(out, row)[:] = band.level
    return out


def _unit_error(geometry: Geometry, step: int) -> float:
    """Squared error over all samples that one squared luma step makes."""
    weight = color.ERROR_WEIGHTS[geometry.channels][0]
    return float(weight * (0.25 * 2.0 ** (step / STEPS_PER_OCTAVE)) ** 2)


def write(state: _State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the kept coefficients of a proposal."""
    magnitude, sign = state.magnitude.copy(), state.sign.copy()
    comps, places = state.where
    dropped = (comps[~keep], places[~keep])
    magnitude[dropped] = 0
    sign[dropped] = 0
    written = write_coefficients(state.analysis.layout, magnitude, sign)
    first = max(int(magnitude.max(initial=0)).bit_length() - 1, 0)
    return split_packets(header_bytes(state.step, first), written)
