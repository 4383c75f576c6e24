"""Coefficients of all tiles of all sizes: what the encoder of tiles chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...codec import Geometry
from ...error.importance import Importance
from ..format.palette import Palette
from ..format.stream import (
    NEUTRAL_CHROMA,
    STEPS_PER_OCTAVE,
    component_steps,
    padded,
)
from ..format.syntax import CELL_LOG
from ..synthesis import dct
from .screen import Screen
from .weights import EQUAL, Weights, at_edge, of_leaves, tile_energy, weights_of

_SIZES = 5
_EDGE_LOG = 4
"""Logarithm of the side of tiles whose coefficients stand for those of all."""
_LEAST_KEPT = 0.8
_BITS_AT_ONE, _BITS_POWER = 4.5, 1.05
"""Bits a pixel if all coefficients of 16 x 16 tiles reach `_LEAST_KEPT` steps, and how they fall;
fitted to training pictures, within 15 %."""
_BITS_BESIDE, _LEAST_SHARE = 0.01, 0.65
"""Bits a pixel that are no coefficients, and the least share of all bits that are."""


@dataclass(frozen=True)
class Spectra:
    """Coefficients of all tiles of all sizes.

    Parameters
    ----------
    geometry : Geometry
    coefficients : list by component of list by size of (rows, columns, side, side) float32
    planes : tuple by component of (H, W) float32
        The picture, code values; only the first without `screen`.
    importance : Importance, optional
        What a network says of errors.
    weights : Weights, optional
        The same at all tiles.
    strictness : float
        Factor of the Lagrangian multiplier.
    adapted : (n,) int32, optional
        States of the coder after something similar, from which prices are known at once.
    screen : Screen, optional
        The picture's colours, where palettes may pay.
    found : dict
        What `palette.painted` found, by range of steps.
    palette : Palette, optional
        Blocks that hide what the coefficients say.
    missed : float
        Squared error of the blocks, in code values of the first component.
    """

    geometry: Geometry
    coefficients: list[list[npt.NDArray[np.float32]]]
    planes: tuple[npt.NDArray[np.float32], ...]
    importance: Importance | None = None
    weights: Weights | None = None
    strictness: float = 1.0
    adapted: npt.NDArray[np.int32] | None = None
    screen: Screen | None = None
    found: dict[int, Spectra | None] = field(default_factory=dict)
    palette: Palette | None = None
    missed: float = 0.0

    @property
    def luma(self) -> npt.NDArray[np.float32]:
        """First component of the picture, code values."""
        return self.planes[0]

    @property
    def count(self) -> int:
        """Tiles of all sizes that a partition chooses from."""
        return sum(size.shape[0] * size.shape[1] for sizes in self.coefficients for size in sizes)

    def reweighted(self, importance: Importance) -> Spectra:
        """Take the same coefficients with other importance."""
        height, width = padded(self.geometry.height), padded(self.geometry.width)
        weights = weights_of(importance, height, width)
        return replace(self, importance=importance, weights=weights, found={})

    def weights_by(self, role: int) -> list[npt.NDArray[np.float32]] | None:
        """Weights of all tiles by size."""
        return None if self.weights is None else self.weights[role]

    def of_leaves(self, leaves: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """Weights of leaves, (n, OCTAVES), or one row if they are all the same."""
        if self.weights is None:
            return EQUAL
        roles = roles_of(self.geometry.channels)
        return of_leaves(leaves, self.weights, roles, padded(self.geometry.width))

    def energy(self, comp: int, off: npt.NDArray[np.float32]) -> float:
        """Sum the squares of a difference of a component, weighted by what errors count for.

        Parameters
        ----------
        comp : int
        off : (H, W) or (H', W') float32
            In the picture, or padded.
        """
        if self.weights is None:
            return float((off * off).sum(dtype=np.float64))
        rest = [(0, padded(n) - n) for n in off.shape]
        weights = self.weights[roles_of(self.geometry.channels)[comp]][_EDGE_LOG - CELL_LOG]
        side = 1 << _EDGE_LOG
        blocks = dct.to_tiles(np.pad(off, rest), _EDGE_LOG).reshape(-1, side, side)
        return float(tile_energy(blocks, weights, _EDGE_LOG).sum())

    def multiplier(self, lmbda: float, steps: npt.NDArray[np.int64]) -> float:
        """Lagrangian multiplier at which weights on the edge are one on average."""
        lmbda *= self.strictness
        if self.weights is None:
            return lmbda
        blocks = [
            by_size[_EDGE_LOG - CELL_LOG].reshape(-1, 1 << 2 * _EDGE_LOG)
            * np.float32(65536.0 / step)
            for by_size, step in zip(self.coefficients, steps, strict=True)
        ]
        return lmbda * at_edge(blocks, self.weights, roles_of(len(blocks)), _EDGE_LOG)


def pad(plane: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Extend a plane to whole superblocks by repeating its last row and column."""
    height, width = plane.shape
    rest = (0, padded(height) - height), (0, padded(width) - width)
    return np.pad(plane.astype(np.float32), rest, mode="edge")


def transform(
    planes: Sequence[npt.NDArray[np.floating[Any]]],
    importance: Importance | None = None,
    screen: Screen | None = None,
) -> Spectra:
    """Transform all components at all sizes; palettes may be made from `screen`."""
    height, width = planes[0].shape
    out = []
    for plane in planes:
        wide = pad(plane)
        out.append([dct.forward(wide, k + CELL_LOG) for k in range(_SIZES)])
    kept = tuple(
        np.asarray(plane, np.float32) for plane in (planes if screen is not None else planes[:1])
    )
    spectra = Spectra(Geometry(height, width, len(planes)), out, kept, screen=screen)
    return spectra if importance is None else spectra.reweighted(importance)


def first_step(spectra: Spectra, limit: int) -> int:
    """Guess the step of a file from the magnitude that about as many coefficients reach as fit."""
    pixels = spectra.geometry.pixels
    rate = 8.0 * limit / pixels
    rate = max(rate - _BITS_BESIDE, _LEAST_SHARE * rate)
    count = pixels * (rate / _BITS_AT_ONE) ** _BITS_POWER
    steps = component_steps(0, NEUTRAL_CHROMA, spectra.geometry.channels)
    ratios = []
    for by_size, step in zip(spectra.coefficients, steps, strict=True):
        ratio = np.abs(by_size[_EDGE_LOG - CELL_LOG])
        ratio[..., 0, 0] = 0.0
        ratios.append(ratio.ravel() * np.float32(65536.0 / step))
    every = np.concatenate(ratios)
    place = every.size - 1 - min(int(count), every.size - 1)
    reached = float(np.partition(every, place)[place])
    return max(round(STEPS_PER_OCTAVE * float(np.log2(max(reached / _LEAST_KEPT, 1.0)))), 0)


def roles_of(components: int) -> list[int]:
    """1 for each chroma component, 0 for luma, grey and alpha."""
    return [1 if components >= 3 and comp in (1, 2) else 0 for comp in range(components)]


def in_steps(spectra: Spectra, steps: npt.NDArray[np.int64]) -> list[list[npt.NDArray[np.float32]]]:
    """Coefficients in steps, by component and size, (rows, columns, side * side) float32."""
    return [
        [block.reshape(*block.shape[:2], -1) * np.float32(65536.0 / step) for block in blocks]
        for blocks, step in zip(spectra.coefficients, steps, strict=True)
    ]
