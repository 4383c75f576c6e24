"""Importance of errors by place and octave, as a network says it; encoders decide by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GRID = 16
"""Pixels from one place to the next."""
OCTAVES = 5
"""Octaves of spatial frequency; the last stands for all coarser ones."""
ROLES = 2
"""Luma, grey and alpha; chroma."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Importance:
    """Factors of squared error.

    Parameters
    ----------
    logarithms : (ROLES, OCTAVES, rows, columns) float32
        Natural logarithms; place (i, j) is about pixels ``[16 i, 16 i + 16)`` and the same
        across. The grid may reach beyond the picture.
    """

    logarithms: FloatArray

    def at(self, role: int, octave: int, height: int, width: int, stride: int) -> FloatArray:
        """Return factors at samples that lie `stride` pixels apart.

        Parameters
        ----------
        role : int
            0 for luma, grey and alpha, 1 for chroma.
        octave : int
            0 is the finest.
        height, width : int
            Samples.
        stride : int
            Pixels between samples, a power of two.

        Returns
        -------
        (height, width) float32
        """
        plane = self.logarithms[role, min(octave, OCTAVES - 1)]
        if stride > GRID:
            plane = _averaged(plane, stride // GRID)
        rows = _places(height, plane.shape[0], max(GRID // stride, 1))
        columns = _places(width, plane.shape[1], max(GRID // stride, 1))
        out = _between(_between(plane, *rows).T, *columns).T
        return np.exp(out)


def mixed(first: Importance | None, second: Importance) -> Importance:
    """Mean of logarithms, each less its own mean; `second` alone if there is no first."""
    if first is None:
        return second
    a, b = first.logarithms, second.logarithms
    rows, columns = min(a.shape[2], b.shape[2]), min(a.shape[3], b.shape[3])
    a, b = a[:, :, :rows, :columns], b[:, :, :rows, :columns]
    return Importance((a - a.mean() + b - b.mean()) / 2)


def _averaged(plane: FloatArray, factor: int) -> FloatArray:
    pads = [(0, -n % factor) for n in plane.shape]
    wide = np.pad(plane, pads, mode="edge")
    rows, columns = wide.shape[0] // factor, wide.shape[1] // factor
    out: FloatArray = wide.reshape(rows, factor, columns, factor).mean((1, 3), dtype=np.float32)
    return out


def _places(count: int, cells: int, samples: int) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Cell before each of `count` samples, `samples` a cell, and the way to the next, 0 to 1."""
    at = np.clip((np.arange(count) + 0.5) / samples - 0.5, 0, cells - 1)
    first = np.minimum(at.astype(np.intp), max(cells - 2, 0))
    return first, (at - first).astype(np.float32)


def _between(plane: FloatArray, first: npt.NDArray[np.intp], way: FloatArray) -> FloatArray:
    after = np.minimum(first + 1, len(plane) - 1)
    out: FloatArray = plane[first] * (1 - way)[:, None] + plane[after] * way[:, None]
    return out
