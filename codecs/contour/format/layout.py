"""Windows as integers: the columns of the layer table, and the rules that need no side information.

A layer is one row of int32. Its peak amplitude follows from its *bucket*, 3 dB each, relative
to the quantizer step; its size from its *scale*, half an octave each. Bucket and scale say how
much a layer weighs against the step, and so how precisely its place, its angle, its phases and
its amplitude are worth knowing: `precision`. As the budget shrinks the step grows, the same
layer weighs less, and its contour gets coarser ("roughening"), without a bit of side information.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled

IntArray = npt.NDArray[np.int32]

# Columns of the layer table.
COMP, BUCKET, SCALE, TOP, LEFT, ASPECT, ANGLE = range(7)
FINE, FREQUENCY, PHASE, BLUE, RED, MORE = range(7, 13)
EXTRA = 13
"""First of `MOST_EXTRA` groups of three: index of the frequency, phase, drop in 3 dB."""
MOST_EXTRA = 5
FIELDS = EXTRA + 3 * MOST_EXTRA

BUCKETS = 48
"""Amplitude of bucket b: step * 2 ** ((FIRST - b) / 2)."""
FIRST = 16
SCALES = 16
ASPECTS = 10
ANGLES = 64
"""Angles in half a turn at the finest precision."""
PHASES = 64
FINEST = 3
UNIT = 16
"""Coordinates are in sixteenths of a pixel."""

# Wave numbers across and along a window, in quarter cycles per radius.
ACROSS = (0, 2, 3, 4, 5, 6, 8, 10)
"""Of a layer's first harmonic, across the minor axis."""
FREQUENCIES = len(ACROSS)
PAIRS = (
    *((0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (0, 4), (4, 0), (2, 2)),
    *((2, -2), (0, 6), (6, 0), (2, 4), (2, -4), (4, 2), (4, -2), (0, 8)),
)
"""(along, across) of further harmonics."""
SLOPES = 8
"""Largest chroma slope: chroma changes by slope / 8 of what luma changes by."""
SLOPE_LOG = 3

# round(16 * 2 ** (i / 4)) for one octave: a radius of 1 pixel and up, quarter octaves.
_RADIUS = (1024, 1218, 1448, 1722)
# 2**14 * sqrt(2) ** k
_ROOT = (16384, 23170)


@compiled
def radius_of(index):  # type: ignore[no-untyped-def]
    """Radius of 2 ** (index / 4) pixels in sixteenths, index -12 .. 48."""
    octave = (index + 64) // 4 - 16
    part = _RADIUS[(index + 64) % 4]
    shift = 6 - octave
    return part >> shift if shift >= 0 else part << -shift


@compiled
def radii(scale, aspect):  # type: ignore[no-untyped-def]
    """Major and minor radius in sixteenths of a pixel; their mean ratio is the scale's radius."""
    middle = 6 + 2 * scale
    return radius_of(middle + aspect), radius_of(middle - aspect)


@compiled
def precision(bucket, scale):  # type: ignore[no-untyped-def]
    """Octaves by which a layer outweighs the least one that pays, 0 to `FINEST`."""
    weight = (scale + FIRST - bucket) >> 1
    return min(max(weight, 0), FINEST)


@compiled
def grid_log(bucket, scale):  # type: ignore[no-untyped-def]
    """Binary logarithm of the grid that a layer's centre lies on, sixteenths of a pixel."""
    return min(max(4 + (scale >> 1) - precision(bucket, scale), 2), 10)


@compiled
def angle_log(bucket, scale, aspect, wavy):  # type: ignore[no-untyped-def]
    """Binary logarithm of the number of angles in half a turn; 0 if turning changes nothing."""
    if aspect == 0 and not wavy:
        return 0
    return min(max(3 + precision(bucket, scale) + (aspect >> 2), 3), 6)


@compiled
def phase_log(bucket, scale):  # type: ignore[no-untyped-def]
    """Binary logarithm of the number of phases of a harmonic."""
    return 3 + precision(bucket, scale)


@compiled
def fine_log(bucket, scale):  # type: ignore[no-untyped-def]
    """Bits by which the amplitude is finer than its bucket."""
    return precision(bucket, scale)


@compiled
def amplitude_of(bucket, fine, step):  # type: ignore[no-untyped-def]
    """Peak amplitude with 6 fractional bits, `fine` eighths of a bucket down from its top.

    Parameters
    ----------
    bucket, fine : int
    step : int
        Quantizer step of the component, 16 fractional bits.
    """
    index = FIRST * 8 - bucket * 8 - fine
    octave = (index + 1024) // 16 - 64
    part = _SIXTEENTHS[(index + 1024) % 16]
    # step has 16 fractional bits, the mantissa 14: down to 6.
    shift = 24 - octave
    value = (step * part + (np.int64(1) << (shift - 1))) >> shift
    return min(max(value, 1), 1 << 16)


# round(2 ** 14 * 2 ** (i / 16))
_SIXTEENTHS = (
    *(16384, 17109, 17867, 18658, 19484, 20347, 21247, 22188),
    *(23170, 24196, 25268, 26386, 27554, 28774, 30048, 31379),
)


@cache
def cosines() -> IntArray:
    """One cycle of the cosine in 1024 steps, 14 fractional bits, from integers only.

    A quarter by the recurrence c(k+1) = 2 cos(d) c(k) - c(k-1) in 60-bit integers.
    """
    # 2 cos(2 pi / 1024) with 60 fractional bits.
    twice = 2305799602370679373
    one = 1 << 60
    quarter = [one, twice >> 1]
    for _ in range(255):
        quarter.append((twice * quarter[-1] >> 60) - quarter[-2])
    rounded = [(value + (1 << 45)) >> 46 for value in quarter]
    half = rounded[:256] + [0] + [-value for value in reversed(rounded[:256])]
    return np.array(half[:512] + [-value for value in half[:512]], np.int32)
