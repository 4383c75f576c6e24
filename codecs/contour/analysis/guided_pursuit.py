"""The network encoder's pursuit: windows that were proposed are fitted in a few passes.

The network says where windows belong and how sure it is; how strong they are, what they gain
and what they cost is measured here, in closed form, against the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.codec import Geometry
from ....shared.compiled import compiled
from ....shared.error.importance import Importance
from ....shared.tiles.analysis.encoder import LAMBDA
from ..format.layout import FREQUENCY
from ..format.stream import most_layers
from . import levels
from .pursuit import Pursuit, polish, ratios_of, start, tidy
from .windows import matching
from .windows.correlation import NOTHING, assess, near, price

FloatArray = npt.NDArray[np.float32]

SMOOTH = 2
_BARS = ((6.0, 3.0), (4.0, 2.0), (2.0, 1.0))
"""What a proposal must gain, in its own bits, at each look; of fewer looks the last ones."""
_MOST_DEMAND = 1.0
"""Logarithm of the most that importance may change what a bit has to gain."""


@dataclass
class Proposed:
    """What a network proposed.

    Parameters
    ----------
    layers : (n, FIELDS) int32
        Outlines.
    confidence : (n,) float32
        Logits.
    count : int
        Windows of which these are the most confident.
    """

    layers: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32]
    count: int

    def __len__(self) -> int:
        return len(self.layers)


Look = Callable[[list[FloatArray]], Proposed]


@dataclass(frozen=True)
class Effort:
    """How thoroughly proposals are fitted.

    Parameters
    ----------
    aims : int
        Steps of least squares by which a proposal is brought to its place, at most.
    looks : int
        How often the network looks, up to 3: at the picture, then at what is left of it.
    last : int
        Passes once the step is known.
    climbs : bool
        Whether windows climb in the end, as those of the search do.
    """

    aims: int
    looks: int
    last: int
    climbs: bool


THOROUGH = Effort(3, 3, 2, climbs=True)


def quick(effort: int) -> Effort:
    """Return how proposals are fitted without refinement."""
    return Effort(1 + effort // 2, 1 + (effort >= 4) + (effort >= 8), 1, climbs=False)


@compiled
def _screen(pyramid, layers, lmbda, prices, gain, bits, sums):  # type: ignore[no-untyped-def]
    """Fill what each layer alone would remove, and its bits."""
    for i in range(len(layers)):
        layer = layers[i]
        low, high = near(np.int64(layer[FREQUENCY]))
        worth = assess(pyramid, layer, low, high, lmbda, prices, sums)
        if worth > NOTHING:
            bits[i] = price(layer, prices)
            gain[i] = worth + lmbda * bits[i]


def ranked(state: Pursuit, proposed: Proposed, prices: tuple[Any, ...]) -> npt.NDArray[np.int32]:
    """Put the most worthy first: sure, and with much gain for the bits; (n, FIELDS) int32."""
    layers = proposed.layers.copy()
    gain, bits = np.zeros(len(layers)), np.ones(len(layers))
    _screen(state.pyramid, layers, LAMBDA, prices, gain, bits, matching.scratch()[0])
    worth = proposed.confidence + np.log(np.maximum(gain, 1e-9) / bits)
    order = np.argsort(-worth, kind="stable")
    return layers[order]


def demand_of(importance: Importance | None) -> npt.NDArray[np.float64]:
    """What a bit has to gain where errors have this importance, see `matching.demanded`."""
    if importance is None:
        return matching.EVERYWHERE
    logarithms = importance.logarithms.astype(np.float64)
    off = np.clip(logarithms.mean() - logarithms, -_MOST_DEMAND, _MOST_DEMAND)
    out: npt.NDArray[np.float64] = np.exp(off)
    return out


def factors(layers: npt.NDArray[np.int32], importance: Importance) -> npt.NDArray[np.float64]:
    """What the squared error under each layer counts for, (n,)."""
    demand = demand_of(importance)
    mean = math.exp(float(importance.logarithms.mean()))
    return np.array([mean / matching.demanded(demand, layer) for layer in layers], np.float64)


def _accept(
    state: Pursuit,
    proposed: Proposed,
    prices: tuple[Any, ...],
    aims: int,
    bars: tuple[float, ...],
    strictness: float = 1.0,
) -> None:
    """Add the proposals that pay to the layers that there are, the most worthy first."""
    layers = ranked(state, proposed, prices)
    components, height, width = state.pyramid[0].shape
    most = most_layers(Geometry(height, width, components))
    terms = (ratios_of(state.steps), LAMBDA * strictness, state.demand, prices)
    state.layers = levels.accepted(state.pyramid, state.layers, layers, bars, aims, most, terms)
    state.looked += proposed.count


def _fit_again(
    state: Pursuit, prices: tuple[Any, ...], effort: Effort, strictness: float = 1.0
) -> None:
    """Fit every window again; drop those that do not pay."""
    lmbda = LAMBDA * strictness
    if effort.climbs:
        polish(state, prices, lmbda=lmbda)
    else:
        terms = (ratios_of(state.steps), lmbda, state.demand, prices)
        state.layers = levels.swept(state.pyramid, state.layers, effort.aims, terms)


def fill(
    planes: list[FloatArray],
    proposed: Proposed,
    steps: npt.NDArray[np.int64],
    prices: tuple[Any, ...],
    effort: Effort,
    demand: npt.NDArray[np.float64],
    look: Look,
) -> Pursuit:
    """Accept proposals that pay, the most worthy first; then look at what is left.

    Parameters
    ----------
    planes : list of (H, W) float32
    proposed : Proposed
        For the whole picture.
    steps : (C,) int64
    prices : tuple
    effort : Effort
    demand : ndarray
        See `matching.demanded`.
    look : callable
        Asks the network about other planes.
    """
    state = start(planes, steps, SMOOTH)
    state.demand = demand
    bars = _BARS[-effort.looks :]
    _accept(state, proposed, prices, effort.aims, bars[0])
    for bar in bars[1:]:
        sizes = (steps / 65536.0).astype(np.float32)
        left = look([plane * size for plane, size in zip(state.pyramid[0], sizes, strict=True)])
        _accept(state, left, prices, effort.aims, bar)
    return state


def shift(
    found: Pursuit,
    planes: list[FloatArray],
    proposed: Proposed,
    steps: npt.NDArray[np.int64],
    prices: tuple[Any, ...],
    effort: Effort,
    demand: npt.NDArray[np.float64],
    *,
    again: bool,
) -> Pursuit:
    """Take windows over to other steps or another demand, and fit them again.

    Parameters
    ----------
    again : bool
        Whether proposals are looked at again, in what the windows leave.
    """
    state = start(planes, steps, SMOOTH)
    state.demand, state.looked = demand, found.looked
    factor = float(found.steps[0]) / float(steps[0])
    state.layers = levels.rescaled(state.pyramid, found.layers, factor, ratios_of(steps))
    if again:
        _accept(state, proposed, prices, effort.aims, _BARS[-1])
        state.looked = found.looked
    for _ in range(effort.last):
        _fit_again(state, prices, effort)
    tidy(state.layers)
    return state


def tighten(
    state: Pursuit,
    proposed: Proposed,
    prices: tuple[Any, ...],
    effort: Effort,
    strictness: float,
) -> None:
    """Fit windows again where a bit has to gain `strictness` times what it usually has.

    If that is less than 1, proposals are looked at again, in what the windows leave.
    """
    if strictness < 1:
        looked = state.looked
        _accept(state, proposed, prices, effort.aims, _BARS[-1][-1:], strictness)
        state.looked = looked
    _fit_again(state, prices, effort, strictness)
    tidy(state.layers)
