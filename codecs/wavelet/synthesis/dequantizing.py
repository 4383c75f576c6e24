"""Magnitudes and signs to coefficients: dense planes, or what is not zero of them."""

from __future__ import annotations

import numpy as np

from ....shared.compiled import compiled, inlined
from ..format.layout import HEIGHT, OFFSET, STRIDE, WIDTH
from ..format.stream import FRACTION_BITS

LIMIT = 1 << 26
SHIFT = 17 - FRACTION_BITS
"""Twice a magnitude times a step of 16 fractional bits, to `FRACTION_BITS`."""

_RUN = 32
"""Magnitudes that are looked at together."""


@inlined
def _value_of(m, plane, step):  # type: ignore[no-untyped-def]
    """Size of a coefficient whose magnitude `m`, not 0, is known down to a bit plane."""
    unknown = plane
    # One whose bit in the plane below is set was refined before the data ended.
    if plane > 0 and (m >> (plane - 1)) & 1:
        unknown -= 1
    middle = (np.int64(1) << unknown) - 1
    return min(((2 * m + middle) * step + (1 << (SHIFT - 1))) >> SHIFT, LIMIT)


@compiled
def dequantize_into(magnitude, sign, bands, corners, last_plane, steps, dense):  # type: ignore[no-untyped-def]
    """Fill the dense subbands of a component, zeros before; `corners`: (n_bands, 2)."""
    for i in range(len(bands)):
        top, left = corners[i, 0], corners[i, 1]
        for y in range(bands[i, HEIGHT]):
            at = bands[i, OFFSET] + y * bands[i, STRIDE]
            for x in range(bands[i, WIDTH]):
                m = np.int64(magnitude[at + x])
                if m:
                    value = _value_of(m, last_plane[i], steps[i])
                    dense[top + y, left + x] = value * sign[at + x]


@compiled
def list_nonzero(  # type: ignore[no-untyped-def]
    magnitude, sign, bands, corners, last_plane, steps, width, places, values, counts
):
    """List the coefficients of all components that are not zero; return how many there are.

    Parameters
    ----------
    magnitude, sign : (C, size)
    bands, corners, last_plane
        As for `dequantize_into`.
    steps : (C, n_bands) int64
    width : int
        Of a plane.
    places, values : (k,) int32
        Filled: place in the plane, and coefficient.
    counts : (C,) int64
        Filled: how many each component has.
    """
    count = np.int64(0)
    for comp in range(len(magnitude)):
        first, mine, signs = count, magnitude[comp], sign[comp]
        for i in range(len(bands)):
            for y in range(bands[i, HEIGHT]):
                at = bands[i, OFFSET] + y * bands[i, STRIDE]
                place = (corners[i, 0] + y) * width + corners[i, 1]
                for begin in range(0, bands[i, WIDTH], _RUN):
                    end = min(begin + _RUN, bands[i, WIDTH])
                    # Most are zero: whole runs of them become vector code.
                    run, some = mine[at + begin : at + end], np.int32(0)
                    for x in range(len(run)):
                        some = np.int32(some | run[x])
                    if some == 0:
                        continue
                    for x in range(begin, end):
                        m = np.int64(mine[at + x])
                        if m:
                            value = _value_of(m, last_plane[i], steps[comp, i])
                            places[count], values[count] = place + x, value * signs[at + x]
                            count += 1
        counts[comp] = count - first
    return count
