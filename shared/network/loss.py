"""The smart error as a training loss: `shared.error.smart_error` on torch tensors, and its anchors.

The formulas are those of the judge, to the same figures (a test holds it). Two things differ on
purpose when a network is trained, and both can be switched off:

- `TRAINING` has no tolerance for a gain of contrast and no discount for texture, and pools by
  the square mean: what a judge may overlook, an optimiser would use.
- Every band-pass measure is blind somewhere. `anchors` adds what it does not see: the corner of
  the highest frequencies, the low-pass picture of each level, and the pixels themselves, each at
  a small weight.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ..error.bands import halve
from ..error.settings import LEVELS, SETTINGS, Settings
from ..error.smart_error import picture_error

TRAINING = replace(SETTINGS, gain=1.0, texture=1.0, power=0.75, pool=2.0)
"""Settings of the loss: nothing is forgiven that an optimiser could exploit."""

_CORNER = (-0.25, 0.5, -0.25)


@functools.lru_cache(maxsize=64)
def _mirror(size: int, radius: int, device: torch.device) -> Tensor:
    """Indices that pad an axis by mirroring, however short it is."""
    return torch.tensor(np.pad(np.arange(size), radius, mode="symmetric"), device=device)


def _views(x: Tensor, taps: int, axis: int, step: int) -> list[Tensor]:
    """Return what each tap sees of an axis that has been padded for it."""
    size = x.shape[axis] - taps + 1
    if axis == -2:
        return [x[..., at : at + size : step, :] for at in range(taps)]
    return [x[..., at : at + size : step] for at in range(taps)]


class _Correlation(torch.autograd.Function):
    """Correlation along a padded axis, by shifted views both ways.

    The convolutions of torch take several times as long for one channel on a CPU, most of all
    their gradients.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: tuple[float, ...], axis: int, step: int) -> Tensor:
        """Return every `step`-th sample; taps that mirror each other share a product."""
        ctx.shape, ctx.given = x.shape, (taps, axis, step)
        views, radius = _views(x, len(taps), axis, step), len(taps) // 2
        total = views[radius] * taps[radius]
        for at in range(radius):
            pair = torch.add(views[-1 - at], views[at], alpha=1 if taps[0] == taps[-1] else -1)
            total.add_(pair, alpha=taps[-1 - at])
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """Add the gradient to all that each tap saw."""
        taps, axis, step = ctx.given
        spread = gradients[0].new_zeros(ctx.shape)
        for view, tap in zip(_views(spread, len(taps), axis, step), taps, strict=True):
            view.add_(gradients[0], alpha=tap)
        return spread, None, None, None


@functools.lru_cache(maxsize=256)
def _weight(taps: tuple[float, ...], axis: int, planes: int, device: torch.device) -> Tensor:
    """Taps as the weight of a convolution of each plane alone, (planes, 1, ...)."""
    shape = (1, 1, -1, 1) if axis == -2 else (1, 1, 1, -1)
    return torch.tensor(taps, device=device).view(shape).expand(planes, *[-1] * 3).contiguous()


def convolved(x: Tensor, taps: tuple[float, ...], axis: int, step: int) -> Tensor:
    """Do what `_Correlation` does in one launch: a device waits for launches, not for sums."""
    planes = x.reshape(1, -1, *x.shape[-2:])
    weight = _weight(taps, axis, planes.shape[1], x.device)
    by = (step, 1) if axis == -2 else (1, step)
    # TF32 has ten bits of mantissa; the differences of a judge need more.
    with torch.backends.cudnn.flags(allow_tf32=False):
        found = conv2d(planes, weight, stride=by, groups=planes.shape[1])
    return found.reshape(*x.shape[:-2], *found.shape[-2:])


