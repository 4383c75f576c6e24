"""Proposals: where windows of a coarse dictionary correlate with the residual. Encoder, floats."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

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
_LARGEST = 6.0
"""Mean radius in samples above which a residual is reduced first."""
_BLOCK = 256
"""Samples a side that are correlated at once, which bounds the memory."""


def scale_radius(scale: int) -> float:
    """Geometric mean radius in pixels."""
    return float(2.0 ** ((6 + 2 * scale) / 4))


@lru_cache(maxsize=16)
def _bank(
    scale: int, reduction: int, shape: tuple[int, int]
) -> list[tuple[int, int, int, list[FloatArray]]]:
    """Spectra of the dictionary at one scale: aspect, angle, frequency, cosine and sine.

    The atoms have norm 1. That of a cosine is real, that of a sine imaginary: one number each.
    """
    from scipy import fft

    radius = scale_radius(scale) / reduction
    out = []
    for aspect in _ASPECTS:
        major, minor = radius * 2 ** (aspect / 4), radius * 2 ** (-aspect / 4)
        if minor < 1.3:
            continue
        reach = math.ceil(major)
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
        for f in _FREQUENCIES:
            if minor / max(ACROSS[f], 1) * 4 < 2.2:
                continue
            for k in range(_ANGLES if aspect or f else 1):
                angle = k * ANGLES // _ANGLES
                turn = math.pi * angle / ANGLES
                c, s = math.cos(turn), math.sin(turn)
                u, v = (x * c + y * s) / major, (y * c - x * s) / minor
                w = np.maximum(1 - u * u - v * v, 0) ** 3
                phase = 0.5 * np.pi * ACROSS[f] * v
                atoms = [w * np.cos(phase), w * np.sin(phase)] if f else [w]
                spectra: list[FloatArray] = []
                for atom in atoms:
                    wide = np.zeros(shape, np.float32)
                    wide[: 2 * reach + 1, : 2 * reach + 1] = atom
                    wide = np.roll(wide, (-reach, -reach), (0, 1)) / np.linalg.norm(atom)
                    spectrum = fft.rfft2(wide)
                    spectra.append(spectrum.imag if spectra else spectrum.real)
                out.append((aspect, angle, f, spectra))
    return out


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


def _correlate(
    block: FloatArray, bank: list[tuple[int, int, int, list[FloatArray]]], shape: tuple[int, int]
) -> tuple[FloatArray, npt.NDArray[np.int16]]:
    """Squared error that the best atom removes at every sample, and which atom that is."""
    from scipy import fft

    spectrum = fft.rfft2(block, shape)
    turned = 1j * spectrum
    best, which = np.zeros(block.shape, np.float32), np.zeros(block.shape, np.int16)
    for index, (_, _, _, spectra) in enumerate(bank):
        gain = np.zeros(block.shape, np.float32)
        for source, atom in zip((spectrum, turned), spectra, strict=False):
            product = fft.irfft2(source * atom, shape)[: block.shape[0], : block.shape[1]]
            gain += product * product
        better = gain > best
        best[better], which[better] = gain[better], index
    return best, which


def propose(
    plane: FloatArray, comp: int, scales: tuple[int, ...], least: float
) -> tuple[npt.NDArray[np.int32], int]:
    """Find the places where some window removes at least `least` of the squared residual.

    Parameters
    ----------
    plane : (H, W) float32
        Residual of component `comp`, in steps.
    comp : int
    scales : tuple of int
    least : float

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
        while radius / factor > _LARGEST:
            factor *= 2
        small = reduce_by(plane, factor)
        reach = math.ceil(2 * radius / factor) + 1
        shape = tuple(fft.next_fast_len(min(n, _BLOCK) + 2 * reach, real=True) for n in small.shape)
        bank = _bank(scale, factor, shape)
        best, which = np.zeros(small.shape, np.float32), np.zeros(small.shape, np.int16)
        wide = np.pad(small, reach)
        for y in range(0, small.shape[0], _BLOCK):
            for x in range(0, small.shape[1], _BLOCK):
                block = wide[y : y + _BLOCK + 2 * reach, x : x + _BLOCK + 2 * reach]
                inner = slice(reach, block.shape[0] - reach), slice(reach, block.shape[1] - reach)
                gain, index = _correlate(block, bank, shape)
                best[y : y + _BLOCK, x : x + _BLOCK] = gain[inner]
                which[y : y + _BLOCK, x : x + _BLOCK] = index[inner]
        best *= factor * factor
        size = max(3, int(0.7 * radius / factor) | 1)
        peaks = (best == ndimage.maximum_filter(best, size)) & (best > 0)
        looked += int(np.count_nonzero(peaks))
        at_y, at_x = np.nonzero(peaks & (best > least))
        layers = np.zeros((len(at_y), FIELDS), np.int32)
        layers[:, COMP], layers[:, SCALE] = comp, scale
        layers[:, TOP] = (2 * at_y + 1) * 8 * factor
        layers[:, LEFT] = (2 * at_x + 1) * 8 * factor
        table = np.array([entry[:3] for entry in bank], np.int32).reshape(-1, 3)
        layers[:, ASPECT], layers[:, ANGLE], layers[:, FREQUENCY] = table[which[at_y, at_x]].T
        found.append(layers)
        gains.append(best[at_y, at_x])
    everything = np.concatenate(found)
    return everything[np.argsort(-np.concatenate(gains), kind="stable")], looked
