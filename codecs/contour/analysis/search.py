"""Search encoder: a picture to priced layers, or tiles where those describe it with fewer bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared.codec import Geometry, Image, Progress, Proposal
from ....shared.entropy import Tables
from ....shared.error.importance import Importance, mixed
from ....shared.picture import color
from ....shared.tiles.analysis import encoder
from ....shared.tiles.analysis.elements import drop_details, errors, peaks, unit_error
from ....shared.tiles.analysis.encoder import LAMBDA, Choice
from ....shared.tiles.format.packets import split_packets
from ....shared.tiles.format.stream import (
    EXTRA_STEPS,
    NEUTRAL_CHROMA,
    STEPS,
    TileSet,
    component_steps,
)
from ....shared.tiles.format.syntax import FRACTION_BITS, GRADE, LOG
from ....shared.tiles.synthesis import reconstruction
from ....shared.tiles.synthesis.deblocking import USUAL, smooth
from ..format.layout import FIELDS
from ..format.outlines import VALUE
from ..format.stream import HEADER, Ground, Written, head, initial_tables, write
from ..synthesis.reconstruction import render_ground
from . import guided_pursuit, guided_search, pursuit
from .outlined import Outlined, Shapes, spectra_of
from .prices import layer_prices
from .ranking import grounded, worths
from .state import Analysis

FloatArray = npt.NDArray[np.float32]

_DENSE = 0.3
"""Bits a pixel of a file, or of tiles where no file is asked for, above which layers are not tried:
they take long, and on most photographs lose."""
_AHEAD = 6
"""Steps by which layers are finer than tiles of the same size, about."""
_FIRST = 0.3
"""Part of the work that the first search of a picture is."""
_SMOOTH = 2
_BARE = 3


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
    probability : (n,) int32
        States of the coder in the end.
    """

    step: int
    ground: Ground
    tiles: TileSet | None
    leaves: npt.NDArray[np.intp]
    probability: npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Candidate:
    """One way to write the picture at a step."""

    ground: Ground
    choice: Choice | None
    written: Written
    error: float
    looked: int
    outlined: Outlined | None = None

    @property
    def bits(self) -> float:
        return sum(self.written.coder.shares().values()) + 8.0 * HEADER


def analyze(image: Image, *, pure: bool, effort: int, progress: Progress | None) -> Analysis:
    """Split the image into components."""
    planes = color.to_components(image)
    height, width = planes[0].shape
    geometry = Geometry(height, width, len(planes))
    spectra = encoder.transform(planes)
    return Analysis(geometry, planes, pure, effort, spectra, progress, shapes=Shapes.of(planes))


def ask(
    analysis: Analysis,
    importance: Importance,
    limit: int | None,
    look: Callable[[list[FloatArray], int], guided_pursuit.Proposed],
    *,
    thorough: bool,
) -> Analysis:
    """Fill a file of `limit` bytes by what networks propose (`look`), and by how errors count."""
    size = limit or analysis.geometry.pixels // 80
    return replace(
        analysis,
        limit=size,
        look=lambda planes: look(planes, size),
        spectra=analysis.spectra.reweighted(importance),
        fitting=guided_pursuit.THOROUGH if thorough else guided_pursuit.quick(analysis.effort),
    )


def reweighted(analysis: Analysis, importance: Importance) -> Analysis:
    """Mix other importance of errors in; what was found is the start."""
    spectra = analysis.spectra.reweighted(mixed(analysis.spectra.importance, importance))
    return replace(analysis, spectra=spectra, found={}, before=analysis.found, ways={})


def strict(analysis: Analysis, strictness: float) -> Analysis | None:
    """Demand more of a bit of tiles."""
    if analysis.pure or (analysis.limit and not analysis.tiles_alone):
        return None
    return replace(analysis, spectra=replace(analysis.spectra, strictness=strictness))


def near(analysis: Analysis, state: State) -> Analysis:
    """Take over what levels of tiles cost."""
    if state.tiles is None:
        return analysis
    return replace(analysis, spectra=replace(analysis.spectra, adapted=state.probability))


def otherwise(analysis: Analysis) -> Analysis | None:
    """Leave windows out, where they are tried."""
    if analysis.pure or analysis.tiles_alone:
        return None
    return replace(analysis, windows=False, ways={})


def _tile_bits(analysis: Analysis, step: int) -> float:
    choice = encoder.choose(analysis.spectra, step, NEUTRAL_CHROMA, initial_tables(), passes=1)
    return sum(choice.coder.shares().values())


def first_step(analysis: Analysis, limit: int) -> int:
    """Step at which tiles alone would fill `limit` bytes, about; layers are not far from it."""
    if analysis.limit:
        return guided_search.first_step(analysis, limit)
    analysis.aim = limit
    low, high = 0, STEPS
    while high - low > 4:
        step = (low + high) // 2
        if _tile_bits(analysis, step) / 8 > limit - 16:
            low = step
        else:
            high = step
    return max(high - _AHEAD, 0)


