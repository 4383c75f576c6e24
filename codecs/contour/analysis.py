"""Search encoder: a picture to priced layers, or tiles where those describe it with fewer bits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared import color, entropy
from ...shared.codec import Geometry, Image, Progress, Proposal
from ...shared.entropy import Tables
from ...shared.importance import Importance
from ...shared.tiles import encoder, synthesis
from ...shared.tiles.deblock import USUAL, smooth
from ...shared.tiles.elements import drop_details, errors, peaks
from ...shared.tiles.encoder import LAMBDA, Choice, Spectra
from ...shared.tiles.packets import split_packets
from ...shared.tiles.stream import EXTRA_STEPS, NEUTRAL_CHROMA, STEPS, TileSet, component_steps
from ...shared.tiles.syntax import FRACTION_BITS, GRADE, LOG
from . import pursuit, swift
from .format import HEADER, Ground, Written, head, initial_tables, write
from .layout import FIELDS
from .points import arrange
from .prices import layer_prices
from .synthesis import render_ground
from .worths import bounded, worths

FloatArray = npt.NDArray[np.float32]

_FAR = 12
"""Steps apart beyond which layers are searched from nothing, not taken over."""
_DENSE = 0.3
"""Bits a pixel of tiles above which layers are not tried: they take long and lose."""
_AHEAD = 6
"""Steps by which layers are finer than tiles of the same size, about."""
_FIRST = 0.3
"""Part of the work that the first search of a picture is."""
_USUAL = 212
_GUESSES = 2
_STEPS_AN_E = 24.0
"""Steps over which a file gets e times as small, about."""
_BEHIND = 1
"""Steps by which windows of a network are coarser than tiles of the same size, about."""
_SWEPT = 0.86
"""Part of the bits that is left when what was accepted is fitted again."""
_EXCESS = 0.08
"""Logarithm of what is proposed beyond the limit, and then cut."""
_CLOSE = 2
_FRAME = HEADER + 12
_SMOOTH = 2
_BARE = 3


@dataclass
class Analysis:
    """A picture, and what was found of it so far.

    Parameters
    ----------
    geometry : Geometry
    planes : list of (H, W) float32
        Components.
    pure : bool
        Whether tiles are not allowed.
    effort : int
    spectra : Spectra
    found : dict
        Pursuits by step.
    """

    geometry: Geometry
    planes: list[FloatArray]
    pure: bool
    effort: int
    spectra: Spectra
    progress: Progress | None = None
    found: dict[int, pursuit.Pursuit] = field(default_factory=dict)
    before: dict[int, pursuit.Pursuit] = field(default_factory=dict)
    limit: int | None = None
    proposed: swift.Proposed | None = None
    fitting: swift.Effort = swift.THOROUGH
    importance: Importance | None = None


@dataclass(frozen=True)
class State:
    """What `write_packets` needs of a proposal.

    Parameters
    ----------
    step : int
    ground : Ground
    tiles : TileSet or None
    leaves : (k,) int
        Leaves with detail.
    proposed : int
        Candidates that were looked at.
    """

    step: int
    ground: Ground
    tiles: TileSet | None
    leaves: npt.NDArray[np.intp]
    proposed: int


@dataclass(frozen=True)
class _Candidate:
    """One way to write the picture at a step."""

    ground: Ground
    choice: Choice | None
    written: Written
    error: float
    proposed: int

    @property
    def bits(self) -> float:
        return sum(self.written.coder.shares().values()) + 8.0 * HEADER


def analyze(image: Image, *, pure: bool, effort: int, progress: Progress | None) -> Analysis:
    """Split the image into components."""
    planes = color.to_components(image)
    height, width = planes[0].shape
    geometry = Geometry(height, width, len(planes))
    return Analysis(geometry, planes, pure, effort, encoder.transform(planes), progress)


def ask(analysis: Analysis, limit: int | None, *, thorough: bool) -> Analysis:
    """Have the network propose the windows of a file of `limit` bytes."""
    limit = limit or analysis.geometry.pixels // 80
    return replace(
        analysis, limit=limit, fitting=swift.THOROUGH if thorough else swift.quick(analysis.effort)
    )


def reweighted(analysis: Analysis, importance: Importance) -> Analysis:
    """Take an analysis with other importance of errors; what was found is the start."""
    return replace(analysis, importance=importance, found={}, before=analysis.found)


def _tile_bits(analysis: Analysis, step: int) -> float:
    choice = encoder.choose(analysis.spectra, step, NEUTRAL_CHROMA, initial_tables(), passes=1)
    return sum(choice.coder.shares().values())


def first_step(analysis: Analysis, limit: int) -> int:
    """Step at which tiles alone would fill `limit` bytes, about; layers are not far from it."""
    if analysis.limit:
        return _step_of_windows(analysis, limit)
    low, high = 0, STEPS
    while high - low > 4:
        step = (low + high) // 2
        if _tile_bits(analysis, step) / 8 > limit - 16:
            low = step
        else:
            high = step
    return max(high - _AHEAD, 0)


def _step_of_windows(analysis: Analysis, limit: int) -> int:
    """Step at which windows that a network proposed fill `limit` bytes, about.

    Tiles say where to begin, by two secants; what is accepted there says how far off that is.
    """
    known = analysis.found or analysis.before
    if known:
        return next(reversed(known))
    step, bits = _USUAL, 0.0
    for _ in range(_GUESSES):
        bits = _tile_bits(analysis, step)
        off = math.log((bits + 128.0) / (8.0 * limit))
        step = min(max(step + round(off * _STEPS_AN_E), 0), STEPS - 1)
    if not analysis.pure and 8 * limit >= _DENSE * analysis.geometry.pixels:
        return step
    step = min(step + _BEHIND, STEPS - 1)
    first = _filled(analysis, step)
    off = math.log(_bits(analysis, first) * _SWEPT / (8.0 * limit))
    aim = min(max(step + round((off - _EXCESS) * _STEPS_AN_E), 0), STEPS - 1)
    analysis.found[aim] = _shifted(analysis, first, aim, again=aim < step - _CLOSE)
    return aim


def _look(analysis: Analysis, planes: list[FloatArray]) -> swift.Proposed:
    """Ask the network what windows planes want, within the limit of the picture."""
    from .network_ask import ask

    assert analysis.limit
    return ask(planes, analysis.limit)


def _asked(analysis: Analysis) -> swift.Proposed:
    """What the network proposes; it is asked when windows are first tried."""
    if analysis.proposed is None:
        analysis.proposed = _look(analysis, analysis.planes)
    return analysis.proposed


def _terms(
    analysis: Analysis, step: int
) -> tuple[tuple[Any, ...], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Prices, steps of components, and demand of windows at a step."""
    geometry = analysis.geometry
    prices = layer_prices(initial_tables(), geometry.height, geometry.width)
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    return prices, steps, swift.demand_of(analysis.importance)


