"""Complex oriented bands of a picture, written once for NumPy, CuPy and torch.

What the array libraries do not share is asked of an `Operations` object; the rest is arithmetic
and slices.

References
----------
.. [1] J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and
   orientation optimized by two-dimensional visual cortical filters", JOSA A 2(7), 1985,
   doi:10.1364/JOSAA.2.001160
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

Array = Any
"""An array of NumPy, CuPy or torch, its last two axes being rows and columns."""

BINOMIAL = (0.0625, 0.25, 0.375, 0.25, 0.0625)


class Operations(Protocol):
    """What the formulas need of an array library beside arithmetic and slices."""

    def sqrt(self, x: Array) -> Array:
        """Root of every element."""

    def clip(self, x: Array, low: float, high: float) -> Array:
        """Every element, not below `low`, not above `high`."""

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """Elements of `x` where `condition` holds, else of `y`."""

    def log(self, x: Array) -> Array:
        """Natural logarithm of every element."""

    def mean(self, x: Array) -> Array:
        """Mean over the last two axes, which stay with length 1."""

    def stack(self, parts: Sequence[Array]) -> Array:
        """Planes (..., H, W) of one shape along a new axis before their last two."""

    def filter(self, x: Array, taps: Sequence[float], axis: int, step: int = 1) -> Array:
        """Correlate along axis -2 or -1, edges mirrored, every `step`-th sample kept."""


class ArrayOperations:
    """`Operations` of NumPy, or of a module like it.

    Parameters
    ----------
    xp : module
        See `shared.backend`.
    """

    def __init__(self, xp: Any) -> None:
        self.sqrt, self.clip, self.where, self.log = xp.sqrt, xp.clip, xp.where, xp.log
        self._xp = xp

    def mean(self, x: Array) -> Array:
        """Mean over the last two axes, summed in double precision."""
        return x.mean(axis=(-2, -1), keepdims=True, dtype=self._xp.float64).astype(x.dtype)

    def stack(self, parts: Sequence[Array]) -> Array:
        """Planes (..., H, W) of one shape along a new axis before their last two."""
        return self._xp.stack(parts, -3)

    def filter(self, x: Array, taps: Sequence[float], axis: int, step: int = 1) -> Array:
        """Correlate by shifted views; mirrored taps share a product."""
        radius = len(taps) // 2
        size = x.shape[axis]
        width = [(0, 0)] * x.ndim
        width[axis] = (radius, radius)
        padded = self._xp.pad(x, width, mode="symmetric")

        def view(start: int) -> Array:
            part = slice(start, start + size, step)
            return padded[..., part, :] if axis == -2 else padded[..., part]

        sign = 1.0 if taps[0] == taps[-1] else -1.0
        total = view(radius) * self._xp.float32(taps[radius]) if taps[radius] else None
        for at in range(radius):
            # One temporary that is reused: memory traffic is what this costs.
            pair = (
                view(2 * radius - at) + view(at) if sign > 0 else view(2 * radius - at) - view(at)
            )
            pair *= self._xp.float32(taps[2 * radius - at])
            if total is None:
                total = pair
            else:
                total += pair
        return total


@functools.cache
def gabor(frequency: float, sigma: float) -> tuple[tuple[float, ...], ...]:
    """Return envelope, cosine and sine taps; the cosine has no mean, the envelope sums to 1."""
    radius = math.ceil(2.67 * sigma)
    at = np.arange(-radius, radius + 1)
    envelope = np.exp(-(at**2) / (2 * sigma**2))
    envelope /= envelope.sum()
    even = envelope * np.cos(frequency * at)
    even -= envelope * even.sum()
    odd = envelope * np.sin(frequency * at)
    # Mirrored to the last bit, so that filters may fold them.
    even, odd = (even + even[::-1]) / 2, (odd - odd[::-1]) / 2
    return tuple(tuple(float(tap) for tap in taps) for taps in (envelope, even, odd))


def halve(ops: Operations, plane: Array) -> Array:
    """Low-pass and keep every second row and column; odd sizes round up."""
    return ops.filter(ops.filter(plane, BINOMIAL, -2, 2), BINOMIAL, -1, 2)


def bands(
    ops: Operations, plane: Array, frequency: float, sigma: float
) -> list[tuple[Array, Array]]:
    """Return real and imaginary responses of the four orientations.

    All four come from products of one-dimensional filters: with the complex row and column
    responses A and B, the diagonals are A B and A conj(B).
    """
    straight = gabor(frequency, sigma)
    slanted = gabor(frequency / math.sqrt(2), sigma)
    wide, even, odd = straight
    rows = ops.filter(plane, wide, -2)
    columns = ops.filter(plane, wide, -1)
    found = [
        (ops.filter(rows, even, -1), ops.filter(rows, odd, -1)),
        (ops.filter(columns, even, -2), ops.filter(columns, odd, -2)),
    ]
    _, even, odd = slanted
    re, im = ops.filter(plane, even, -1), ops.filter(plane, odd, -1)
    rr, ri = ops.filter(re, even, -2), ops.filter(re, odd, -2)
    ir, ii = ops.filter(im, even, -2), ops.filter(im, odd, -2)
    return [*found, (rr - ii, ri + ir), (rr + ii, ir - ri)]
