"""CDF 9/7 wavelet by lifting: integer synthesis (normative), float analysis.

The filters are those of Cohen, Daubechies and Feauveau (1992) [1]_ in the lifting
factorisation of Daubechies and Sweldens (1998) [2]_, without the final scaling, which the
quantizer steps absorb. Borders extend symmetrically.

References
----------
.. [1] A. Cohen, I. Daubechies, J.-C. Feauveau, "Biorthogonal bases of compactly supported
   wavelets", Comm. Pure Appl. Math. 45, 1992, doi:10.1002/cpa.3160450502.
.. [2] I. Daubechies, W. Sweldens, "Factoring wavelet transforms into lifting steps",
   J. Fourier Anal. Appl. 4, 1998, doi:10.1007/BF02476026.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.compiled import compiled

ALPHA, BETA, GAMMA, DELTA = (
    -1.586134342059924,
    -0.052980118572961,
    0.882911075530934,
    0.443506852043971,
)
LIFT_BITS = 14
ALPHA_INT, BETA_INT, GAMMA_INT, DELTA_INT = -25987, -868, 14466, 7266
"""The same, times 2**14, rounded."""
_HALF = 1 << (LIFT_BITS - 1)


def _neighbours(xp: Any, first: Any, count: int, *, of_low: bool) -> tuple[Any, Any]:
    """Left and right neighbours (of the other phase) of `count` samples, border mirrored.

    The low sample i lies between high samples i-1 and i, the high sample i between low
    samples i and i+1.
    """
    if of_low:
        left = xp.concatenate([first[:1], first[: count - 1]])
        right = first if len(first) == count else xp.concatenate([first, first[-1:]])
    else:
        left = first[:count]
        right = first[1:] if len(first) > count else xp.concatenate([first[1:], first[-1:]])
    return left, right


def _lift_int(xp: Any, target: Any, source: Any, factor: int, *, of_low: bool) -> Any:
    left, right = _neighbours(xp, source, target.shape[0], of_low=of_low)
    change = (left.astype(xp.int64) + right) * factor + _HALF
    return (target - (change >> LIFT_BITS)).astype(xp.int32)


def _merge_int(xp: Any, low: Any, high: Any) -> Any:
    """Undo one level along the first axis, integers, any array module."""
    if high.shape[0] == 0:
        return low
    low = _lift_int(xp, low, high, DELTA_INT, of_low=True)
    high = _lift_int(xp, high, low, GAMMA_INT, of_low=False)
    low = _lift_int(xp, low, high, BETA_INT, of_low=True)
    high = _lift_int(xp, high, low, ALPHA_INT, of_low=False)
    out = xp.empty((low.shape[0] + high.shape[0], low.shape[1]), xp.int32)
    out[0::2], out[1::2] = low, high
    return out


def inverse_arrays(xp: Any, dense: Any, shapes: tuple[tuple[int, int], ...]) -> Any:
    """Synthesize one component from its dense subbands with array operations only.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    dense : (H, W) int32
        Subbands in Mallat order.
    shapes : tuple of (int, int)
        See `layout.Layout.shapes`.

    Returns
    -------
    (H, W) int32
    """
    out = dense.copy()
    for (low_h, low_w), (h, w) in zip(shapes[:0:-1], shapes[-2::-1], strict=True):
        part = out[:h, :w]
        part = _merge_int(xp, part[:low_h], part[low_h:])
        part = _merge_int(xp, part[:, :low_w].T, part[:, low_w:].T).T
        out[:h, :w] = part
    return out


@compiled
def _lift_rows(target, source, factor, of_low):  # type: ignore[no-untyped-def]
    last = source.shape[0] - 1
    for i in range(target.shape[0]):
        left = max(i - 1, 0) if of_low else i
        right = min(i, last) if of_low else min(i + 1, last)
        a, b, t = source[left], source[right], target[i]
        for x in range(t.shape[0]):
            change = (np.int64(a[x]) + np.int64(b[x])) * factor + _HALF
            t[x] -= change >> LIFT_BITS


@compiled
def _merge_line(line, low, n_low, n):  # type: ignore[no-untyped-def]
    """Undo one level of a row: `low` holds the low half, then the high half."""
    n_high = n - n_low
    for i in range(n_low):
        line[2 * i] = low[i]
    for i in range(n_high):
        line[2 * i + 1] = low[n_low + i]
    if n_high == 0:
        return
    end = 2 * n_high - 1
    for factor, first in (
        (DELTA_INT, 0),
        (GAMMA_INT, 1),
        (BETA_INT, 0),
        (ALPHA_INT, 1),
    ):
        if first == 0:
            for i in range(0, n, 2):
                left = max(i - 1, 1)
                right = min(i + 1, end)
                change = (np.int64(line[left]) + np.int64(line[right])) * factor + _HALF
                line[i] -= change >> LIFT_BITS
        else:
            top = 2 * n_low - 2
            for i in range(1, n, 2):
                right = min(i + 1, top)
                change = (np.int64(line[i - 1]) + np.int64(line[right])) * factor + _HALF
                line[i] -= change >> LIFT_BITS


@compiled
def _inverse_level(out, merged, line, low_h, low_w, h, w):  # type: ignore[no-untyped-def]
    if h > low_h:
        low, high = out[:low_h, :w], out[low_h:h, :w]
        _lift_rows(low, high, DELTA_INT, True)
        _lift_rows(high, low, GAMMA_INT, False)
        _lift_rows(low, high, BETA_INT, True)
        _lift_rows(high, low, ALPHA_INT, False)
    for y in range(h):
        row = out[y // 2, :w] if y % 2 == 0 else out[low_h + y // 2, :w]
        if w > low_w:
            _merge_line(line, row, low_w, w)
            for x in range(w):
                merged[y, x] = line[x]
        else:
            for x in range(w):
                merged[y, x] = row[x]
    for y in range(h):
        for x in range(w):
            out[y, x] = merged[y, x]


def inverse_compiled(
    dense: npt.NDArray[np.int32], shapes: tuple[tuple[int, int], ...]
) -> npt.NDArray[np.int32]:
    """Do what `inverse_arrays` does, in compiled loops on the CPU, in place."""
    merged, line = np.empty_like(dense), np.empty(dense.shape[1], np.int32)
    for (low_h, low_w), (h, w) in zip(shapes[:0:-1], shapes[-2::-1], strict=True):
        _inverse_level(dense, merged, line, low_h, low_w, h, w)
    return dense


def _split(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Analyse one level along the first axis: low half, then high half."""
    low, high = samples[0::2].copy(), samples[1::2].copy()
    if not len(high):
        return samples
    for factor, of_low in ((ALPHA, False), (BETA, True), (GAMMA, False), (DELTA, True)):
        target, source = (low, high) if of_low else (high, low)
        left, right = _neighbours(np, source, len(target), of_low=of_low)
        target += np.float32(factor) * (left + right)
    return np.concatenate([low, high])


def forward(
    samples: npt.NDArray[np.float32], shapes: tuple[tuple[int, int], ...]
) -> npt.NDArray[np.float32]:
    """Analyse one component, in floats: the encoder's side.

    Parameters
    ----------
    samples : (H, W) float32
    shapes : tuple of (int, int)

    Returns
    -------
    (H, W) float32
        Subbands in Mallat order, unscaled.
    """
    out = samples.copy()
    for h, w in shapes[:-1]:
        part = _split(out[:h, :w])
        out[:h, :w] = _split(part.T).T
    return out
