"""Discrete cosine transform of square tiles: integer inverse (normative), float forward.

Type II of Ahmed, Natarajan and Rao (1974) [1]_, orthonormal, sides 4, 8, 16, 32 and 64. All
sides share one table of cosines; the factor ``2 / side`` of two dimensions is a shift.

References
----------
.. [1] N. Ahmed, T. Natarajan, K. R. Rao, "Discrete cosine transform", IEEE Trans. Computers
   C-23, 1974, doi:10.1109/T-C.1974.223784.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ...compiled import compiled

LEAST, LARGEST = 2, 6
"""Binary logarithms of the smallest and the largest side."""
TABLE_BITS = 14
_FIRST_SHIFT = TABLE_BITS
_HALF = 1 << (_FIRST_SHIFT - 1)

# round(2**14 * cos(m * pi / 128)), m = 0 .. 64.
COSINES = (
    *(16384, 16379, 16364, 16340, 16305, 16261, 16207, 16143, 16069, 15986, 15893, 15791, 15679),
    *(15557, 15426, 15286, 15137, 14978, 14811, 14635, 14449, 14256, 14053, 13842, 13623, 13395),
    *(13160, 12916, 12665, 12406, 12140, 11866, 11585, 11297, 11003, 10702, 10394, 10080, 9760),
    *(9434, 9102, 8765, 8423, 8076, 7723, 7366, 7005, 6639, 6270, 5897, 5520, 5139, 4756, 4370),
    *(3981, 3590, 3196, 2801, 2404, 2006, 1606, 1205, 804, 402, 0),
)
_FLAT = 11585  # 2**14 / sqrt(2)


def _cosine(m: int) -> int:
    m %= 256
    m = min(m, 256 - m)
    return COSINES[m] if m <= 64 else -COSINES[128 - m]


def _basis(log: int) -> npt.NDArray[np.int64]:
    """Rows: frequencies; columns: samples; 14 fractional bits, without ``sqrt(2 / side)``."""
    side = 1 << log
    unit = 64 >> log
    rows = [[_cosine((2 * n + 1) * k * unit) for n in range(side)] for k in range(1, side)]
    return np.array([[_FLAT] * side, *rows], np.int64)


BASES = np.zeros((LARGEST + 1, 64, 64), np.int64)
"""Basis of each side, by its logarithm, in the top-left corner."""
for _log in range(LEAST, LARGEST + 1):
    BASES[_log, : 1 << _log, : 1 << _log] = _basis(_log)


@compiled
def inverse_into(block, log, reach, bases, out, top, left, work):  # type: ignore[no-untyped-def]
    """Transform one tile back, its first `reach` + 1 diagonals, into a plane.

    Parameters
    ----------
    block : (side * side,) int64
        Coefficients, row by row (first index: vertical frequency).
    log : int
        Binary logarithm of the side.
    reach : int
        No coefficient beyond this diagonal differs from zero.
    bases : (7, 64, 64) int64
        `BASES`.
    out : (H, W) int32
        Written at `top`, `left`; same fractional bits as the coefficients.
    top, left : int
    work : (64, 64) int64
    """
    side = 1 << log
    half = side >> 1
    basis = bases[log]
    last = min(reach, side - 1)
    for v in range(last + 1):
        rows = min(reach - v, side - 1)
        for n in range(half):
            even = np.int64(0)
            odd = np.int64(0)
            for u in range(0, rows + 1, 2):
                even += block[u * side + v] * basis[u, n]
            for u in range(1, rows + 1, 2):
                odd += block[u * side + v] * basis[u, n]
            work[n, v] = (even + odd + _HALF) >> _FIRST_SHIFT
            work[side - 1 - n, v] = (even - odd + _HALF) >> _FIRST_SHIFT
    shift = _FIRST_SHIFT + log - 1
    rounding = np.int64(1) << (shift - 1)
    for y in range(side):
        for n in range(half):
            even = rounding
            odd = np.int64(0)
            for v in range(0, last + 1, 2):
                even += work[y, v] * basis[v, n]
            for v in range(1, last + 1, 2):
                odd += work[y, v] * basis[v, n]
            out[top + y, left + n] = (even + odd) >> shift
            out[top + y, left + side - 1 - n] = (even - odd) >> shift


def inverse_arrays(xp: Any, blocks: Any, log: int) -> Any:
    """Do what `inverse_into` does for many tiles, with array operations only.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    blocks : (n, side, side) int64
    log : int

    Returns
    -------
    (n, side, side) int32
    """
    side = 1 << log
    basis = xp.asarray(BASES[log, :side, :side])
    columns = xp.zeros(blocks.shape, xp.int64)
    for u in range(side):
        columns += blocks[:, u, None, :] * basis[u][None, :, None]
    columns = (columns + _HALF) >> _FIRST_SHIFT
    shift = _FIRST_SHIFT + log - 1
    rows = xp.full(blocks.shape, 1 << (shift - 1), xp.int64)
    for v in range(side):
        rows += columns[:, :, v, None] * basis[v][None, None, :]
    return (rows >> shift).astype(xp.int32)


@cache
def float_basis(log: int) -> npt.NDArray[np.float32]:
    """Orthonormal basis of a side; rows are frequencies."""
    side = 1 << log
    n, k = np.arange(side) + 0.5, np.arange(side)[:, None]
    basis = np.sqrt(2 / side) * np.cos(np.pi * k * n / side)
    basis[0] = np.sqrt(1 / side)
    out: npt.NDArray[np.float32] = basis.astype(np.float32)
    return out


def to_tiles(plane: npt.NDArray[np.float32], log: int) -> npt.NDArray[np.float32]:
    """Cut a plane whose sides are multiples of 64 into tiles.

    Returns
    -------
    (rows, columns, side, side) float32
        A view where possible.
    """
    side = 1 << log
    h, w = plane.shape
    return plane.reshape(h // side, side, w // side, side).swapaxes(1, 2)


def forward(plane: npt.NDArray[np.float32], log: int) -> npt.NDArray[np.float32]:
    """Transform all tiles of a plane, in floats: the encoder's side.

    Parameters
    ----------
    plane : (H, W) float32
        Sides are multiples of 64.
    log : int
        Binary logarithm of the tile's side.

    Returns
    -------
    (rows, columns, side, side) float32
        Orthonormal coefficients.
    """
    return forward_blocks(to_tiles(plane, log), log)


def forward_blocks(blocks: npt.NDArray[np.float32], log: int) -> npt.NDArray[np.float32]:
    """Transform tiles, (.., side, side) float32, in floats."""
    basis = float_basis(log)
    out: npt.NDArray[np.float32] = np.matmul(np.matmul(basis, blocks), basis.T)
    return out
