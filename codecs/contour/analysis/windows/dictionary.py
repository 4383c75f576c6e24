"""Proposals: where windows of a coarse dictionary correlate with the residual. Encoder, floats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from ...format.layout import (
    ACROSS,
    ANGLE,
    ANGLES,
    ASPECT,
    COMP,
    FIELDS,
    FREQUENCY,
    LEFT,
    SCALE,
    TOP,
)

FloatArray = npt.NDArray[np.float32]

_ANGLES = 8
_ASPECTS = (0, 2, 4)
_FREQUENCIES = (0, 2, 4, 6)
_LARGEST, _LARGEST_QUICK = 6.0, 4.0
"""Mean radius in samples above which a residual is reduced first. The less, the fewer stripes are
found: on training pictures error and bits together are 1 % more for a third of the time."""
_BLOCK = 256
"""Samples a side that are correlated at once, which bounds the memory."""
_TOGETHER = 8
"""Atoms that are correlated at once."""


def scale_radius(scale: int) -> float:
    """Geometric mean radius in pixels."""
    return float(2.0 ** ((6 + 2 * scale) / 4))


@dataclass(frozen=True)
class _Bank:
    """Spectra of the dictionary at one scale.

    The atoms have norm 1. That of a cosine is real, that of a sine imaginary: one number each.

    Parameters
    ----------
    table : (k, 3) int32
        Aspect, angle, frequency.
    plain : int
        So many come first that have no sine.
    even, odd : (k, H, W // 2 + 1), (k - plain, H, W // 2 + 1) float32
    """

    table: npt.NDArray[np.int32]
    plain: int
    even: FloatArray
    odd: FloatArray


@lru_cache(maxsize=16)
def _bank(scale: int, reduction: int, shape: tuple[int, int]) -> _Bank:
    """Transform the atoms of a scale, samples as wide as `reduction` pixels."""
    from scipy import fft

    radius = scale_radius(scale) / reduction
    table: list[tuple[int, int, int]] = []
    spectra: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    plain = 0
    for f in _FREQUENCIES:
        for aspect in _ASPECTS:
            major, minor = radius * 2 ** (aspect / 4), radius * 2 ** (-aspect / 4)
            if minor < 1.3 or minor / max(ACROSS[f], 1) * 4 < 2.2:
                continue
            reach = math.ceil(major)
            y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
            for k in range(_ANGLES if aspect or f else 1):
                angle = k * ANGLES // _ANGLES
                turn = math.pi * angle / ANGLES
                c, s = math.cos(turn), math.sin(turn)
                u, v = (x * c + y * s) / major, (y * c - x * s) / minor
                w = np.maximum(1 - u * u - v * v, 0) ** 3
                phase = 0.5 * np.pi * ACROSS[f] * v
                for sine, atom in enumerate([w * np.cos(phase), w * np.sin(phase)][: 1 + (f > 0)]):
                    wide = np.zeros(shape, np.float32)
                    wide[: 2 * reach + 1, : 2 * reach + 1] = atom
                    wide = np.roll(wide, (-reach, -reach), (0, 1)) / np.linalg.norm(atom)
                    spectrum = fft.rfft2(wide)
                    spectra[sine].append((spectrum.imag if sine else spectrum.real).copy())
                table.append((aspect, angle, f))
                plain += f == 0
    none = np.zeros((0, shape[0], shape[1] // 2 + 1), np.float32)
    even, odd = (np.stack(found) if found else none for found in spectra)
    return _Bank(np.array(table, np.int32).reshape(-1, 3), plain, even, odd)


def reduce_by(plane: FloatArray, factor: int) -> FloatArray:
    """Sum over squares of `factor` pixels, over how many these are; outside there is nothing."""
    if factor == 1:
        return plane
    height, width = plane.shape
    pads = [(0, -n % factor) for n in (height, width)]
    wide = np.pad(plane, pads)
    rows, columns = wide.shape[0] // factor, wide.shape[1] // factor
    out: FloatArray = wide.reshape(rows, factor, columns, factor).mean((1, 3), dtype=np.float32)
    return out


@compiled
def _multiply(spectrum, sine, atoms, out):  # type: ignore[no-untyped-def]
    """Multiply a spectrum by those of atoms."""
    count, height, width = atoms.shape
    for k in range(count):
        for y in range(height):
            for x in range(width):
                value, factor = spectrum[y, x], atoms[k, y, x]
                if sine:
                    out[k, y, x] = complex(-value.imag * factor, value.real * factor)
                else:
                    out[k, y, x] = complex(value.real * factor, value.imag * factor)


@compiled
def _keep_best(even, odd, first, best, which):  # type: ignore[no-untyped-def]
    """Note where atoms from number `first` on remove more than `best`; some have no `odd`."""
    height, width = best.shape
    for k in range(len(even)):
        for y in range(height):
            for x in range(width):
                gain = even[k, y, x] * even[k, y, x]
                if len(odd):
                    gain += odd[k, y, x] * odd[k, y, x]
                if gain > best[y, x]:
                    best[y, x], which[y, x] = gain, first + k


def _correlate(
    block: FloatArray, bank: _Bank, shape: tuple[int, int]
) -> tuple[FloatArray, npt.NDArray[np.int16]]:
    """Squared error that the best atom removes at every sample, and which atom that is."""
    from scipy import fft

    spectrum = fft.rfft2(block, shape)
    best, which = np.zeros(block.shape, np.float32), np.zeros(block.shape, np.int16)
    place = np.zeros((_TOGETHER, *spectrum.shape), np.complex64)

    def products(sine: bool, atoms: FloatArray) -> FloatArray:
        part = place[: len(atoms)]
        _multiply(spectrum, sine, atoms, part)
        out: FloatArray = fft.irfft2(part, shape)
        return out

    none = np.zeros((0, *shape), np.float32)
    for low, high in ((0, bank.plain), (bank.plain, len(bank.table))):
        for first in range(low, high, _TOGETHER):
            end = min(first + _TOGETHER, high)
            even, odd = products(False, bank.even[first:end]), none
            if low:
                odd = products(True, bank.odd[first - bank.plain : end - bank.plain])
            _keep_best(even, odd, first, best, which)
    return best, which


def propose(
    plane: FloatArray, comp: int, scales: tuple[int, ...], least: float, *, quick: bool = False
) -> tuple[npt.NDArray[np.int32], int]:
    """Find the places where some window removes at least `least` of the squared residual.

    Parameters
    ----------
    plane : (H, W) float32
        Residual of component `comp`, in steps.
    comp : int
    scales : tuple of int
    least : float
    quick : bool
        Whether to look at fewer samples.

    Returns
    -------
    (n, FIELDS) int32
        Outlines, most promising first; amplitude and phase are yet to be fitted.
    int
        Windows that were looked at: the best one around each place and scale.
    """
    from scipy import fft, ndimage

    looked = 0
    found, gains = [np.zeros((0, FIELDS), np.int32)], [np.zeros(0, np.float32)]
    for scale in scales:
        radius, factor = scale_radius(scale), 1
        while radius / factor > (_LARGEST_QUICK if quick else _LARGEST):
            factor *= 2
        small = reduce_by(plane, factor)
        reach = math.ceil(2 * radius / factor) + 1
        # Blocks of about one size, so that none is padded to twice what it has.
        rows, columns = (-(-n // -(-n // _BLOCK)) for n in small.shape)
        shape = tuple(fft.next_fast_len(n + 2 * reach, real=True) for n in (rows, columns))
        bank = _bank(scale, factor, shape)
        best, which = np.zeros(small.shape, np.float32), np.zeros(small.shape, np.int16)
        wide = np.pad(small, reach)
        for y in range(0, small.shape[0], rows):
            for x in range(0, small.shape[1], columns):
                block = wide[y : y + rows + 2 * reach, x : x + columns + 2 * reach]
                inner = slice(reach, block.shape[0] - reach), slice(reach, block.shape[1] - reach)
                gain, index = _correlate(block, bank, shape)
                best[y : y + rows, x : x + columns] = gain[inner]
                which[y : y + rows, x : x + columns] = index[inner]
        best *= factor * factor
        size = max(3, int(0.7 * radius / factor) | 1)
        peaks = (best == ndimage.maximum_filter(best, size)) & (best > 0)
        looked += int(np.count_nonzero(peaks))
        at_y, at_x = np.nonzero(peaks & (best > least))
        layers = np.zeros((len(at_y), FIELDS), np.int32)
        layers[:, COMP], layers[:, SCALE] = comp, scale
        layers[:, TOP] = (2 * at_y + 1) * 8 * factor
        layers[:, LEFT] = (2 * at_x + 1) * 8 * factor
        kinds = bank.table[which[at_y, at_x]]
        layers[:, ASPECT], layers[:, ANGLE], layers[:, FREQUENCY] = kinds.T
        found.append(layers)
        gains.append(best[at_y, at_x])
    everything = np.concatenate(found)
    return everything[np.argsort(-np.concatenate(gains), kind="stable")], looked