def _bits(analysis: Analysis, state: pursuit.Pursuit) -> float:
    """Bits of a file with these layers."""
    ground = _ground(analysis, state.steps, state.base_code, state.base.copy(), state.layers)
    return sum(write(initial_tables(), ground, None).coder.shares().values()) + 8.0 * _FRAME


def _filled(analysis: Analysis, step: int) -> pursuit.Pursuit:
    prices, steps, demand = _terms(analysis, step)
    return swift.fill(
        analysis.planes, _asked(analysis), steps, prices, analysis.fitting, demand,
        partial(_look, analysis),
    )  # fmt: skip


def _shifted(
    analysis: Analysis, state: pursuit.Pursuit, step: int, *, again: bool
) -> pursuit.Pursuit:
    prices, steps, demand = _terms(analysis, step)
    return swift.shift(
        state, analysis.planes, _asked(analysis), steps, prices, analysis.fitting, demand,
        again=again,
    )  # fmt: skip


def _settle(analysis: Analysis, step: int) -> pursuit.Pursuit:
    """Windows that pay at a step, of those that a network proposed."""
    known = {**analysis.before, **analysis.found}
    near = min(known, key=lambda other: (abs(other - step), -other), default=None)
    if near is None or abs(near - step) > _FAR:
        return _shifted(analysis, _filled(analysis, step), step, again=False)
    again = near > step or analysis.importance is not None
    return _shifted(analysis, known[near], step, again=again)


def _pursue(analysis: Analysis, step: int) -> pursuit.Pursuit:
    """Layers of the picture at a step: searched from nothing the first time, then taken over."""
    found = analysis.found
    if step not in found and analysis.limit:
        found[step] = _settle(analysis, step)
    if step not in found:
        geometry = analysis.geometry
        prices = layer_prices(initial_tables(), geometry.height, geometry.width)
        steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
        # Of equally near ones the coarser: layers are easier to add than to leave out.
        near = min(found, key=lambda other: (abs(other - step), -other), default=None)
        if near is None or abs(near - step) > _FAR:
            tell = None if found else analysis.progress
            found[step] = pursuit.search(
                analysis.planes, steps, _SMOOTH, prices, analysis.effort,
                progress=tell and (lambda done: tell(_FIRST * done)),
            )  # fmt: skip
        else:
            found[step] = pursuit.adapt(
                found[near], analysis.planes, steps, prices, finer=step < near
            )
    return found[step]


def _ground(
    analysis: Analysis,
    steps: npt.NDArray[np.int64],
    base_code: int,
    base: npt.NDArray[np.int32],
    layers: npt.NDArray[np.int32],
) -> Ground:
    order = arrange(layers, analysis.geometry.height, analysis.geometry.width)
    ground = Ground(analysis.geometry, steps, base_code, base, layers[order])
    return bounded(analysis.planes, ground)


