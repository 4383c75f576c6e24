"""Slots of the encoder network: which window each output speaks of, and what it says in words.

The picture is covered by grids, one for each component and octave of size. A cell of a grid is
one slot: it proposes at most one window, of about its size, whose centre lies in or near it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..format.layout import (
    ACROSS,
    ANGLE,
    ANGLES,
    ASPECT,
    ASPECTS,
    COMP,
    FIELDS,
    FREQUENCIES,
    FREQUENCY,
    LEFT,
    SCALE,
    SCALES,
    TOP,
)

CHANNELS = 7 + FREQUENCIES
"""Confidence, two of place, size, aspect, two of direction, one for each frequency."""
_AWAY = 1.25
"""How far a centre may lie from that of its cell, cells."""
_SIZES = 1.5
"""How far a size may lie from the middle of its octave, scales."""
_LEAST_RADIUS = 1.5


@dataclass(frozen=True)
class Grid:
    """Slots of one kind.

    Parameters
    ----------
    comp : int
    octave : int
        Scales ``2 * octave`` and the next.
    stride : int
        Of the features that speak, pixels.
    split : int
        Cells a side that share a place of these features.
    """

    comp: int
    octave: int
    stride: int
    split: int

    @property
    def cell(self) -> int:
        """Side of a cell, pixels."""
        return self.stride // self.split


GRIDS = (
    *(Grid(0, 0, 8, 2), Grid(0, 1, 8, 2), Grid(0, 2, 16, 2), Grid(0, 3, 16, 2)),
    *(Grid(0, 4, 32, 2), Grid(0, 5, 32, 1), Grid(0, 6, 32, 1)),
    *(Grid(1, 2, 16, 1), Grid(1, 3, 16, 1), Grid(1, 4, 32, 1), Grid(1, 5, 32, 1)),
    *(Grid(2, 2, 16, 1), Grid(2, 3, 16, 1), Grid(2, 4, 32, 1), Grid(2, 5, 32, 1)),
)
STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Windows:
    """Windows with real-valued outlines; every field but `grid` and `picture` has a gradient.

    Parameters
    ----------
    picture : (n,) int64 tensor
        Index in the batch.
    comp : (n,) int64 tensor
    confidence : (n,) tensor
        Logits.
    y, x : (n,) tensor
        Centre, pixels.
    scale, aspect : (n,) tensor
        As in the layer table, but real.
    direction : (n, 2) tensor
        Cosine and sine of twice the angle, not normalized.
    frequency : (n, FREQUENCIES) tensor
        Logits.
    """

    picture: Tensor
    comp: Tensor
    confidence: Tensor
    y: Tensor
    x: Tensor
    scale: Tensor
    aspect: Tensor
    direction: Tensor
    frequency: Tensor

    def __len__(self) -> int:
        return len(self.picture)

    def at(self, chosen: Tensor) -> Windows:
        """Return the chosen ones."""
        return Windows(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def joined(parts: list[Windows], batch: int) -> Windows:
    """Put windows of several grids together, picture after picture; each has as many."""

    def put(name: str) -> Tensor:
        values = [getattr(part, name) for part in parts]
        apart = [v.view(batch, len(v) // batch, *v.shape[1:]) for v in values]
        return torch.cat(apart, 1).flatten(0, 1)

    return Windows(*(put(name) for name in Windows.__dataclass_fields__))


def cells_of(raw: Tensor, grid: Grid) -> Tensor:
    """Bring a head's output (B, n, h, w) to (B, h * split, w * split, CHANNELS)."""
    batch, _, height, width = raw.shape
    s = grid.split
    parts = raw.view(batch, s, s, CHANNELS, height, width).permute(0, 4, 1, 5, 2, 3)
    return parts.reshape(batch, height * s, width * s, CHANNELS)


@lru_cache(maxsize=64)
def _centres(rows: int, columns: int, cell: int) -> tuple[Tensor, Tensor]:
    y, x = (torch.arange(n, dtype=torch.float32) * cell + cell / 2 for n in (rows, columns))
    return y[:, None].expand(rows, columns), x[None, :].expand(rows, columns)


def windows_of(cells: Tensor, grid: Grid) -> Windows:
    """Say what the cells (B, rows, columns, CHANNELS) of a grid mean, one window each."""
    batch, rows, columns, _ = cells.shape
    y, x = _centres(rows, columns, grid.cell)
    flat = cells.reshape(-1, CHANNELS)
    count = rows * columns
    reach = _AWAY * grid.cell
    picture = torch.arange(batch, device=cells.device).repeat_interleave(count)
    return Windows(
        picture,
        torch.full_like(picture, grid.comp),
        flat[:, 0],
        y.reshape(-1).to(flat).repeat(batch) + reach * torch.tanh(flat[:, 1]),
        x.reshape(-1).to(flat).repeat(batch) + reach * torch.tanh(flat[:, 2]),
        2 * grid.octave + 0.5 + _SIZES * torch.tanh(flat[:, 3]),
        (ASPECTS - 1) * torch.sigmoid(flat[:, 4] - 1.0),
        flat[:, 5:7],
        flat[:, 7:],
    )


def to_layers(windows: Windows) -> npt.NDArray[np.int32]:
    """Round outlines to the integers of the layer table, (n, FIELDS); amplitudes are left open."""
    out = np.zeros((len(windows), FIELDS), np.int32)
    out[:, COMP] = windows.comp.numpy()
    out[:, TOP] = np.rint(windows.y.numpy() * 16)
    out[:, LEFT] = np.rint(windows.x.numpy() * 16)
    scale = np.clip(np.rint(windows.scale.numpy()), 0, SCALES - 1)
    # A minor radius below this falls between the pixels.
    most = np.floor(6 + 2 * scale - 4 * math.log2(_LEAST_RADIUS))
    out[:, SCALE] = scale
    out[:, ASPECT] = np.clip(np.rint(windows.aspect.numpy()), 0, np.clip(most, 0, ASPECTS - 1))
    double = np.arctan2(windows.direction[:, 1].numpy(), windows.direction[:, 0].numpy())
    out[:, ANGLE] = np.rint(double / 2 / np.pi * ANGLES).astype(np.int32) % ANGLES
    out[:, FREQUENCY] = windows.frequency.argmax(1).numpy()
    return out


def radii_of(windows: Windows) -> tuple[Tensor, Tensor]:
    """Major and minor radius, pixels."""
    middle = (6 + 2 * windows.scale) / 4
    shape = torch.minimum(windows.aspect / 4, middle - math.log2(_LEAST_RADIUS))
    return torch.exp2(middle + shape), torch.exp2(middle - shape)


def across_of(windows: Windows) -> Tensor:
    """Wave number across the minor radius that is most likely, quarter cycles; no gradient."""
    table = torch.tensor(ACROSS, dtype=torch.float32, device=windows.frequency.device)
    return table[windows.frequency.argmax(1)]
