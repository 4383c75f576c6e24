"""Encoder network of tiles and of fractal maps on them, and the float twin of the tiles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, layer_norm

from ....shared.codec import Image
from ....shared.error.importance import GRID, OCTAVES, ROLES, Importance
from ....shared.network.contract import Reconstruction, trained_network
from ....shared.network.importance import Band, ImportanceNetwork
from ....shared.network.inference import look_around
from ....shared.network.reweighting import from_components, to_components
from ....shared.tiles import network as tiles_network
from ....shared.tiles.format.stream import COMPONENT_GAIN
from ....shared.tiles.network import LOGS, REGION_LOG

MAPPED = (3, 4, 5, 6)
"""Logarithms of the sides of leaves that may have a map."""
LEAST_LOGITS = {3: -3.0, 4: -4.0, 5: -4.0, 6: -4.0}
"""Leaves below are not searched, by size; of 8 pixels: two thirds, with a third of the maps."""
Promising = dict[int, npt.NDArray[np.int64]]
"""Leaves (n, 2) by the logarithm of their side."""
_BITS_EACH, _LEAST_KEPT = 6.0, 0.8
_LAMBDA = 0.14
_GAINS = [gain / COMPONENT_GAIN[0] for gain in COMPONENT_GAIN[:3]]


def _guessed_step(bands: list[Tensor], budget: Tensor) -> Tensor:
    """Step at which about as many coefficients are kept as the budget pays for, (B,)."""
    magnitudes = torch.cat([band.abs().flatten(1) for band in bands], 1)
    falling = magnitudes.sort(1, descending=True).values
    count = (budget / _BITS_EACH).long().clamp(max=falling.shape[1] - 1)
    return (falling.gather(1, count[:, None])[:, 0] / _LEAST_KEPT).clamp(min=0.25)


def _costs(planes: list[Tensor], step: Tensor) -> Tensor:
    """Lagrangian cost of each region, about, (B, rows, columns) squared steps."""
    total = torch.zeros_like(planes[0])
    for plane in planes[1:]:
        ratio = plane.abs() / step[:, None, None]
        bits = _BITS_EACH + 2.0 * torch.log2(ratio.clamp(min=1.0))
        cost = torch.minimum(ratio * ratio, _LAMBDA * bits)
        rows, columns = total.shape[1:]
        side = plane.shape[1] // rows
        total = total + cost.reshape(len(plane), rows, side, columns, side).sum((2, 4))
    return total


def _transformed(pictures: Tensor) -> list[list[list[Tensor]]]:
    """Planes in equal units of squared error, by component, size of tiles and octave."""
    return [
        [[part / gain for part in tiles_network.forward(plane, log)] for log in LOGS]
        for plane, gain in zip(to_components(pictures), _GAINS, strict=True)
    ]


def _bands(planes: list[list[list[Tensor]]], sizes: list[Tensor]) -> list[Band]:
    """Choose planes by the sizes of luma and chroma; the means go with the last octave."""
    return [
        Band(part, min(comp, 1), min(REGION_LOG - 1 - (i - 1) // 3, REGION_LOG - 1))
        for comp, options in enumerate(planes)
        for i, part in enumerate(tiles_network.chosen(options, sizes[min(comp, 1)]))
    ]


def _decoded(values: list[Tensor], sizes: list[Tensor], step: Tensor) -> Tensor:
    """Transform back and soften the seams of steps (B,)."""
    planes, count = [], len(values) // 3
    for comp, gain in enumerate(_GAINS):
        mine = [part * gain for part in values[comp * count : comp * count + count]]
        size = sizes[min(comp, 1)]
        plane = tiles_network.picked([tiles_network.inverse(mine, log) for log in LOGS], size)
        planes.append(tiles_network.smooth(plane, size, step * gain))
    return from_components(planes)


def _normal(features: Tensor) -> Tensor:
    """Features of each place with mean 0 and variance 1."""
    rows = features.permute(0, 2, 3, 1)
    return layer_norm(rows, rows.shape[-1:]).permute(0, 3, 1, 2)


def _pooled(plane: Tensor, factor: int) -> Tensor:
    return avg_pool2d(plane, factor, ceil_mode=True) if factor > 1 else plane


def _at_tiles(importance: Tensor, sizes: Tensor) -> Tensor:
    """Mean importance of the tile at each 8 x 8 pixels; `importance` has cells of 16 x 16."""
    small = interpolate(importance[:, None], scale_factor=2.0, mode="bilinear")[:, 0]
    large = avg_pool2d(importance, 2)
    return tiles_network.picked(
        [
            small,
            tiles_network.per_region(importance, small),
            tiles_network.per_region(large, small),
        ],
        sizes,
    )


def _on_plane(places: Tensor, like: Tensor) -> Tensor:
    """Bring what belongs to 8 x 8 pixels to the coefficients of a plane."""
    if like.shape[1] >= places.shape[1]:
        return tiles_network.per_region(places, like)
    return avg_pool2d(places, places.shape[1] // like.shape[1])


def ask(codec: str, image: Image, limit: int | None) -> tuple[Importance, Promising]:
    """Ask the shipped network what counts in a picture, and which leaves may have a map."""
    network = trained_network(codec)
    assert isinstance(network, PifsNetwork)

    def look(pictures: Tensor, bpp: Tensor) -> list[Tensor]:
        importance, logits = network.look(pictures, bpp)
        return [importance.flatten(1, 2), *(part[:, None] for part in logits)]

    strides = [GRID, *(1 << log for log in MAPPED)]
    found, *logits = look_around(image, limit, look, strides)
    leaves = {
        log: np.argwhere(part[0] > LEAST_LOGITS[log])
        for log, part in zip(MAPPED, logits, strict=True)
    }
    return Importance(found.reshape(ROLES, OCTAVES, *found.shape[1:])), leaves


class PifsNetwork(ImportanceNetwork):
    """Importance of coefficients, and where fractal maps pay.

    Pictures in training have sides that 64 divides. The twin gives every region of 32 x 32
    pixels tiles of one of three sizes, by its own costs; it has no maps. Where those pay is
    learned from the search, see `distilling`.
    """

    def __init__(self) -> None:
        super().__init__()
        fine, middle, _ = self.backbone.widths
        self.narrow = nn.Sequential(nn.Conv2d(fine, 32, 1), nn.GELU(), nn.Conv2d(32, 1, 1))
        self.wide = nn.Sequential(
            nn.Conv2d(middle, 64, 1), nn.GELU(), nn.Conv2d(64, len(MAPPED) - 1, 1)
        )

    def look(self, pictures: Tensor, bpp: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return importance, and logits of maps.

        Returns
        -------
        (B, ROLES, OCTAVES, rows, columns) tensor
        list of (B, h, w) tensors
            By size of leaf, see `MAPPED`; one for each leaf of that size.
        """
        fine, middle, _ = self.backbone(pictures, bpp)
        return self.importance_of(middle, pictures), self.logits_of(fine, middle)

    def logits_of(self, fine: Tensor, middle: Tensor) -> list[Tensor]:
        """Return the logits of the backbone's features."""
        wide = self.wide(_normal(middle))
        return [
            self.narrow(_normal(fine))[:, 0],
            *(_pooled(wide[:, k], 1 << k) for k in range(len(MAPPED) - 1)),
        ]

    def reconstruct(self, pictures: Tensor, bpp: Tensor) -> Reconstruction:
        """See `EncoderNetwork.reconstruct`."""
        importance = self.importance(pictures, bpp)
        with torch.no_grad():
            planes = _transformed(pictures)
            budget = bpp * float(pictures.shape[-1] * pictures.shape[-2])
            step = _guessed_step([part for comp in planes for part in comp[1]], budget)
            costs = [torch.stack([_costs(part, step) for part in comp]) for comp in planes]
            sizes = [costs[0].argmin(0), (costs[1] + costs[2]).argmin(0)]
            bands = _bands(planes, sizes)
        places = [
            [_at_tiles(by_octave, sizes[r]) for by_octave in importance[:, r].unbind(1)]
            for r in range(ROLES)
        ]
        weights = [_on_plane(places[band.role][band.octave], band.values) for band in bands]
        return self.survivors(
            bands, pictures, bpp, importance, weights=weights,
            synthesize=lambda values, at: _decoded(values, sizes, at),
        )  # fmt: skip

    def analyze(self, pictures: Tensor) -> list[Band]:
        """Transform with tiles of the middle size."""
        return _bands(_transformed(pictures), [self._middle(pictures)] * 2)

    def synthesize(self, values: list[Tensor], pictures: Tensor) -> Tensor:
        """Undo `analyze`."""
        return _decoded(values, [self._middle(pictures)] * 2, torch.zeros(len(pictures)))

    @staticmethod
    def _middle(pictures: Tensor) -> Tensor:
        rows, columns = (n >> REGION_LOG for n in pictures.shape[-2:])
        return torch.ones(len(pictures), rows, columns, dtype=torch.int64)