class TorchOperations:
    """`bands.Operations` of torch, differentiable."""

    def sqrt(self, x: Tensor) -> Tensor:
        """Root of every element."""
        return torch.sqrt(x)

    def clip(self, x: Tensor, low: float, high: float) -> Tensor:
        """Every element, not below `low`, not above `high`."""
        return torch.clamp(x, low, high)

    def where(self, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Elements of `x` where `condition` holds, else of `y`."""
        return torch.where(condition, x, y)

    def log(self, x: Tensor) -> Tensor:
        """Natural logarithm of every element."""
        return torch.log(x)

    def mean(self, x: Tensor) -> Tensor:
        """Mean over the last two axes, which stay with length 1."""
        return x.mean(dim=(-2, -1), keepdim=True)

    def stack(self, parts: Sequence[Tensor]) -> Tensor:
        """Planes (..., H, W) of one shape along a new axis before their last two."""
        return torch.stack(list(parts), -3)

    def filter(self, x: Tensor, taps: Sequence[float], axis: int, step: int = 1) -> Tensor:
        """Correlate along axis -2 or -1, edges mirrored, every `step`-th sample kept."""
        radius = len(taps) // 2
        size = x.shape[axis]
        if size >= radius:
            # Flips, not indices: their gradient is deterministic on every device.
            low = x.narrow(axis, 0, radius).flip(axis)
            high = x.narrow(axis, size - radius, radius).flip(axis)
            padded = torch.cat([low, x, high], axis)
        else:
            padded = x.index_select(axis, _mirror(size, radius, x.device))
        if x.is_cuda:
            return convolved(padded, tuple(taps), axis, step)
        found: Tensor = _Correlation.apply(padded, tuple(taps), axis, step)  # type: ignore[no-untyped-call]
        return found


OPERATIONS = TorchOperations()


@dataclass(frozen=True)
class Anchors:
    """Weights of what the bands do not see.

    Parameters
    ----------
    corner : float
        Differences at the highest frequencies of both axes at once.
    low_pass : float
        Differences of the low-pass picture of each level.
    pixels : float
        Differences of the pixels.
    """

    corner: float = 0.1
    low_pass: float = 0.1
    pixels: float = 0.1


ANCHORS = Anchors()
NO_ANCHORS = Anchors(0.0, 0.0, 0.0)


def _charbonnier(difference: Tensor) -> Tensor:
    """Mean over channels and pixels; linear beyond about two code values, (...)."""
    scaled = difference / 32
    error: Tensor = torch.sqrt(scaled * scaled + 0.004) - 0.004**0.5
    return error.mean(dim=(-3, -2, -1))


def anchor_error(reference: Tensor, decoded: Tensor, anchors: Anchors = ANCHORS) -> Tensor:
    """Return the weighted anchors, (...), of (..., C, H, W) code values."""
    difference = decoded - reference
    total = anchors.pixels * _charbonnier(difference)
    if anchors.corner:
        corner = OPERATIONS.filter(OPERATIONS.filter(difference, _CORNER, -2), _CORNER, -1)
        total = total + anchors.corner * _charbonnier(4 * corner)
    if anchors.low_pass:
        for _ in range(LEVELS):
            difference = halve(OPERATIONS, difference)
            total = total + anchors.low_pass / LEVELS * _charbonnier(difference)
    return total


def smart_loss(
    reference: Tensor,
    decoded: Tensor,
    *,
    settings: Settings = TRAINING,
    anchors: Anchors = ANCHORS,
) -> Tensor:
    """Return the loss of each picture of a batch.

    Parameters
    ----------
    reference, decoded : (..., C, H, W) float tensor
        Code values 0 to 255, C = 1 grey or 3 RGB; at least float32.
    settings : Settings
        `TRAINING`, or `SETTINGS` for the figures of the judge.
    anchors : Anchors
        `NO_ANCHORS` for the figures of the judge.

    Returns
    -------
    (...) tensor
        0 at equality, where its gradient is 0 too; never NaN.
    """
    total: Tensor = picture_error(OPERATIONS, reference, decoded, settings)
    if anchors != NO_ANCHORS:
        total = total + anchor_error(reference, decoded, anchors)
    return total
