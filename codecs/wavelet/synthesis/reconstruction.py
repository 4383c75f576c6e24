"""Integers to pixels: dequantize, inverse wavelet, colour. No float, any array module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.backend import is_numpy
from ....shared.parallel.kernels import has_kernels
from ....shared.picture import color
from ....shared.picture.cuda import to_pixels
from ..format.layout import OFFSET, STRIDE, Layout
from ..format.stream import FRACTION_BITS, Symbols, band_steps
from . import cuda
from .dequantizing import LIMIT as _LIMIT
from .dequantizing import SHIFT as _SHIFT
from .dequantizing import dequantize_into
from .transform import inverse_arrays, inverse_compiled


def _dequantize_arrays(
    xp: Any, symbols: Symbols, layout: Layout, comp: int, steps: npt.NDArray[np.int64]
) -> Any:
    """Dense subbands of one component with array operations."""
    h, w = layout.shapes[0]
    dense = xp.zeros((h, w), xp.int32)
    magnitude = xp.asarray(symbols.magnitude[comp]).astype(xp.int64)
    sign = xp.asarray(symbols.sign[comp]).astype(xp.int64)
    for i, band in enumerate(layout.bands):
        row = layout.table[i]
        start, stride = int(row[OFFSET]), int(row[STRIDE])
        at = start + xp.arange(band.height)[:, None] * stride + xp.arange(band.width)[None, :]
        m = magnitude[at]
        plane = int(symbols.last_plane[i])
        # A magnitude whose bit in the plane below is set was refined before the data ended.
        unknown = plane - ((m >> max(plane - 1, 0)) & 1 if plane > 0 else xp.zeros_like(m))
        middle = (1 << unknown) - 1
        value = ((2 * m + middle) * int(steps[i]) + (1 << (_SHIFT - 1))) >> _SHIFT
        value = xp.minimum(value, _LIMIT) * sign[at]
        dense[band.top : band.top + band.height, band.left : band.left + band.width] = value
    return dense


def components(symbols: Symbols, xp: Any) -> Iterator[Any]:
    """Decode the components, (H, W) int32 each, with `FRACTION_BITS` fractional bits.

    One after the other, as they are taken: all at once they are half of what a decoder needs.
    """
    layout = symbols.layout
    steps = band_steps(layout, symbols.step, symbols.geometry.channels)
    corners = layout.corners
    for comp in range(symbols.geometry.channels):
        if is_numpy(xp):
            dense = np.zeros(layout.shapes[0], np.int32)
            dequantize_into(
                symbols.magnitude[comp],
                symbols.sign[comp],
                layout.table,
                corners,
                symbols.last_plane,
                steps[comp],
                dense,
            )
            yield inverse_compiled(dense, layout.shapes)
        else:
            dense = _dequantize_arrays(xp, symbols, layout, comp, steps[comp])
            yield inverse_arrays(xp, dense, layout.shapes)


def synthesize_many(symbols: Sequence[Symbols], xp: Any) -> list[Any]:
    """Render pictures of one size, each (H, W, C) uint8."""
    if not has_kernels(xp):
        return [synthesize(one, xp) for one in symbols]
    height, width = symbols[0].layout.shapes[0]
    planes = cuda.components(xp, symbols)
    return list(to_pixels(xp, planes, height, width, FRACTION_BITS))


def synthesize(symbols: Symbols, xp: Any) -> Any:
    """Render symbols to (H, W, C) uint8."""
    if has_kernels(xp):
        return synthesize_many([symbols], xp)[0]
    channels = symbols.geometry.channels
    return color.to_pixels(xp, components(symbols, xp), FRACTION_BITS, channels=channels)
