"""What a decoded picture is judged by in training, and how budgets weigh against each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from ..error.settings import SETTINGS, YCC
from ..errors import FractourError
from ..network.loss import Anchors, smart_loss

Loss = Callable[[Tensor, Tensor], Tensor]

_LIGHT = Anchors(corner=0.02, low_pass=0.02, pixels=0.02)
# Wang, Simoncelli, Bovik 2003, doi:10.1109/ACSSC.2003.1292216; the last scale is left to crops.
_SCALES = (0.0517, 0.3295, 0.3462, 0.2726)


def _luma(x: Tensor) -> Tensor:
    return sum(c * x[:, i : i + 1] for i, c in enumerate(YCC[0]))  # type: ignore[return-value]


def _ms_ssim(reference: Tensor, decoded: Tensor) -> Tensor:
    x, y = _luma(reference), _luma(decoded)
    at = torch.arange(-5, 6, dtype=x.dtype, device=x.device)
    taps = torch.exp(-(at**2) / 4.5)
    taps = taps / taps.sum()
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)

    def blur(z: Tensor) -> Tensor:
        return conv2d(conv2d(z, taps.view(1, 1, -1, 1)), taps.view(1, 1, 1, -1))

    for scale, weight in enumerate(_SCALES):
        mx, my = blur(x), blur(y)
        vx, vy, cov = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
        similar = (2 * cov + 58.5225) / (vx + vy + 58.5225)
        if scale == len(_SCALES) - 1:
            similar = similar * (2 * mx * my + 6.5025) / (mx * mx + my * my + 6.5025)
        total = total + weight * torch.log(similar.mean((1, 2, 3)).clamp(min=1e-3))
        x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
    return 1 - torch.exp(total)


def _mse(reference: Tensor, decoded: Tensor) -> Tensor:
    return ((reference - decoded) ** 2).mean((1, 2, 3))


def _smart(reference: Tensor, decoded: Tensor) -> Tensor:
    """Judge as the judge does, lightly anchored.

    A network that only decides where bits go cannot exploit what the judge overlooks as one that
    paints pixels can, so nothing is taken from the judge's own settings.
    """
    return smart_loss(reference, decoded, settings=SETTINGS, anchors=_LIGHT)


LOSSES: dict[str, Loss] = {"smart": _smart, "mse": _mse, "ms-ssim": _ms_ssim}
"""Losses by name: (B, 3, H, W) original and decoded code values to (B,)."""

WEIGHTINGS = ("reachable", "inverse", "none")
"""How errors at different budgets are weighed: divided by the error that the float twin reaches
at that budget without a network, by the budget, or not at all."""


def weights_of(weighting: str, bpp: Tensor, reached: Tensor) -> Tensor:
    """Return factors of the errors of a batch.

    Parameters
    ----------
    weighting : str
        One of `WEIGHTINGS`.
    bpp : (B,) tensor
        Budgets.
    reached : (B,) tensor
        Errors that are reachable at them.
    """
    if weighting == "reachable":
        return 1.0 / reached.clamp(min=1e-6)
    if weighting == "inverse":
        # As the essay has it, E / N; the constant only keeps the step size alike.
        return 0.1 / bpp
    if weighting == "none":
        return torch.ones_like(bpp)
    message = f"unknown weighting {weighting!r}; there is {', '.join(WEIGHTINGS)}"
    raise FractourError(message)
