"""Which squared error the smart error amounts to, by place and octave.

Around a decoded picture any smooth error is a weighted squared error, whose weights are
``-<gradient, error> / <error, error>`` (iteratively reweighted least squares [1]_). An encoder that
minimizes squared error so weighted minimizes the error itself, step by step.

References
----------
.. [1] I. Daubechies et al., "Iteratively reweighted least squares minimization for sparse
   recovery", Comm. Pure Appl. Math. 63, 2010, doi:10.1002/cpa.20303
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from ..error.bands import halve
from ..error.importance import GRID, OCTAVES, ROLES
from ..picture.color import OFFSET
from .loss import OPERATIONS

_LIMIT = 3.0


def to_components(pictures: Tensor) -> list[Tensor]:
    """Split (B, 3, H, W) code values as `picture.color.to_components` does, (B, H, W) each."""
    r, g, b = pictures.unbind(1)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return [y - OFFSET, (b - y) / 1.772, (r - y) / 1.402]


def from_components(planes: list[Tensor]) -> Tensor:
    """Undo `to_components`."""
    y, blue, red = planes
    r, b = y + 1.402 * red, y + 1.772 * blue
    g = (y - 0.299 * r - 0.114 * b) / 0.587
    return torch.stack([r, g, b], 1) + OFFSET


def _slopes(gradient: Tensor) -> list[Tensor]:
    """Gradient in components of a gradient (B, 3, H, W) in code values."""
    r, g, b = gradient.unbind(1)
    return [r + g + b, 1.772 * b - 0.344136 * g, 1.402 * r - 0.714136 * g]


def _octaves(plane: Tensor) -> list[Tensor]:
    """Split (B, H, W) into a Laplacian pyramid of `OCTAVES` levels, finest first."""
    out = []
    for _ in range(OCTAVES - 1):
        lower = halve(OPERATIONS, plane)
        shown = interpolate(lower[:, None], plane.shape[-2:], mode="bilinear", align_corners=False)
        out.append(plane - shown[:, 0])
        plane = lower
    return [*out, plane]


def _cells(plane: Tensor, octave: int, rows: int, columns: int) -> Tensor:
    """Mean over 16 x 16 pixels and their neighbours, (B, rows, columns)."""
    side = max(GRID >> octave, 1)
    rest = (0, columns * side - plane.shape[-1], 0, rows * side - plane.shape[-2])
    wide = pad(plane[:, None], rest, mode="replicate")
    return avg_pool2d(avg_pool2d(wide, side), 3, 1, 1, count_include_pad=False)[:, 0]


@torch.no_grad()
def reweighted(pictures: Tensor, decoded: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return logarithms of the weights of squared error, and how much they matter.

    Parameters
    ----------
    pictures, decoded, gradient : (B, 3, H, W) tensors
        Code values, and the gradient of the error at `decoded`.

    Returns
    -------
    (B, ROLES, OCTAVES, rows, columns) tensor
        Their median is 0, and they are bounded.
    (B, ROLES, OCTAVES, rows, columns) tensor
        Share of the squared error there, 0 to 1: a weight of no error means nothing.
    """
    pairs = zip(to_components(pictures), to_components(decoded), strict=True)
    errors = [_octaves(a - b) for a, b in pairs]
    slopes = [_octaves(plane) for plane in _slopes(gradient)]
    rows, columns = (-(-n // GRID) for n in pictures.shape[-2:])
    weights, shares = [], []
    for comps in ((0,), (1, 2)):
        for octave in range(OCTAVES):
            above = torch.zeros(len(pictures), rows, columns, device=pictures.device)
            below = torch.zeros_like(above)
            for c in comps:
                e, g = errors[c][octave], slopes[c][octave]
                above += _cells(-g * e, octave, rows, columns)
                below += _cells(e * e, octave, rows, columns)
            weights.append(above.clamp(min=0) / (below + 1e-2))
            shares.append(below)
    shape = (len(pictures), ROLES, OCTAVES, rows, columns)
    weight, share = (torch.stack(parts, 1).view(shape) for parts in (weights, shares))
    mean = weight.mean((1, 2, 3, 4), keepdim=True)
    logarithms = torch.log(weight + 1e-3 * mean + 1e-12)
    middle = logarithms.flatten(1).median(1).values[:, None, None, None, None]
    share = share / (share + share.mean((1, 3, 4), keepdim=True) + 1e-6)
    return (logarithms - middle).clamp(-_LIMIT, _LIMIT), share