def _error(analysis: Analysis, planes: Any, steps: npt.NDArray[np.int64]) -> float:
    """Squared error of rendered planes, in squared steps."""
    total = 0.0
    for plane, shown, step in zip(analysis.planes, planes, steps.tolist(), strict=True):
        off = plane - shown.astype(np.float32) / np.float32(1 << FRACTION_BITS)
        total += float((off * off).sum(dtype=np.float64)) / (step / 65536.0) ** 2
    return total


def _bare(analysis: Analysis, step: int) -> Ground:
    """The least that a file can hold: a coarse base, or nothing."""
    steps = component_steps(min(step, STEPS - 1), NEUTRAL_CHROMA, analysis.geometry.channels)
    code = _BARE if step <= STEPS else 0
    state = pursuit.start(analysis.planes, steps, code)
    return _ground(analysis, steps, code, state.base, np.zeros((0, FIELDS), np.int32))


def _layers_alone(analysis: Analysis, step: int) -> _Candidate:
    proposed = 0
    if step >= STEPS:
        ground = _bare(analysis, step)
    else:
        state = _pursue(analysis, step)
        ground = _ground(analysis, state.steps, state.base_code, state.base, state.layers)
        proposed = state.proposed
    written = write(initial_tables(), ground, None)
    error = _error(analysis, render_ground(np, ground), ground.steps)
    return _Candidate(ground, None, written, error, proposed)


def _tiles_alone(analysis: Analysis, step: int) -> _Candidate:
    geometry = analysis.geometry
    choice = encoder.choose(analysis.spectra, step, NEUTRAL_CHROMA, initial_tables())
    tiles = choice.tiles
    blank = np.zeros((0, FIELDS), np.int32)
    empty = np.zeros((geometry.channels, 0, 0), np.int32)
    ground = Ground(geometry, tiles.steps, 0, empty, blank)
    again = TileSet.blank(geometry, tiles.steps, tiles.leaves, tiles.levels)
    written = write(initial_tables(), ground, again, priced=True)
    shown = synthesis.render(np, again, np.ones(len(again.leaves), np.bool_))
    shown = smooth(np, again, shown, USUAL)[:, : geometry.height, : geometry.width]
    choice = Choice(again, choice.ratios, written.prices, written.spent, written.coder)
    return _Candidate(ground, choice, written, _error(analysis, shown, tiles.steps), 0)


def propose(analysis: Analysis, step: int) -> Proposal:
    """Describe the picture at `step`; elements are layers and details of leaves."""
    candidates = []
    if not analysis.pure and step < STEPS:
        candidates.append(_tiles_alone(analysis, step))
    if not candidates or candidates[0].bits < _DENSE * analysis.geometry.pixels:
        candidates.append(_layers_alone(analysis, step))
    best = min(candidates, key=lambda c: c.error + LAMBDA * c.bits)
    ground, choice = best.ground, best.choice
    shares = best.written.coder.shares()
    unit = color.ERROR_WEIGHTS[analysis.geometry.channels][0] * (ground.steps[0] / 65536.0) ** 2
    if choice is not None:
        leaves = choice.tiles.leaves
        found = np.nonzero(leaves[:, GRADE])[0]
        fixed = shares["partition"] + shares["means"] + 8.0 * HEADER
        bits = choice.spent[found] + 4.0
        contrast, area = peaks(choice)[found], (1 << 2 * leaves[found, LOG]).astype(np.float64)
        gain = errors(choice)[0][found]
        tiles = choice.tiles
    else:
        found, tiles = np.zeros(0, np.intp), None
        worth = worths(analysis.planes, ground)
        fixed = shares["base"] + 8.0 * HEADER
        bits, contrast, area = worth.bits, worth.contrast, worth.area
        gain = worth.gain * unit
    bits = bits * ((best.bits - fixed) / max(float(bits.sum()), 1e-9))
    return Proposal(
        step=step,
        contrast=contrast,
        area=area,
        gain=gain,
        bits=np.maximum(bits, 1e-3),
        residual=best.error * unit,
        overhead_bits=fixed,
        state=State(min(step, STEPS - 1), ground, tiles, found, best.proposed),
    )


def write_packets(state: State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the layers, or the leaves and the details, that are kept."""
    ground, tiles = state.ground, None
    if state.tiles is None:
        layers = ground.layers[keep]
        ground = Ground(ground.geometry, ground.steps, ground.base_code, ground.base, layers)
    else:
        tiles = drop_details(state.tiles, state.leaves[~keep])
    written = write(initial_tables(), ground, tiles)
    payload = entropy.finish_encoder(written.coder.rc, written.coder.buf)
    start = head(state.step, NEUTRAL_CHROMA, USUAL, ground, pure=tiles is None)
    return split_packets(start, payload, written.first, written.marks)


__all__ = ["EXTRA_STEPS", "Analysis", "Tables", "analyze", "first_step", "propose"]
