"""The search encoder: quantize, price with the real coder, decide by Lagrangian cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ...shared.codec import Geometry, Image, Proposal
from ...shared.entropy import Tables
from ...shared.error.importance import Importance
from ...shared.picture import color
from .format.layout import HEIGHT, OFFSET, STRIDE, WIDTH, Layout, make_layout
from .format.stream import (
    MAX_PLANE,
    STEPS_PER_OCTAVE,
    Written,
    band_steps,
    header_bytes,
    split_packets,
    write_coefficients,
)
from .synthesis.transform import forward

LAMBDA = 0.14
"""Lagrangian multiplier: squared error (in steps) that one bit must remove."""
_ROUNDING = 0.42
"""Added before truncation when quantizing; what the Lagrangian would drop anyway is not priced."""
_PRUNINGS = 2
_BITS_EACH = 6.0
"""Bits a kept coefficient, about."""
_LEAST_KEPT = 0.8
"""Steps from which a coefficient is kept, about."""
_LARGEST = (2 << MAX_PLANE) - 1


@dataclass(frozen=True, eq=False)
class Analysis:
    """Transformed image.

    Parameters
    ----------
    geometry : Geometry
    layout : Layout
    coefficients : (C * size,) float32
        Coefficients in units of their quantizer step at step index 0, flattened as the
        layout says, component after component.
    energy : float
        Sum of their squares, each as often as it counts.
    importance : (C * size,) float32, optional
        How much the squared error of each counts; 1 if not given.
    asked : Importance, optional
        The same as the network gave it.
    """

    geometry: Geometry
    layout: Layout
    coefficients: npt.NDArray[np.float32]
    energy: float
    importance: npt.NDArray[np.float32] | None = None
    asked: Importance | None = None


@dataclass(frozen=True)
class _State:
    """Quantized coefficients that are not zero: where they stand, and their signed values."""

    analysis: Analysis
    step: int
    where: npt.NDArray[np.intp]
    values: npt.NDArray[np.int32]


def analyze(image: Image, importance: Importance | None = None) -> Analysis:
    """Transform an image (H, W, C) uint8."""
    height, width, channels = image.shape
    layout = make_layout(height, width)
    steps = band_steps(layout, 0, channels) / 65536.0
    flat = np.zeros((channels, layout.size), np.float32)
    for comp, plane in enumerate(color.to_components(image)):
        dense = forward(plane, layout.shapes)
        for i, (row, band) in enumerate(zip(layout.table, layout.bands, strict=True)):
            part = dense[band.top : band.top + band.height, band.left : band.left + band.width]
            _band_view(flat[comp], row)[:] = part / steps[comp, i]
    coefficients = flat.ravel()
    geometry = Geometry(height, width, channels)
    if importance is None:
        energy = float(np.vdot(coefficients, coefficients))
        return Analysis(geometry, layout, coefficients, energy)
    return reweighted(Analysis(geometry, layout, coefficients, 0.0), importance)


def reweighted(analysis: Analysis, importance: Importance) -> Analysis:
    """Take an analysis with other importance."""
    factors = _factors(analysis.layout, analysis.geometry.channels, importance)
    energy = float(np.vdot(analysis.coefficients * factors, analysis.coefficients))
    return replace(analysis, energy=energy, importance=factors, asked=importance)


def _factors(layout: Layout, channels: int, importance: Importance) -> npt.NDArray[np.float32]:
    """Importance of every coefficient, in the order of the flattened components."""
    flat = np.zeros((channels, layout.size), np.float32)
    for row, band in zip(layout.table, layout.bands, strict=True):
        level = max(band.level, 1)
        found = [
            importance.at(role, level - 1, band.height, band.width, 1 << level)
            for role in range(2 if channels >= 3 else 1)
        ]
        for comp in range(channels):
            _band_view(flat[comp], row)[:] = found[channels >= 3 and comp in (1, 2)]
    return flat.ravel()


def first_step(analysis: Analysis, limit: int) -> int:
    """Guess the step from the magnitude that about as many coefficients reach as fit."""
    count = min(int(8 * limit / _BITS_EACH), analysis.coefficients.size - 1)
    magnitudes = np.abs(analysis.coefficients)
    # Where a picture is flat there are few of these, and nearly all the others are equal, which
    # takes a partition very long.
    magnitudes = magnitudes[magnitudes > _LEAST_KEPT]
    if len(magnitudes) <= count:
        return 0
    reached = np.partition(magnitudes, -count - 1)[-count - 1]
    return round(STEPS_PER_OCTAVE * float(np.log2(reached / _LEAST_KEPT)))


_Scalar = TypeVar("_Scalar", bound=np.generic)


def _band_view(flat: npt.NDArray[_Scalar], row: npt.NDArray[np.int64]) -> npt.NDArray[_Scalar]:
    """Two-dimensional view of one subband in a flattened component."""
    start, stride, height, width = (int(row[k]) for k in (OFFSET, STRIDE, HEIGHT, WIDTH))
    return np.lib.stride_tricks.as_strided(
        flat[start:], (height, width), (stride * flat.itemsize, flat.itemsize)
    )


def propose(analysis: Analysis, step: int, *, lmbda: float = LAMBDA) -> Proposal:
    """Quantize at `step`, price every coefficient, drop those not worth their bits."""
    size = 2.0 ** (step / STEPS_PER_OCTAVE)
    least = np.float32((1 - _ROUNDING) * size)
    where = np.flatnonzero(np.abs(analysis.coefficients) >= least)
    looked = len(where)
    ratio = analysis.coefficients[where].astype(np.float64) / size
    signs = np.sign(ratio).astype(np.int32)
    ratio = np.abs(ratio)
    magnitude = np.clip(ratio + _ROUNDING, 1, _LARGEST).astype(np.int32)
    # Error of dropping less error of keeping, in squared steps.
    gain = ratio * ratio - (ratio - magnitude) ** 2
    if analysis.importance is not None:
        factor = analysis.importance[where].astype(np.float64)
        gain *= factor
        # Where a bit has to remove as much as the mean at the edge, the step alone decides how
        # many coefficients there are, whatever the importance is on the whole.
        edge = factor[magnitude == 1]
        lmbda *= float(np.exp(np.log(edge).mean())) if len(edge) else 1.0
    total = 0.0
    for _ in range(_PRUNINGS):
        # Once the least worthy are gone, their neighbours cost more: price again.
        written = code_values(analysis, where, signs * magnitude, with_prices=True)
        prices = written.prices.ravel()[where].astype(np.float64)
        keep = gain >= lmbda * prices
        if analysis.importance is None:
            keep |= magnitude > 1
        total = sum(written.bits.values()) - float(prices[~keep].sum())
        where, ratio, signs, magnitude, gain, prices = (
            values[keep] for values in (where, ratio, signs, magnitude, gain, prices)
        )
    prices = np.maximum(prices, 0.5) + 1.5 * np.log2(magnitude)
    # Flags of blocks and zeros around are shared out so that the sum is what the file costs.
    prices *= max(1.0, total / max(prices.sum(), 1e-9))
    level = _levels(analysis.layout)[where % analysis.layout.size].astype(np.float64)
    unit = _unit_error(analysis.geometry, step)
    contrast = ratio * (size / 4) / 2.0**level
    if analysis.importance is not None:
        contrast *= np.sqrt(analysis.importance[where])
    return Proposal(
        step=step,
        # A function of level l spreads its energy over 4**l pixels.
        contrast=contrast,
        area=4.0**level,
        gain=gain * unit,
        bits=prices,
        residual=max(analysis.energy / size**2 - float(gain.sum()), 0.0) * unit,
        overhead_bits=16.0,
        state=_State(analysis, step, where, signs * magnitude),
        looked=looked,
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


def code_values(
    analysis: Analysis,
    where: npt.NDArray[np.intp],
    values: npt.NDArray[np.int32],
    *,
    with_prices: bool = False,
    tables: Tables | None = None,
    counted: bool = False,
) -> Written:
    """Code the coefficients `values`, which stand at `where`; see `format.write_coefficients`."""
    shape = (analysis.geometry.channels, analysis.layout.size)
    magnitude, sign = np.zeros(shape, np.int32), np.zeros(shape, np.int8)
    magnitude.ravel()[where] = np.abs(values)
    sign.ravel()[where] = np.sign(values)
    return write_coefficients(
        analysis.layout,
        magnitude,
        sign,
        with_prices=with_prices,
        tables=tables,
        counted=counted,
    )


def write(state: _State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the kept coefficients of a proposal."""
    values = state.values[keep]
    written = code_values(state.analysis, state.where[keep], values)
    first = max(int(np.abs(values).max(initial=0)).bit_length() - 1, 0)
    return split_packets(header_bytes(state.step, first), written)
