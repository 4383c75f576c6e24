"""Float twin of the drawing of windows: differentiable in their outlines, adjoint included.

Every window is sampled on the level of a pyramid where its minor radius is a few samples, so
that a large one costs no more than a small one; levels are then enlarged and added up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from .slots import Windows, across_of, radii_of

LEVELS = 6
_RADIUS = 5.0
"""Samples that the minor radius has at least, unless the window is on the finest level."""
_CYCLE = 8.0
"""Samples a cycle of a harmonic has at least, on the same condition."""


@dataclass(frozen=True)
class Atoms:
    """Samples of windows, each with a cosine and a sine across it.

    Parameters
    ----------
    shape : (int, int, int, int)
        Pictures, components, rows, columns; sides are multiples of ``2 ** (LEVELS - 1)``.
    count : int
        Windows.
    owner : (T,) int64 tensor
        Window of each sample.
    where : (T,) int64 tensor
        Place in the flattened pyramid.
    even, odd : (T,) tensor
        Window times cosine, window times sine.
    norms : (2, n) tensor
        Squared norms in pixels, no gradient.
    """

    shape: tuple[int, int, int, int]
    count: int
    owner: Tensor
    where: Tensor
    even: Tensor
    odd: Tensor
    norms: Tensor

    def detach(self) -> Atoms:
        """Return the same without a gradient."""
        return Atoms(
            self.shape, self.count, self.owner, self.where,
            self.even.detach(), self.odd.detach(), self.norms,
        )  # fmt: skip

    def draw(self, amplitudes: Tensor) -> Tensor:
        """Add up windows with amplitudes (2, n) of cosine and sine, to (B, C, H, W)."""
        batch, components, height, width = self.shape
        parts = amplitudes[0][self.owner] * self.even + amplitudes[1][self.owner] * self.odd
        flat = torch.zeros(_total(self.shape), dtype=parts.dtype, device=parts.device)
        flat = flat.index_add(0, self.where, parts)
        out, end = None, len(flat)
        for level in range(LEVELS - 1, -1, -1):
            rows, columns = height >> level, width >> level
            begin = end - batch * components * rows * columns
            plane = flat[begin:end].view(batch, components, rows, columns)
            end = begin
            out = plane if out is None else plane + _doubled(out)
        assert out is not None
        return out

    def measure(self, planes: Tensor) -> Tensor:
        """Products of planes (B, C, H, W) with every window, (2, n): the adjoint of `draw`."""
        with torch.enable_grad():
            amplitudes = torch.zeros_like(self.norms).requires_grad_()
            (out,) = torch.autograd.grad(self.detach().draw(amplitudes), amplitudes, planes)
        return out


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _total(shape: tuple[int, int, int, int]) -> int:
    batch, components, height, width = shape
    return sum(batch * components * (height >> k) * (width >> k) for k in range(LEVELS))


def levels_of(minor: Tensor, across: Tensor) -> Tensor:
    """Level on which a window of this minor radius (pixels) and wave number is sampled, (n,)."""
    samples = torch.clamp(across * (_CYCLE / 4), min=_RADIUS)
    return torch.log2(minor / samples).floor().clamp(0, LEVELS - 1).long()


def sample(windows: Windows, shape: tuple[int, int, int, int]) -> Atoms:
    """Sample windows on their levels.

    Parameters
    ----------
    windows : Windows
    shape : (int, int, int, int)
        See `Atoms`.
    """
    _, components, height, width = shape
    major, minor = radii_of(windows)
    across = across_of(windows)
    turn = torch.atan2(windows.direction[:, 1], windows.direction[:, 0] + 1e-6) / 2
    c, s = torch.cos(turn), torch.sin(turn)
    with torch.no_grad():
        level = levels_of(minor, across)
        size = torch.exp2(-level.float())
        high = torch.sqrt((major * s) ** 2 + (minor * c) ** 2) * size
        wide = torch.sqrt((major * c) ** 2 + (minor * s) ** 2) * size
        first_y, last_y = _span(windows.y * size - 0.5, high, height >> level)
        first_x, last_x = _span(windows.x * size - 0.5, wide, width >> level)
        rows = (last_y - first_y).clamp(min=0)
        columns = (last_x - first_x).clamp(min=0)
        counts = rows * columns
        owner = torch.arange(len(windows), device=counts.device).repeat_interleave(counts)
        at = torch.arange(len(owner), device=counts.device) - (counts.cumsum(0) - counts)[owner]
        iy = first_y[owner] + at // columns[owner].clamp(min=1)
        ix = first_x[owner] + at % columns[owner].clamp(min=1)
        starts = torch.tensor(_starts(shape), device=counts.device)
        plane = windows.picture * components + windows.comp
        wide_level = width >> level
        base = starts[level] + plane * (height >> level) * wide_level
        where = base[owner] + iy * wide_level[owner] + ix
        pixel = torch.exp2(level.float())[owner]
        y, x = (iy + 0.5) * pixel, (ix + 0.5) * pixel
    dy, dx = y - windows.y[owner], x - windows.x[owner]
    u = (dx * c[owner] + dy * s[owner]) / major[owner]
    v = (dy * c[owner] - dx * s[owner]) / minor[owner]
    weight = (1 - u * u - v * v).clamp(min=0) ** 3
    phase = (0.5 * math.pi) * across[owner] * v
    even, odd = weight * torch.cos(phase), weight * torch.sin(phase)
    with torch.no_grad():
        area = torch.exp2(2.0 * level.float())
        norms = torch.zeros(2, len(windows), dtype=even.dtype, device=even.device)
        norms[0].index_add_(0, owner, even * even)
        norms[1].index_add_(0, owner, odd * odd)
        norms = norms * area
    return Atoms(shape, len(windows), owner, where, even, odd, norms)


def _starts(shape: tuple[int, int, int, int]) -> list[int]:
    batch, components, height, width = shape
    out, total = [], 0
    for level in range(LEVELS):
        out.append(total)
        total += batch * components * (height >> level) * (width >> level)
    return out


def _span(centre: Tensor, reach: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    first = torch.ceil(centre - reach).long().clamp(min=0)
    last = torch.minimum(torch.floor(centre + reach).long() + 1, count)
    return first, last


def solve(atoms: Atoms, planes: Tensor, active: Tensor, iterations: int = 6) -> Tensor:
    """Fit the amplitudes of the active windows jointly, by preconditioned conjugate gradients.

    Parameters
    ----------
    atoms : Atoms
    planes : (B, C, H, W) tensor
    active : (n,) tensor
        1 for windows that take part, 0 for others.

    Returns
    -------
    (2, n) tensor
        No gradient: at the least squared error they have none to first order [1]_.

    References
    ----------
    .. [1] G. Golub, V. Pereyra, "Separable nonlinear least squares: the variable projection
       method and its applications", Inverse Problems 19, 2003, doi:10.1088/0266-5611/19/2/201
    """
    atoms = atoms.detach()
    with torch.no_grad():
        scale = active / (atoms.norms + 0.05 * atoms.norms.sum(0) + 1e-3)
        x = torch.zeros_like(atoms.norms)
        rest = atoms.measure(planes)
        z = scale * rest
        way, energy = z, (rest * z).sum()
        for _ in range(iterations):
            onto = atoms.measure(atoms.draw(way))
            length = energy / (way * onto).sum().clamp(min=1e-9)
            x = x + length * way
            rest = rest - length * onto
            z = scale * rest
            again = (rest * z).sum()
            way, energy = z + again / energy.clamp(min=1e-9) * way, again
    return x
