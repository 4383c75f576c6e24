"""The search encoder's pursuit: base and layers of a picture at one quantizer step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.codec import Geometry, Progress
from ....shared.tiles.analysis.encoder import LAMBDA
from ....shared.tiles.format.stream import STEPS
from ..format.base import add_base, fit_base, shape_of
from ..format.layout import EXTRA, FIELDS, MORE, MOST_EXTRA
from ..format.stream import most_layers
from .windows import matching
from .windows.dictionary import propose, reduce_by, scale_radius

FloatArray = npt.NDArray[np.float32]

_NEAR = 12
"""Steps apart beyond which what a network proposes is looked at again, not taken over."""
_FAR, _HOP = 24, 12
"""Steps from which layers are taken over to a finer one, and at most so many at once."""
_FINE_LAST, _FINE = 5, 6
"""Effort from which windows are proposed from all samples at the last step, and at all."""
_SPARSE = 500
"""Pixels for each window from which windows are few."""
_LARGE = 6
"""Scales from this one up are searched first."""


@dataclass
class Pace:
    """How far a search is, told pass by pass.

    Parameters
    ----------
    tell : callable, optional
        Called with the fraction done.
    passes : int
        Passes over the picture or its layers that there will be, about.
    """

    tell: Progress | None = None
    passes: int = 1
    done: int = 0

    def step(self) -> None:
        """Count a pass."""
        self.done += 1
        if self.tell:
            self.tell(min(1.0, self.done / self.passes))


@dataclass
class Pursuit:
    """Layers found so far, and what they leave.

    Parameters
    ----------
    steps : (C,) int64
        16 fractional bits.
    base_code : int
    base : (C, rows, columns) int32
    pyramid : tuple of (C, H, W) float32
        The residual in steps, and its averages over 2 and 4 pixels a side.
    layers : (n, FIELDS) int32
    looked : int
        Candidates that were looked at.
    demand : (2, octaves, rows, columns) float64
        Factors of what a bit has to gain, see `matching.demanded`.
    pace : Pace
    """

    steps: npt.NDArray[np.int64]
    base_code: int
    base: npt.NDArray[np.int32]
    pyramid: tuple[FloatArray, ...]
    layers: npt.NDArray[np.int32]
    looked: int = 0
    demand: npt.NDArray[np.float64] = field(default_factory=lambda: matching.EVERYWHERE)
    pace: Pace = field(default_factory=Pace)


def scales_of(geometry: Geometry, comp: int) -> tuple[int, ...]:
    """Every other scale that suits a picture of this size; climbing finds those between."""
    largest = 0.4 * min(geometry.height, geometry.width)
    first = 0 if comp == 0 or geometry.channels < 3 else 4
    return tuple(s for s in range(first, 14, 2) if scale_radius(s) <= max(largest, 4.0))


def ratios_of(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Step of one component over that of another, (C, C)."""
    values = steps.astype(np.float64)
    out: npt.NDArray[np.float64] = values[:, None] / values[None, :]
    return out


def in_steps(planes: list[FloatArray], steps: npt.NDArray[np.int64]) -> FloatArray:
    """Components in units of their step, (C, H, W) float32."""
    sizes = (steps / 65536.0).astype(np.float32)
    return np.stack(planes).astype(np.float32) / sizes[:, None, None]


def pyramid_of(planes: FloatArray) -> tuple[FloatArray, ...]:
    """Planes (C, H, W), and their averages over 2 and 4 pixels a side."""
    return planes, *(np.stack([reduce_by(plane, n) for plane in planes]) for n in (2, 4))


def start(planes: list[FloatArray], steps: npt.NDArray[np.int64], base_code: int) -> Pursuit:
    """Fit the base, and leave the rest to the layers."""
    height, width = planes[0].shape
    base = np.zeros((len(planes), *shape_of(height, width, base_code)), np.int32)
    if base_code:
        for comp, step in enumerate(steps.tolist()):
            base[comp] = fit_base(planes[comp], base_code, step / 65536.0)
    ground = np.zeros((len(planes), *planes[0].shape), np.int32)
    add_base(np, base, base_code, steps, ground, 1)
    residual = in_steps([p - g / np.float32(64) for p, g in zip(planes, ground)], steps)
    return Pursuit(steps, base_code, base, pyramid_of(residual), np.zeros((0, FIELDS), np.int32))


def grow(
    state: Pursuit,
    prices: tuple[Any, ...],
    *,
    scales: tuple[tuple[int, ...], ...],
    least: float = 0.0,
    rounds: int = 3,
    rich: bool = True,
    lmbda: float = LAMBDA,
    quick: bool = False,
) -> int:
    """Propose at the given scales, one set a component, and accept what pays; return how many."""
    components, height, width = state.pyramid[0].shape
    geometry = Geometry(height, width, components)
    ratios = ratios_of(state.steps)
    before = len(state.layers)
    room = np.zeros((most_layers(geometry), FIELDS), np.int32)
    count = min(before, len(room))
    room[:count] = state.layers[:count]
    for comp, chosen in enumerate(scales):
        if not chosen:
            continue
        plane, enough = state.pyramid[0][comp], lmbda * (18.0 + least)
        found, looked = propose(plane, comp, chosen, enough, quick=quick)
        state.looked += looked
        count = matching.accept(
            state.pyramid,
            room,
            count,
            found,
            ratios,
            lmbda,
            state.demand,
            prices,
            least,
            rounds,
            rich,
            matching.scratch(),
        )
    state.layers = room[:count].copy()
    state.pace.step()
    return count - before