def _pursue(analysis: Analysis, step: int) -> pursuit.Pursuit:
    """Layers of the picture at a step: searched from nothing the first time, then taken over."""
    found = analysis.found
    if step not in found and analysis.limit:
        found[step] = guided_search.settle(analysis, step)
    if step not in found:
        geometry = analysis.geometry
        prices = layer_prices(initial_tables(), geometry.height, geometry.width)
        steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
        near = pursuit.nearest(found, step)
        if near is None:
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


def _error(analysis: Analysis, planes: Any, steps: npt.NDArray[np.int64]) -> float:
    """Squared error of rendered planes, in squared steps; weighted if errors have importance."""
    total = 0.0
    for comp, (plane, shown) in enumerate(zip(analysis.planes, planes, strict=True)):
        off = plane - shown.astype(np.float32) / np.float32(1 << FRACTION_BITS)
        total += analysis.spectra.energy(comp, off) / (float(steps[comp]) / 65536.0) ** 2
    return total


def _bare(analysis: Analysis, step: int) -> Ground:
    """The least that a file can hold: a coarse base, or nothing."""
    steps = component_steps(min(step, STEPS - 1), NEUTRAL_CHROMA, analysis.geometry.channels)
    code = _BARE if step <= STEPS else 0
    state = pursuit.start(analysis.planes, steps, code)
    return grounded(analysis.planes, steps, code, state.base, np.zeros((0, FIELDS), np.int32))


def _layers_alone(analysis: Analysis, step: int) -> _Candidate:
    looked = 0
    if step >= STEPS:
        ground = _bare(analysis, step)
    else:
        state = _pursue(analysis, step)
        ground = grounded(analysis.planes, state.steps, state.base_code, state.base, state.layers)
        looked = state.looked
    written = write(initial_tables(), ground, None)
    error = _error(analysis, render_ground(np, ground), ground.steps)
    return _Candidate(ground, None, written, error, looked)


def _tiles_alone(analysis: Analysis, step: int) -> _Candidate:
    geometry = analysis.geometry
    choice = encoder.choose(analysis.spectra, step, NEUTRAL_CHROMA, initial_tables(), last=False)
    tiles = choice.tiles
    ground = Ground.empty(geometry, tiles.steps)
    again = TileSet.blank(geometry, tiles.steps, tiles.leaves, tiles.levels)
    written = write(initial_tables(), ground, again, priced=True)
    choice = replace(
        choice, tiles=again, prices=written.prices, spent=written.spent, coder=written.coder
    )
    looked = analysis.spectra.count
    if analysis.tiles_alone:
        # There is nothing to compare with: what the coefficients say of the error will do.
        unit = unit_error(choice)
        return _Candidate(ground, choice, written, errors(choice)[1] / unit, looked)
    shown = reconstruction.render(np, again, np.ones(len(again.leaves), np.bool_))
    shown = smooth(np, again, shown, USUAL)[:, : geometry.height, : geometry.width]
    return _Candidate(ground, choice, written, _error(analysis, shown, tiles.steps), looked)


def _based(analysis: Analysis, step: int, found: Outlined) -> _Candidate:
    """Outlines, and a base for what they leave."""
    geometry = analysis.geometry
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    state = pursuit.start(found.planes, steps, _SMOOTH)
    none = np.zeros((0, FIELDS), np.int32)
    ground = Ground(geometry, steps, _SMOOTH, state.base, none, found.outlines)
    written = write(initial_tables(), ground, None)
    error = _error(analysis, render_ground(np, ground), steps)
    return _Candidate(ground, None, written, error, found.looked, found)


def _tiled(analysis: Analysis, step: int, found: Outlined) -> _Candidate:
    """Outlines, and tiles for what they leave."""
    geometry = analysis.geometry
    spectra = spectra_of(found, analysis.spectra)
    choice = encoder.choose(spectra, step, NEUTRAL_CHROMA, initial_tables(), last=False)
    steps = choice.tiles.steps
    tiles = TileSet.blank(geometry, steps, choice.tiles.leaves, choice.tiles.levels)
    ground = replace(Ground.empty(geometry, steps), outlines=found.outlines)
    written = write(initial_tables(), ground, tiles, priced=True)
    choice = replace(
        choice, tiles=tiles, prices=written.prices, spent=written.spent, coder=written.coder
    )
    texture = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
    texture = smooth(np, tiles, texture, USUAL)[:, : geometry.height, : geometry.width]
    error = _error(analysis, render_ground(np, ground) + texture, steps)
    return _Candidate(ground, choice, written, error, found.looked, found)


def _ways(analysis: Analysis, step: int) -> dict[str, Callable[[], _Candidate]]:
    """Ways to write the picture at a step, by name; of equal ones the first is taken."""
    ways: dict[str, Callable[[], _Candidate]] = {}
    if not analysis.pure:
        ways["tiles"] = lambda: _tiles_alone(analysis, step)
    steps = component_steps(step, NEUTRAL_CHROMA, analysis.geometry.channels)
    found = analysis.shapes and analysis.shapes.at(step, steps)
    if found:
        ways["outlines"] = lambda: _based(analysis, step, found)
        if not analysis.pure:
            ways["outlines, tiles"] = lambda: _tiled(analysis, step, found)
    if not found or analysis.pure:
        ways["windows"] = lambda: _layers_alone(analysis, step)
    return ways


