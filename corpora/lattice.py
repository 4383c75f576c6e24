"""Random textures in integer arithmetic: the same on every machine, in every year.

NumPy's generators promise a stream only for one version, and float arithmetic not even
that; a hash of the position promises both.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def hash64(x: npt.ArrayLike, y: npt.ArrayLike, seed: int) -> npt.NDArray[np.uint64]:
    """Hash integer positions to 64 bits (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        z = np.asarray(x).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = z ^ (np.asarray(y).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))
        z = z + np.uint64(seed) * np.uint64(0xD6E8FEB86659FD93)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        return np.asarray(z ^ (z >> np.uint64(31)))


def random_below(bound: int, x: npt.ArrayLike, y: npt.ArrayLike, seed: int) -> Integers:
    """Give an integer in [0, bound) for every position."""
    high = hash64(x, y, seed) >> np.uint64(32)
    return np.asarray((high * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)


def value_noise(x: Integers, y: Integers, seed: int) -> Integers:
    """Interpolate random values at lattice points; positions in 1/256 cells, result 0..65535."""
    cell_x, cell_y = x >> 8, y >> 8
    # 3t^2 - 2t^3 with t in 1/256, scaled to 0..65536.
    t_x, t_y = x & 255, y & 255
    weight_x = (t_x * t_x * (768 - 2 * t_x)) >> 8
    weight_y = (t_y * t_y * (768 - 2 * t_y)) >> 8
    corner = [random_below(65536, cell_x + dx, cell_y + dy, seed) for dy in (0, 1) for dx in (0, 1)]
    top = corner[0] + (((corner[1] - corner[0]) * weight_x) >> 16)
    bottom = corner[2] + (((corner[3] - corner[2]) * weight_x) >> 16)
    return np.asarray(top + (((bottom - top) * weight_y) >> 16))


def fractal_noise(x: Integers, y: Integers, seed: int, octaves: int) -> Integers:
    """Sum octaves of `value_noise`, each half as strong and twice as fine; result 0..65535."""
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.int64)
    for octave in range(octaves):
        total += value_noise(x << octave, y << octave, seed + octave) >> (octave + 1)
    # The halves sum to 1 - 2^-octaves.
    return total * (1 << octaves) // ((1 << octaves) - 1)


def ramp(value: Integers, low: int, high: int) -> Integers:
    """Map [low, high] smoothly to 0..256."""
    t = np.clip((value - low) * 256 // (high - low), 0, 256)
    return np.asarray((t * t * (768 - 2 * t)) >> 16)


def blend(below: Integers, above: Integers, weight: Integers) -> Integers:
    """Mix two pictures; `weight` is 0..256."""
    return np.asarray(below + (((above - below) * weight + 128) >> 8))
