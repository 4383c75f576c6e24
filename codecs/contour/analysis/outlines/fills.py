"""Harmonics inside an outline, by matching pursuit on what its colour leaves. Encoder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...format.outlines import MOST_WAVES, PHASES

FloatArray = npt.NDArray[np.float32]
Wave = tuple[int, int, int, int, int]
"""Component, half cycles down and to the right, phase, amplitude; see `format.outlines`."""

_CYCLES = 6
_BITS = 24.0
_MOST_AMOUNT = 511
_PHASE = 2 * np.pi / PHASES


def pursue(
    residual: FloatArray,
    cover: FloatArray,
    box: tuple[int, int, int, int],
    corner: tuple[int, int],
    sizes: npt.NDArray[np.float64],
    lmbda: float,
) -> list[Wave]:
    """Find the harmonics that pay inside an outline, and take them from the residual.

    Parameters
    ----------
    residual : (C, h, w) float32
        In steps; changed in place.
    cover : (h, w) float32
        Of the outline, 0 to 1.
    box : tuple of int
        Top, left, bottom, right of the outline's nodes, sixteenths of a pixel.
    corner : tuple of int
        Pixel of the first sample.
    sizes : (C,) float64
        Steps in code values.
    lmbda : float

    Returns
    -------
    list of Wave
    """
    turns = []
    for axis in (0, 1):
        place = 16.0 * (np.arange(cover.shape[axis]) + corner[axis]) + 8.0 - box[axis]
        turns.append(np.pi * place / max(box[axis + 2] - box[axis], 1))
    down = np.exp(-1j * np.arange(_CYCLES)[:, None] * turns[0])
    right = np.exp(-1j * np.arange(1 - _CYCLES, _CYCLES)[:, None] * turns[1])
    norm = float((cover * cover).sum())
    out: list[Wave] = []
    while len(out) < MOST_WAVES and norm > 0:
        products = np.stack([down @ (plane * cover) @ right.T for plane in residual])
        products[:, 0, :_CYCLES] = 0.0
        best = np.unravel_index(np.abs(products).argmax(), products.shape)
        comp, k, n = (int(i) for i in best)
        phase = round(float(np.angle(products[comp, k, n])) / _PHASE)
        turn = k * turns[0][:, None] + (n + 1 - _CYCLES) * turns[1][None, :]
        wave = cover * np.cos(turn + phase * _PHASE).astype(np.float32)
        square = float((wave * wave).sum())
        amount = round(float((wave * residual[comp]).sum()) / max(square, 1e-9) * sizes[comp])
        amount = min(amount, _MOST_AMOUNT)
        if amount < 1:
            break
        added = np.float32(amount / sizes[comp]) * wave
        gain = float((residual[comp] ** 2).sum() - ((residual[comp] - added) ** 2).sum())
        if gain < lmbda * (_BITS + 2 * np.log2(amount)):
            break
        residual[comp] -= added
        out.append((comp, k, n + 1 - _CYCLES, phase % PHASES, amount))
    return out
