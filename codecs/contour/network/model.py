"""The contour codec's encoder network: windows proposed on grids, and the float twin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from ....shared.network.backbone import LARGEST_STRIDE, Backbone
from ....shared.network.contract import EncoderNetwork, Reconstruction
from ....shared.network.reweighting import from_components, to_components
from ....shared.network.selection import cut
from ....shared.picture.color import OFFSET
from ....shared.tiles.analysis.encoder import LAMBDA
from ..format.base import fitting
from ..format.layout import FINEST
from .slots import CHANNELS, GRIDS, STRIDES, Windows, cells_of, joined, windows_of
from .twin import Atoms, sample, solve

SMOOTH = 2
"""Code of the base that windows stand on."""
BITS_EACH = 27.0
"""Bits a window, about."""
MARGIN = 3.0
"""Candidates that the twin looks at, in times of what may fit."""
_LEAST_CANDIDATES = 24
_HIDDEN = 128
_BASE_BITS = 5.0
_SAMPLE_BITS = 6.0
_RARE = -3.0


@lru_cache(maxsize=32)
def _smoothing(length: int) -> tuple[Tensor, Tensor]:
    out, back = fitting(length, SMOOTH)
    return torch.from_numpy(out).float(), torch.from_numpy(back).float()


def smooth_ground(planes: Tensor) -> Tensor:
    """Return the base of planes (..., H, W), not quantized."""
    down, down_back = _smoothing(planes.shape[-2])
    across, across_back = _smoothing(planes.shape[-1])
    down, down_back = down.to(planes), down_back.to(planes)
    across, across_back = across.to(planes), across_back.to(planes)
    return down @ (down_back @ planes @ across_back.T) @ across.T


@dataclass(frozen=True)
class _Candidates:
    """Windows of a batch, those of each picture in a row, most confident first.

    Parameters
    ----------
    windows : Windows
        (n,)
    row, column : (n,) int64 tensor
        Picture, and rank in it.
    shape : (int, int)
        Pictures, most candidates of any.
    """

    windows: Windows
    row: Tensor
    column: Tensor
    shape: tuple[int, int]

    def wide(self, values: Tensor, empty: float) -> Tensor:
        """Lay values (n,) out as (B, most)."""
        out = values.new_full(self.shape, empty)
        return out.index_put((self.row, self.column), values)


class ContourNetwork(EncoderNetwork):
    """Backbone that sees what the base leaves, and a head that proposes a window a cell."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone((48, 96, 160), (1, 3, 2))
        self.heads = nn.ModuleList()
        for width, stride in zip(self.backbone.widths, STRIDES, strict=True):
            grids = [grid for grid in GRIDS if grid.stride == stride]
            outputs = sum(grid.split**2 for grid in grids) * CHANNELS
            head = nn.Conv2d(_HIDDEN, outputs, 1)
            nn.init.normal_(head.weight, std=0.01)
            assert head.bias is not None
            nn.init.zeros_(head.bias)
            with torch.no_grad():
                head.bias.view(-1, CHANNELS)[:, 0] = _RARE
            self.heads.append(nn.Sequential(nn.Conv2d(width, _HIDDEN, 1), nn.GELU(), head))

    def cells(self, rest: Tensor, bpp: Tensor) -> list[Tensor]:
        """Say something for every cell of `GRIDS`.

        Parameters
        ----------
        rest : (B, 3, H, W) tensor
            Components, less the base.
        bpp : (B,) tensor

        Returns
        -------
        list of (B, rows, columns, CHANNELS) tensor
            In the order of `GRIDS`; cells may lie outside the picture.
        """
        features = self.backbone(2.0 * rest + OFFSET, bpp)
        raw = {}
        for head, stride, feature in zip(self.heads, STRIDES, features, strict=True):
            grids = [grid for grid in GRIDS if grid.stride == stride]
            sizes = [grid.split**2 * CHANNELS for grid in grids]
            for grid, part in zip(grids, head(feature).split(sizes, 1), strict=True):
                raw[grid] = cells_of(part, grid)
        return [raw[grid] for grid in GRIDS]

    def windows(self, rest: Tensor, bpp: Tensor) -> Windows:
        """Propose a window for every cell, picture after picture."""
        cells = self.cells(rest, bpp)
        parts = [windows_of(c, grid) for c, grid in zip(cells, GRIDS, strict=True)]
        return joined(parts, len(rest))

    def reconstruct(self, pictures: Tensor, bpp: Tensor) -> Reconstruction:
        """See `EncoderNetwork.reconstruct`; sides are multiples of `LARGEST_STRIDE`."""
        assert pictures.shape[-1] % LARGEST_STRIDE == pictures.shape[-2] % LARGEST_STRIDE == 0
        planes = torch.stack(to_components(pictures), 1)
        ground = smooth_ground(planes)
        rest = planes - ground
        pixels = float(pictures.shape[-1] * pictures.shape[-2])
        cells = pixels / 4.0 ** (SMOOTH + 4)
        budget = (bpp * pixels - 3 * _BASE_BITS * cells).clamp(min=2 * BITS_EACH)
        found = _candidates(self.windows(rest, bpp), budget)
        shape = (len(rest), 3, *rest.shape[-2:])
        atoms = sample(found.windows, shape)
        survivors, bits = _cut(found, atoms, rest, budget)
        drawn = _decoded(found.windows, atoms, rest, survivors)
        with torch.no_grad():
            plain = _averages(pictures, bpp * pixels)
        decoded = from_components(list((ground + drawn).unbind(1)))
        return Reconstruction(decoded, plain, bits, torch.zeros_like(bits))