def polish(
    state: Pursuit,
    prices: tuple[Any, ...],
    *,
    least: float = 0.0,
    rounds: int = 1,
    rich: bool = True,
    lmbda: float = LAMBDA,
) -> None:
    """Fit every window again; drop those that do not pay."""
    ratios = ratios_of(state.steps)
    kept = matching.sweep(
        state.pyramid,
        state.layers,
        len(state.layers),
        ratios,
        lmbda,
        state.demand,
        prices,
        least,
        rounds,
        rich,
        matching.scratch(),
    )
    state.layers = state.layers[:kept].copy()
    state.pace.step()


def _rounds(state: Pursuit, prices: tuple[Any, ...], effort: int, rounds: int) -> None:
    """Grow and polish: large windows, all windows, then luma alone."""
    components, height, width = state.pyramid[0].shape
    geometry = Geometry(height, width, components)
    every = tuple(scales_of(geometry, comp) for comp in range(components))
    large = tuple(tuple(s for s in scales if s >= _LARGE) for scales in every)
    for number in range(rounds):
        scales = large if number == 0 else every
        if number >= 2:
            scales = tuple(s if comp == 0 else () for comp, s in enumerate(scales))
        grow(state, prices, scales=scales, rich=False, rounds=2 + effort // 3, quick=effort < _FINE)
        for _ in range(1 + effort // 6):
            polish(state, prices, rich=False)


def tidy(layers: npt.NDArray[np.int32]) -> None:
    """Clear the places of harmonics that layers no longer have, in place."""
    for i in range(MOST_EXTRA):
        layers[layers[:, MORE] <= i, EXTRA + 3 * i : EXTRA + 3 * i + 3] = 0


def search(
    planes: list[FloatArray],
    steps: npt.NDArray[np.int64],
    base_code: int,
    prices: tuple[Any, ...],
    effort: int,
    demand: npt.NDArray[np.float64] = matching.EVERYWHERE,
    progress: Progress | None = None,
    *,
    final: bool = True,
) -> Pursuit:
    """Find the layers of a picture at these steps, from nothing.

    Parameters
    ----------
    demand : (2, octaves, rows, columns) float64
        See `matching.demanded`.
    progress : callable, optional
        Called with the fraction done.
    final : bool
        Whether they are used as they are, not taken over to finer steps.
    """
    state = start(planes, steps, base_code)
    state.demand = demand
    rounds, last = 2 + (effort > 5) + (effort > 7), (1 + effort // 3) * final
    state.pace = Pace(progress, rounds * (2 + effort // 6) + last)
    _rounds(state, prices, effort, rounds)
    for _ in range(last):
        polish(state, prices)
    tidy(state.layers)
    return state


def approach(found: Iterable[int], step: int) -> list[int]:
    """Steps at which layers are looked for on the way to `step`, the coarsest first.

    Layers that were found at a coarser step and fitted again are better than those found at once:
    on training pictures error and bits together are 1 to 2 % less. Those of a finer step are
    3 % worse, as too many of them stay.

    Parameters
    ----------
    found : iterable of int
        Steps at which they have been found; the first step is one of them if one is near enough.
    """
    coarser = [other for other in found if step <= other <= step + _FAR]
    first = min(coarser) if coarser else min(step + _FAR, STEPS - 1)
    hops = max(-(-(first - step) // _HOP), 0)
    return [first - (first - step) * k // max(hops, 1) for k in range(hops + 1)]


def nearest(found: Iterable[int], step: int) -> int | None:
    """Choose the step whose layers are taken over to `step`; None if that is too far from all.

    Of equally near ones the coarser: layers are easier to add than to leave out.
    """
    near = min(found, key=lambda other: (abs(other - step), -other), default=None)
    return None if near is None or abs(near - step) > _NEAR else near


def adapt(
    found: Pursuit,
    planes: list[FloatArray],
    steps: npt.NDArray[np.int64],
    prices: tuple[Any, ...],
    *,
    finer: bool,
    effort: int = 5,
    strictness: float = 1.0,
    final: bool = True,
) -> Pursuit:
    """Take the layers found at other steps over to these, fit them again, and add some if finer.

    A bit has to gain `strictness` times what it usually has. What is not `final` is taken over to
    other steps in turn: windows get several harmonics only in the end.
    """
    lmbda = LAMBDA * strictness
    state = start(planes, steps, found.base_code)
    state.demand = found.demand
    factor, ratios = float(found.steps[0]) / float(steps[0]), ratios_of(steps)
    layers = found.layers.copy()
    matching.rescale(state.pyramid, layers, factor, ratios, matching.scratch())
    state.layers, state.looked = layers, found.looked
    if finer:
        polish(state, prices, lmbda=lmbda, rich=False)
        components, height, width = state.pyramid[0].shape
        geometry = Geometry(height, width, components)
        scales = tuple(scales_of(geometry, comp) for comp in range(components))
        quick = effort < (_FINE_LAST if final else _FINE)
        # Where windows are few, another round takes little time, and gains most.
        sparse = _SPARSE * len(state.layers) < height * width
        for _ in range(2 if final and effort > 4 and sparse else 1):
            grow(state, prices, scales=scales, rich=False, lmbda=lmbda, quick=quick)
            polish(state, prices, lmbda=lmbda, rich=False)
            polish(state, prices, lmbda=lmbda, rich=False)
    if final:
        polish(state, prices, lmbda=lmbda)
    tidy(state.layers)
    return state
