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
from ..format.layout import FIELDS, FREQUENCIES, FREQUENCY
from ..format.stream import most_layers
from .pursuit import Pursuit, polish, ratios_of, start, tidy
from .windows import matching
from .windows.correlation import NOTHING, assess, price

FloatArray = npt.NDArray[np.float32]

SMOOTH = 2
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
    climbs : int
        How often a proposal may climb before it is judged.
    looks : int
        How often the network looks: at the picture, then at what is left of it.
    last : int
        Passes once the step is known.
    rich : bool
        Whether windows may have several harmonics in the end.
    """

    climbs: int
    looks: int
    last: int
    rich: bool


THOROUGH = Effort(2, 3, 2, rich=True)


def quick(effort: int) -> Effort:
    """Return how proposals are fitted without refinement."""
    return Effort(int(effort >= 3), 1 + (effort >= 5), 1, rich=False)


@compiled
def _screen(pyramid, layers, lmbda, prices, gain, bits, sums):  # type: ignore[no-untyped-def]
    """Fill what each layer alone would remove, and its bits."""
    for i in range(len(layers)):
        layer = layers[i]
        low = max(np.int64(layer[FREQUENCY]) - 1, 0)
        high = min(np.int64(layer[FREQUENCY]) + 2, FREQUENCIES)
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


def _accept(state: Pursuit, proposed: Proposed, prices: tuple[Any, ...], rounds: int) -> None:
    """Add the proposals that pay to the layers that there are, the most worthy first."""
    layers = ranked(state, proposed, prices)
    components, height, width = state.pyramid[0].shape
    before = len(state.layers)
    most = min(most_layers(Geometry(height, width, components)), before + len(layers))
    room = np.zeros((most, FIELDS), np.int32)
    count = min(before, most)
    room[:count] = state.layers[:count]
    count = matching.accept(
        state.pyramid, room, count, layers, ratios_of(state.steps), LAMBDA, state.demand, prices,
        0.0, rounds, False, matching.scratch(),
    )  # fmt: skip
    state.layers = room[:count].copy()
    state.looked += proposed.count


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
    _accept(state, proposed, prices, effort.climbs)
    for _ in range(effort.looks - 1):
        polish(state, prices, rich=False)
        sizes = (steps / 65536.0).astype(np.float32)
        left = look([plane * size for plane, size in zip(state.pyramid[0], sizes, strict=True)])
        _accept(state, left, prices, effort.climbs)
    tidy(state.layers)
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
    state.demand, state.layers, state.looked = demand, found.layers.copy(), found.looked
    factor = float(found.steps[0]) / float(steps[0])
    matching.rescale(state.pyramid, state.layers, factor, ratios_of(steps), matching.scratch())
    if again:
        _accept(state, proposed, prices, effort.climbs)
        state.looked = found.looked
    for _ in range(effort.last):
        polish(state, prices, rich=effort.rich)
    tidy(state.layers)
    return state
