"""The network that all codecs share: a small pyramid of convolutions that knows its budget.

References
----------
.. [1] Z. Liu et al., "A ConvNet for the 2020s", CVPR 2022, doi:10.1109/CVPR52688.2022.01167
.. [2] E. Perez et al., "FiLM: visual reasoning with a general conditioning layer", AAAI 2018,
   doi:10.1609/aaai.v32i1.11671
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, layer_norm, pad

LARGEST_STRIDE = 32
_CONDITIONS = 64


class _Block(nn.Module):
    """Depthwise 7 x 7, then two layers a pixel; the budget scales and shifts the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.budget = nn.Linear(_CONDITIONS, 2 * width)
        self.rise = nn.Linear(width, 3 * width)
        self.fall = nn.Linear(3 * width, width)
        nn.init.zeros_(self.budget.weight)
        nn.init.zeros_(self.budget.bias)
        with torch.no_grad():
            self.fall.weight.mul_(0.1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = self.spatial(x).permute(0, 2, 3, 1)
        scale, shift = self.budget(condition)[:, None, None, :].chunk(2, dim=-1)
        y = layer_norm(y, y.shape[-1:]) * (1 + scale) + shift
        y = self.fall(gelu(self.rise(y)))
        out: Tensor = x + y.permute(0, 3, 1, 2)
        return out


class Backbone(nn.Module):
    """Features at 1/8, 1/16 and 1/32 of the size of a picture.

    Parameters
    ----------
    widths : (int, int, int)
        Channels at the three sizes.
    depths : (int, int, int)
        Blocks at the three sizes.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (64, 128, 192),
        depths: tuple[int, int, int] = (2, 3, 2),
    ) -> None:
        super().__init__()
        a, b, c = widths
        self.widths = widths
        self.stem = nn.Sequential(
            nn.Conv2d(3, 24, 4, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(24, 48, 4, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(48, a, 2, stride=2),
        )
        self.condition = nn.Sequential(
            nn.Linear(1, _CONDITIONS), nn.GELU(), nn.Linear(_CONDITIONS, _CONDITIONS), nn.GELU()
        )
        self.fine = nn.ModuleList(_Block(a) for _ in range(depths[0]))
        self.down = nn.Conv2d(a, b, 2, stride=2)
        self.middle = nn.ModuleList(_Block(b) for _ in range(depths[1]))
        self.deeper = nn.Conv2d(b, c, 2, stride=2)
        self.coarse = nn.ModuleList(_Block(c) for _ in range(depths[2]))
        self.up = nn.Conv2d(c, b, 1)
        self.after = _Block(b)
        self.higher = nn.Conv2d(b, a, 1)
        self.last = _Block(a)

    def coarser(self, pictures: Tensor, bpp: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what `forward` does without the last step to stride 8.

        Returns
        -------
        fine, middle, coarse, condition : tensors
            `fine` has not seen the coarser ones yet; `condition` says the budget to blocks.
        """
        height, width = pictures.shape[-2:]
        rest = (0, -width % LARGEST_STRIDE, 0, -height % LARGEST_STRIDE)
        x = pad((pictures - 128) / 64, rest, mode="replicate")
        condition = self.condition((torch.log2(bpp)[:, None] + 2.5) / 2)
        fine = self.stem(x)
        for block in self.fine:
            fine = block(fine, condition)
        middle = self.down(fine)
        for block in self.middle:
            middle = block(middle, condition)
        coarse = self.deeper(middle)
        for block in self.coarse:
            coarse = block(coarse, condition)
        middle = self.after(middle + _doubled(self.up(coarse)), condition)
        return fine, middle, coarse, condition

    def forward(self, pictures: Tensor, bpp: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features of pictures.

        Parameters
        ----------
        pictures : (B, 3, H, W) float tensor
            Code values 0 to 255.
        bpp : (B,) float tensor
            Bits a pixel that may be spent.

        Returns
        -------
        fine, middle, coarse : (B, width, ceil(H / 32) * 32 / stride, ...) tensors
            Strides 8, 16 and 32.
        """
        fine, middle, coarse, condition = self.coarser(pictures, bpp)
        fine = self.last(fine + _doubled(self.higher(middle)), condition)
        return fine, middle, coarse


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="nearest")
