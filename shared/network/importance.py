"""Networks that say what counts: the importance of an error by place and by spatial frequency.

A transform format (wavelet, tiles) is filled by deciding which coefficients are worth their bits.
The search encoder decides by squared error. Here a network multiplies the squared error of every
place and octave by a factor before the same decision: bits move to where the smart error needs
them. The float twin ranks coefficients by (importance x squared error removed) / bits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate, pad

from ..error.importance import GRID, OCTAVES, ROLES
from ..error.masking import CHROMA, FLOOR, OCTAVE, POWER
from .backbone import Backbone
from .contract import EncoderNetwork, Reconstruction
from .reweighting import reweighted, to_components
from .selection import cut, kept

ROUNDING = 0.42
"""Added before truncation, as the search encoders do."""
BY_HAND = 0.5
"""Share of the hand-made importance that is added to what a network says."""
_USUAL = 300.0
"""Variance at which that says nothing. A picture's own mean would differ from block to block."""
_LIMIT = 3.0
_LAMBDA = 0.14
_TRIES = 9


@dataclass(frozen=True)
class Band:
    """Coefficients of one kind, scaled so that a unit is the same squared error everywhere.

    Parameters
    ----------
    values : (B, h, w) tensor
    role : int
        0 luma, 1 chroma.
    octave : int
        0 is the finest; beyond the last of the importance, that one is meant.
    """

    values: Tensor
    role: int
    octave: int


def _around(values: Tensor) -> Tensor:
    """Mean magnitude of the neighbours of (B, h, w), near ones more."""
    size = values.abs()[:, None]
    near = avg_pool2d(size, 3, stride=1, padding=1) * 9
    far = avg_pool2d(size, 7, stride=1, padding=3) * 49
    return (0.075 * (near - size) + 0.4 / 48 * (far - size))[:, 0]


def prices_of(ratios: Tensor, around: Tensor) -> Tensor:
    """Estimate the bits of magnitudes in steps: sign, significance, size.

    Significance is cheap amid large neighbours. The constants are close to what the adaptive
    coder of the wavelet format takes on training pictures; a common factor would cancel out.
    """
    significance = (1.0 - 1.3 * torch.log2(around + 0.03)).clamp(0.3, 7.0)
    return 1.0 + significance + 1.8 * torch.log2(ratios.abs().clamp(min=1.0))