def _candidates(windows: Windows, budget: Tensor) -> _Candidates:
    """Take the most confident windows of each picture, `MARGIN` times what may fit."""
    with torch.no_grad():
        batch = len(budget)
        confidence = windows.confidence.view(batch, -1)
        counts = (MARGIN * budget / BITS_EACH).long().clamp(min=_LEAST_CANDIDATES)
        most = min(int(counts.max()), confidence.shape[1])
        order = confidence.topk(most, 1).indices
        inside = torch.arange(most, device=order.device)[None, :] < counts[:, None]
        row, column = inside.nonzero(as_tuple=True)
        chosen = row * confidence.shape[1] + order[row, column]
    return _Candidates(windows.at(chosen), row, column, (batch, most))


def _cut(found: _Candidates, atoms: Atoms, rest: Tensor, budget: Tensor) -> tuple[Tensor, Tensor]:
    """Price and rank candidates, and cut them at the budget.

    Returns
    -------
    survivors : (n,) tensor
        0 or 1, with a gradient to the confidence.
    bits : (B,) tensor
        Spent.
    """
    with torch.no_grad():
        products = atoms.measure(rest)
        gain = (products**2 / (atoms.norms + 1e-3)).sum(0).clamp(min=1e-6)
        # The least that pays sets the step; what weighs more is written more precisely.
        ranked = found.wide(gain, 0.0).sort(1, descending=True).values
        last = (budget / BITS_EACH).long().clamp(max=ranked.shape[1] - 1)[:, None]
        step = (ranked.gather(1, last)[:, 0] / (LAMBDA * BITS_EACH)).clamp(min=1e-3).sqrt()
        size = torch.exp2((6 + 2 * found.windows.scale) / 4) * (gain / atoms.norms.sum(0)).sqrt()
        finer = torch.log2(size / step[found.row]).clamp(0, FINEST)
        bits = BITS_EACH - 4.0 + 3.0 * finer
    worth = found.windows.confidence + torch.log(gain / bits)
    mask = cut(found.wide(worth, -1e4), found.wide(bits, 1e9), budget)
    survivors = mask[found.row, found.column]
    with torch.no_grad():
        spent = torch.zeros_like(budget).index_add(0, found.row, survivors.round() * bits)
    return survivors, spent


def _decoded(windows: Windows, atoms: Atoms, rest: Tensor, survivors: Tensor) -> Tensor:
    """Fit amplitudes and the chroma that follows, quantize, and draw what survives.

    At their optimum the amplitudes have no gradient of the squared error to first order, so they
    are constants to the outlines; those that were cut have what they would add.
    """
    with torch.no_grad():
        active = survivors.round()
        fitted = solve(atoms, rest, active)
        left = rest - atoms.draw(fitted * active)
        alone = atoms.measure(left) / (atoms.norms + 1e-3)
        amplitudes = torch.where(active > 0.5, fitted, alone)
        amplitudes = _rounded(amplitudes)
        luma = (windows.comp == 0).float()
        slopes = []
        for comp in (1, 2):
            onto = torch.zeros_like(rest)
            onto[:, 0] = left[:, comp]
            chroma = solve(atoms, onto, active * luma, iterations=3)
            power = (amplitudes**2).sum(0)
            slope = (chroma * amplitudes).sum(0) / power.clamp(min=1e-6)
            slopes.append(torch.round(slope.clamp(-1, 1) * 8) / 8 * luma)
    drawn = atoms.draw(amplitudes * survivors)
    follow = [atoms.draw(amplitudes * slope * survivors)[:, 0] for slope in slopes]
    return drawn + torch.stack([torch.zeros_like(follow[0]), *follow], 1)


def _rounded(amplitudes: Tensor) -> Tensor:
    """Round the size of (cosine, sine) to eighths of an octave."""
    size = amplitudes.norm(dim=0).clamp(min=1e-4)
    rounded: Tensor = torch.exp2(torch.round(8 * torch.log2(size)) / 8)
    out: Tensor = amplitudes * (rounded / size)
    return out


def _averages(pictures: Tensor, bits: Tensor) -> Tensor:
    """What as many averages as the bits pay for show of pictures: the network-free measure."""
    out = []
    height, width = pictures.shape[-2:]
    for picture, budget in zip(pictures, bits.tolist(), strict=True):
        share = min((budget / (1.5 * _SAMPLE_BITS * height * width)) ** 0.5, 1.0)
        size = max(round(height * share), 1), max(round(width * share), 1)
        small = adaptive_avg_pool2d(picture[None], size)
        out.append(interpolate(small, (height, width), mode="bilinear", align_corners=False))
    return torch.cat(out)
