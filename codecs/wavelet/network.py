"""The wavelet's encoder network: importance of subbands and regions, and the float twin."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ...shared.error.importance import OCTAVES
from ...shared.network.importance import Band, ImportanceNetwork
from ...shared.network.reweighting import from_components, to_components
from .format.layout import LL, make_layout
from .format.stream import band_steps
from .synthesis.transform import ALPHA, BETA, DELTA, GAMMA

_LEVELS = OCTAVES + 1


def _after(x: Tensor) -> Tensor:
    return torch.cat([x[..., 1:], x[..., -1:]], -1)


def _before(x: Tensor) -> Tensor:
    return torch.cat([x[..., :1], x[..., :-1]], -1)


def _split(x: Tensor) -> tuple[Tensor, Tensor]:
    """Lift once along the last axis, whose length is even: low half, high half."""
    low, high = x[..., 0::2], x[..., 1::2]
    high = high + ALPHA * (low + _after(low))
    low = low + BETA * (_before(high) + high)
    high = high + GAMMA * (low + _after(low))
    low = low + DELTA * (_before(high) + high)
    return low, high


def _merge(low: Tensor, high: Tensor) -> Tensor:
    """Undo `_split`."""
    low = low - DELTA * (_before(high) + high)
    high = high - GAMMA * (low + _after(low))
    low = low - BETA * (_before(high) + high)
    high = high - ALPHA * (low + _after(low))
    return torch.stack([low, high], -1).flatten(-2)


@lru_cache(maxsize=4)
def _steps(components: int) -> dict[tuple[int, int, int], float]:
    """Relative step of the unscaled transform, by component, orientation and level."""
    # Any size with enough levels has the same steps; index 512 keeps the rounding small.
    layout = make_layout(1 << _LEVELS, 1 << _LEVELS)
    steps = band_steps(layout, 512, components) / (65536.0 * 64.0)
    return {
        (comp, band.orient, band.level): float(steps[comp, i])
        for comp in range(components)
        for i, band in enumerate(layout.bands)
    }


class WaveletNetwork(ImportanceNetwork):
    """Importance of the coefficients; pictures in training have sides that 64 divides."""

    def analyze(self, pictures: Tensor) -> list[Band]:
        """Transform pictures: per component the low-pass rest, then levels from the coarsest."""
        out, steps = [], _steps(3)
        for comp, plane in enumerate(to_components(pictures)):
            mine, role = [], min(comp, 1)
            for level in range(1, _LEVELS + 1):
                low, high = (half.mT for half in _split(plane.mT))
                (plane, hl), (lh, hh) = _split(low), _split(high)
                for orient, part in ((3, hh), (2, lh), (1, hl)):
                    mine.append(Band(part / steps[comp, orient, level], role, level - 1))
            out += [Band(plane / steps[comp, LL, _LEVELS], role, _LEVELS - 1), *mine[::-1]]
        return out

    def synthesize(self, values: list[Tensor], pictures: Tensor) -> Tensor:
        """Undo `analyze`."""
        planes, steps, at = [], _steps(3), iter(values)
        for comp in range(3):
            plane = next(at) * steps[comp, LL, _LEVELS]
            for level in range(_LEVELS, 0, -1):
                hl, lh, hh = (next(at) * steps[comp, o, level] for o in (1, 2, 3))
                low, high = _merge(plane, hl), _merge(lh, hh)
                plane = _merge(low.mT, high.mT).mT
            planes.append(plane)
        return from_components(planes)