class ImportanceNetwork(EncoderNetwork):
    """Backbone and a head that gives the logarithm of the importance, zero at first."""

    fixed_shapes = True

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Conv2d(self.backbone.widths[1], ROLES * OCTAVES, 1)
        with torch.no_grad():
            for parameter in self.head.parameters():
                parameter.zero_()

    @abstractmethod
    def analyze(self, pictures: Tensor) -> list[Band]:
        """Transform pictures (B, 3, H, W)."""

    @abstractmethod
    def synthesize(self, values: list[Tensor], pictures: Tensor) -> Tensor:
        """Transform the values of bands back to (B, 3, H, W); `pictures` gives the shape."""

    def importance(self, pictures: Tensor, bpp: Tensor) -> Tensor:
        """Return logarithms of importance, (B, ROLES, OCTAVES, rows, columns), see `GRID`."""
        return self.importance_of(self.backbone.coarser(pictures, bpp)[1], pictures)

    def importance_of(self, middle: Tensor, pictures: Tensor) -> Tensor:
        """Return the same of the backbone's features at stride 16.

        The network speaks beside the hand-made importance, not in its place: where the smart
        error, from which it learns, is lenient, that holds it.
        """
        raw = _LIMIT * torch.tanh(self.head(middle) / _LIMIT)
        said = raw.view(len(raw), ROLES, OCTAVES, *raw.shape[-2:])
        return said + BY_HAND * masked(pictures, *raw.shape[-2:])

    def reconstruct(self, pictures: Tensor, bpp: Tensor) -> Reconstruction:
        """See `EncoderNetwork.reconstruct`."""
        bands = self.analyze(pictures)
        importance = self.importance(pictures, bpp)
        return self.survivors(bands, pictures, bpp, importance)

    def weights(self, bands: list[Band], importance: Tensor) -> list[Tensor]:
        """Bring logarithms of importance to the coefficients of bands."""
        return [
            on_band(importance[:, band.role, min(band.octave, OCTAVES - 1)], band.values)
            for band in bands
        ]

    def survivors(
        self,
        bands: list[Band],
        pictures: Tensor,
        bpp: Tensor,
        importance: Tensor,
        *,
        weights: list[Tensor] | None = None,
        synthesize: Callable[[list[Tensor], Tensor], Tensor] | None = None,
    ) -> Reconstruction:
        """Quantize, price, rank and cut coefficients, and decode what is left.

        Parameters
        ----------
        bands : list of Band
        pictures, bpp
            See `reconstruct`.
        importance : tensor
            What `importance` gives.
        weights : list of tensors, optional
            The same at the coefficients; what `weights` gives if not given.
        synthesize : callable, optional
            Takes values of the bands and the step (B,), gives pictures; `synthesize` if not given.
        """
        budget = bpp * float(pictures.shape[-1] * pictures.shape[-2])
        weights = self.weights(bands, importance) if weights is None else weights
        with torch.no_grad():
            # All bands in one row: a device would wait for hundreds of small ones.
            values = _row([band.values for band in bands])
            around = _row([_around(band.values) for band in bands])
            step = self.step_of(values, around, budget)
            size = step[:, None]
            ratios = values / size
            levels = torch.sign(ratios) * torch.floor(ratios.abs() + ROUNDING)
            bits = prices_of(ratios, around / size)
            price = torch.where(levels == 0, 0.0, bits)
            gain = torch.log((ratios**2 - (ratios - levels) ** 2).clamp(min=1e-9) / bits)
        mask = cut(gain + _row(weights), price, budget)

        def decoded(survived: Tensor) -> Tensor:
            parts = torch.split(
                levels * survived * size, [band.values[0].numel() for band in bands], 1
            )
            found = [part.view_as(band.values) for part, band in zip(parts, bands, strict=True)]
            if synthesize is None:
                return self.synthesize(found, pictures)
            return synthesize(found, step)

        with torch.no_grad():
            spent = (mask * price).sum(1)
            plain = decoded(kept(gain, price, budget)[0])
        return Reconstruction(decoded(mask), plain, spent, torch.zeros_like(spent), importance)

    def teach(self, pictures: Tensor, found: Reconstruction, gradient: Tensor) -> Tensor:
        """Compare the importance with the weights that the error has at `found.plain`."""
        goal, share = reweighted(pictures, found.plain, gradient)
        assert found.proposed is not None
        own = found.proposed
        # Common factors mean nothing.
        total = share.sum((1, 2, 3, 4), keepdim=True)
        off = own - goal
        off = off - (share * off).sum((1, 2, 3, 4), keepdim=True) / total
        return (share * off * off).sum((1, 2, 3, 4)) / total[:, 0, 0, 0, 0]

    def step_of(self, values: Tensor, around: Tensor, budget: Tensor) -> Tensor:
        """Find the step at which all that is worth `_LAMBDA` a bit fills the budget, (B,)."""
        low = torch.zeros_like(budget)
        high = torch.full_like(budget, 10.0)
        magnitudes = values.abs()
        for _ in range(_TRIES):
            middle = (low + high) / 2
            size = torch.exp2(middle)[:, None]
            ratio = magnitudes / size
            level = torch.floor(ratio + ROUNDING)
            cost = prices_of(ratio, around / size)
            worth = ratio**2 - (ratio - level) ** 2 > _LAMBDA * cost
            spent = torch.where(worth & (level > 0), cost, 0.0).sum(1)
            low = torch.where(spent > budget, middle, low)
            high = torch.where(spent > budget, high, middle)
        return torch.exp2(high)


def _row(parts: list[Tensor]) -> Tensor:
    """Join (B, h, w) tensors, (B, n)."""
    return torch.cat([part.flatten(1) for part in parts], 1)


def masked(pictures: Tensor, rows: int, columns: int) -> Tensor:
    """Hand-made importance as `masking.masked_importance`, but for a common factor.

    Parameters
    ----------
    pictures : (B, 3, H, W) tensor
    rows, columns : int
        Cells of `GRID`; those beyond the picture continue its last ones.

    Returns
    -------
    (B, ROLES, OCTAVES, rows, columns) tensor
    """
    luma = to_components(pictures)[0]
    rest = (0, GRID * columns - luma.shape[-1], 0, GRID * rows - luma.shape[-2])
    wide = pad(luma[:, None], rest, mode="replicate")
    mean = avg_pool2d(wide, GRID)
    far = wide - mean.repeat_interleave(GRID, 2).repeat_interleave(GRID, 3)
    busy = -POWER * torch.log((avg_pool2d(far * far, GRID) + FLOOR) / _USUAL)
    octaves = OCTAVE * torch.arange(OCTAVES, device=busy.device)
    roles = CHROMA * torch.arange(ROLES, device=busy.device)
    return busy[:, :, None] + (roles[:, None] + octaves)[None, :, :, None, None]


def on_band(importance: Tensor, values: Tensor) -> Tensor:
    """Bring importance (B, rows, columns) to the places of a band's coefficients."""
    size = (values.shape[-2], values.shape[-1])
    rows, columns = importance.shape[-2:]
    if size[0] >= rows and size[1] >= columns:
        return interpolate(importance[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    return adaptive_avg_pool2d(importance[:, None], size)[:, 0]
