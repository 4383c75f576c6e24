"""Float twin of the tiles format: cosine transforms of three sizes in one layout, and seams.

The coefficients of a tile are sorted by octave, as a wavelet's are: those whose larger index lies
in ``[2**j, 2**(j + 1))`` form three planes, wide, tall and both. Means of tiles smaller than a
region are transformed once more. So every size fills the same planes, and a region of the picture
takes the size that suits it.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from .synthesis.dct import float_basis
from .synthesis.deblocking import ramps, relative_thresholds

REGION_LOG = 5
"""Logarithm of the side of what has tiles of one size."""
LOGS = (3, 4, 5)
"""Logarithms of the sides of tiles."""
_NARROWEST = 8


# Constants stay where they were brought: a copy to a device would interrupt a captured step.
@cache
def _basis(log: int, device: torch.device) -> Tensor:
    return (torch.from_numpy(float_basis(log).copy()) if log > 1 else _HAAR).to(device)


@cache
def _limits(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(relative_thresholds(), device=device).to(dtype)


@cache
def _ramps(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(ramps(), device=device).to(dtype)


_HAAR = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) * 0.5**0.5


def _transformed(plane: Tensor, log: int) -> Tensor:
    """Coefficients of all tiles, (B, rows, side, columns, side): frequencies at 2 and 4."""
    side, basis = 1 << log, _basis(log, plane.device)
    rows, columns = plane.shape[1] // side, plane.shape[2] // side
    blocks = plane.reshape(len(plane), rows, side, columns, side).transpose(2, 3)
    return (basis @ blocks @ basis.T).transpose(2, 3)


def _restored(blocks: Tensor, log: int) -> Tensor:
    basis = _basis(log, blocks.device)
    count, rows, side, columns, _ = blocks.shape
    plane = basis.T @ blocks.transpose(2, 3) @ basis
    return plane.transpose(2, 3).reshape(count, rows * side, columns * side)


def _sorted(blocks: Tensor, log: int) -> list[Tensor]:
    """Planes from the coarsest: wide, tall, both of each octave; the mean is not among them."""
    out = []
    for j in range(log):
        low, high = slice(0, 1 << j), slice(1 << j, 2 << j)
        for u, v in ((low, high), (high, low), (high, high)):
            part = blocks[:, :, u, :, v]
            out.append(part.reshape(len(part), part.shape[1] << j, part.shape[3] << j))
    return out


def _unsorted(mean: Tensor, planes: list[Tensor]) -> Tensor:
    """Undo `_sorted`."""
    count, rows, columns = mean.shape
    blocks = mean[:, :, None, :, None]
    for j in range(len(planes) // 3):
        shape = (count, rows, 1 << j, columns, 1 << j)
        wide, tall, both = (plane.reshape(shape) for plane in planes[3 * j : 3 * j + 3])
        blocks = torch.cat([torch.cat([blocks, wide], 4), torch.cat([tall, both], 4)], 2)
    return blocks


def forward(plane: Tensor, log: int) -> list[Tensor]:
    """Transform with tiles of one size.

    Parameters
    ----------
    plane : (B, H, W) tensor
        Sides are multiples of a region's.
    log : int
        One of `LOGS`.

    Returns
    -------
    list of (B, h, w) tensors
        Means of regions; then wide, tall and both of each octave, the coarsest first.
    """
    blocks = _transformed(plane, log)
    mean = blocks[:, :, 0, :, 0]
    if log == REGION_LOG:
        return [mean, *_sorted(blocks, log)]
    means = _transformed(mean, REGION_LOG - log)
    return [
        means[:, :, 0, :, 0],
        *_sorted(means, REGION_LOG - log),
        *_sorted(blocks, log),
    ]


def inverse(planes: list[Tensor], log: int) -> Tensor:
    """Undo `forward`."""
    mean, rest = planes[0], planes[1:]
    if log < REGION_LOG:
        coarse = 3 * (REGION_LOG - log)
        mean = _restored(_unsorted(mean, rest[:coarse]), REGION_LOG - log)
        rest = rest[coarse:]
    return _restored(_unsorted(mean, rest), log)


def per_region(plane: Tensor, like: Tensor) -> Tensor:
    """Repeat what belongs to regions, (B, rows, columns), at the places of another plane."""
    factor = like.shape[1] // plane.shape[1]
    return plane.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


def chosen(options: list[list[Tensor]], sizes: Tensor) -> list[Tensor]:
    """Take of each region the planes of the size that it has.

    Parameters
    ----------
    options : list by `LOGS` of what `forward` gives
    sizes : (B, rows, columns) int64
        Indices into `LOGS`.
    """
    return [picked(list(planes), sizes) for planes in zip(*options, strict=True)]


def picked(planes: list[Tensor], sizes: Tensor) -> Tensor:
    """Take of each region what belongs to the size that it has."""
    out = planes[0]
    for k in range(1, len(planes)):
        out = torch.where(per_region(sizes == k, out), planes[k], out)
    return out


def smooth(plane: Tensor, sizes: Tensor, step: Tensor) -> Tensor:
    """Soften seams as `tiles.deblock` does, across columns first.

    Parameters
    ----------
    plane : (B, H, W) tensor
    sizes : (B, rows, columns) int64
        Indices into `LOGS`.
    step : (B,) tensor
        Quantizer steps, code values.
    """
    logs = (sizes + LOGS[0]).repeat_interleave(1 << REGION_LOG, 1)
    plane = _across(plane, logs.repeat_interleave(1 << REGION_LOG >> LOGS[0], 2), step)
    logs = (sizes.mT + LOGS[0]).repeat_interleave(1 << REGION_LOG, 1)
    return _across(plane.mT, logs.repeat_interleave(1 << REGION_LOG >> LOGS[0], 2), step).mT


def _across(plane: Tensor, logs: Tensor, step: Tensor) -> Tensor:
    """Soften seams between columns; `logs` (B, H, W / 8) belong to each narrow strip."""
    count, height, width = plane.shape
    strips = plane.reshape(count, height, width // _NARROWEST, _NARROWEST)
    left, right = strips[:, :, :-1], strips[:, :, 1:]
    least = torch.minimum(logs[:, :, :-1], logs[:, :, 1:])
    at = torch.arange(1, width // _NARROWEST, device=plane.device)
    seam = at % (1 << (least - LOGS[0])) == 0
    limit = _limits(plane.dtype, plane.device)[least] * step[:, None, None]
    jump = (9 * (right[..., 0] - left[..., -1]) - 3 * (right[..., 1] - left[..., -2])) / 8
    size = torch.minimum(jump.abs(), 2 * limit - jump.abs()).clamp(min=0)
    jump = torch.where(seam, torch.sign(jump) * size, 0.0)
    ramp = _ramps(plane.dtype, plane.device)[least.clamp(max=4) - 2]
    change = jump[..., None] * ramp
    none = torch.zeros_like(strips[:, :, :1])
    before, after = torch.cat([change.flip(-1), none], 2), torch.cat([none, change], 2)
    return (strips + before - after).reshape(plane.shape)