def _chosen(analysis: Analysis, step: int) -> _Candidate:
    """Take the way that costs least; once it is known for a step it stays."""
    if step >= STEPS:
        return _layers_alone(analysis, step)
    ways = _ways(analysis, step)
    if step in analysis.ways:
        return ways[analysis.ways[step]]()
    best, least, name = None, np.inf, ""
    for way, make in ways.items():
        if way == "windows" and not analysis.pure and best is not None:
            bits = best.bits if analysis.aim is None else 8.0 * analysis.aim
            if analysis.tiles_alone or bits > _DENSE * analysis.geometry.pixels:
                continue
        found = make()
        lmbda = analysis.spectra.multiplier(LAMBDA, found.ground.steps)
        cost = found.error + lmbda * found.bits
        if cost < least:
            best, least, name = found, cost, way
    assert best is not None
    analysis.ways[step] = name
    return best


@dataclass(frozen=True)
class _Elements:
    """Elements of one sort, see `Proposal`."""

    contrast: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    bits: npt.NDArray[np.float64]


def _rings(best: _Candidate, unit: float) -> _Elements:
    """Rings as elements."""
    found = best.outlined
    if found is None:
        return _Elements(*np.zeros((4, 0)))
    shares, outlines = best.written.coder.shares(), found.outlines
    values = np.abs(outlines.fills[:, VALUE:]).max(axis=1)[outlines.owners()]
    place = (shares["starts"] + shares["fills"]) / len(outlines.rings)
    bits = best.written.outlined + place
    return _Elements(values.astype(np.float64), found.area, found.gain * unit, bits)


def _details(best: _Candidate, choice: Choice) -> tuple[_Elements, npt.NDArray[np.intp]]:
    """Details of leaves as elements, and which leaves have any."""
    leaves = choice.tiles.leaves
    found = np.nonzero(leaves[:, GRADE])[0]
    area = (1 << 2 * leaves[found, LOG]).astype(np.float64)
    gain, bits = errors(choice)[0][found], choice.spent[found] + 4.0
    return _Elements(peaks(choice)[found], area, gain, bits), found


def _windows(analysis: Analysis, best: _Candidate, unit: float) -> _Elements:
    """Windows as elements."""
    if not len(best.ground.layers):
        return _Elements(*np.zeros((4, 0)))
    worth = worths(analysis.planes, best.ground)
    contrast, gain = worth.contrast, worth.gain * unit
    if analysis.spectra.importance is not None:
        factor = guided_pursuit.factors(best.ground.layers, analysis.spectra.importance)
        contrast, gain = contrast * np.sqrt(factor), gain * factor
    return _Elements(contrast, worth.area, gain, worth.bits)


def propose(analysis: Analysis, step: int) -> Proposal:
    """Describe the picture at `step`; elements are rings, and windows or details of leaves."""
    best = _chosen(analysis, step)
    ground, choice = best.ground, best.choice
    shares = best.written.coder.shares()
    unit = color.ERROR_WEIGHTS[analysis.geometry.channels][0] * (ground.steps[0] / 65536.0) ** 2
    rings = _rings(best, unit)
    fixed = shares["base"] + shares["partition"] + shares["means"] + 8.0 * HEADER
    leaves, tiles = np.zeros(0, np.intp), None
    if choice is None:
        others = _windows(analysis, best, unit)
    else:
        others, leaves = _details(best, choice)
        tiles = choice.tiles
    rest = best.bits - fixed - float(rings.bits.sum())
    bits = others.bits * (rest / max(float(others.bits.sum()), 1e-9))
    return Proposal(
        step=step,
        contrast=np.concatenate([rings.contrast, others.contrast]),
        area=np.concatenate([rings.area, others.area]),
        gain=np.concatenate([rings.gain, others.gain]),
        bits=np.maximum(np.concatenate([rings.bits, bits]), 1e-3),
        residual=best.error * unit,
        overhead_bits=fixed,
        state=State(min(step, STEPS - 1), ground, tiles, leaves, best.written.coder.probability),
        looked=best.looked,
    )


def write_packets(state: State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the rings, and the windows or the details of leaves, that are kept."""
    ground, tiles = state.ground, None
    count = len(ground.outlines.rings)
    if not keep[:count].all():
        ground = replace(ground, outlines=ground.outlines.subset(keep[:count]))
    if state.tiles is None:
        ground = replace(ground, layers=ground.layers[keep[count:]])
    else:
        tiles = drop_details(state.tiles, state.leaves[~keep[count:]])
    written = write(initial_tables(), ground, tiles)
    payload = entropy.finish_encoder(written.coder.rc, written.coder.buf)
    start = head(state.step, NEUTRAL_CHROMA, USUAL, ground, pure=tiles is None)
    return split_packets(start, payload, written.first, written.marks)


__all__ = ["EXTRA_STEPS", "Analysis", "Tables", "analyze", "first_step", "propose"]
