"""Ways to write a picture at a step: tiles, windows, outlines with a base or with tiles.

All are tried that may pay; squared error and the bits of the real file decide. Outlines are then
judged once more, block by block: those stay that leave less to tiles than they cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.tiles.analysis import encoder
from ....shared.tiles.analysis.elements import errors, unit_error
from ....shared.tiles.analysis.encoder import LAMBDA, Choice
from ....shared.tiles.analysis.postfilter import postfilter_of
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, STEPS, TileSet, component_steps
from ....shared.tiles.format.syntax import FRACTION_BITS, LEFT, ROOT_LOG, TOP
from ....shared.tiles.synthesis import reconstruction, wiener
from ....shared.tiles.synthesis.deblocking import smooth
from ..format.layout import FIELDS
from ..format.stream import HEADER, Ground, Written, initial_tables, write
from ..synthesis.reconstruction import render_ground
from . import guided_pursuit, guided_search, pursuit
from .outlined import Outlined, spectra_of
from .prices import layer_prices
from .ranking import grounded
from .state import Analysis

FloatArray = npt.NDArray[np.float32]

DENSE = 0.3
"""Bits a pixel of a file, or of tiles where no file is asked for, above which windows are not
tried: they take long, and on most photographs lose."""
_FAR_BETTER = 0.85
"""Part of the cost of tiles at which outlines are better than windows ever are."""
_FIRST = 0.3
"""Part of the work that the first search of a picture is."""
_SMOOTH = 2
_BARE = 3


@dataclass(frozen=True)
class Candidate:
    """One way to write the picture at a step.

    Parameters
    ----------
    ground : Ground
    choice : Choice or None
        Of tiles, if there are any.
    written : Written
    error : float
        Squared error in squared steps, weighted if errors have importance.
    looked : int
        Candidates that were looked at.
    outlined : Outlined, optional
    shown : (C, H, W) int32, optional
        The picture as it is decoded, 6 fractional bits.
    postfilter : int
    """

    ground: Ground
    choice: Choice | None
    written: Written
    error: float
    looked: int
    outlined: Outlined | None = None
    shown: npt.NDArray[np.int32] | None = None
    postfilter: int = 0

    @property
    def bits(self) -> float:
        """Bits of the payload, about."""
        return sum(self.written.coder.shares().values()) + 8.0 * HEADER


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
        if analysis.again is not None:
            strictness = analysis.spectra.strictness
            found[step] = pursuit.adapt(
                analysis.again, analysis.planes, steps, prices,
                finer=strictness < 1, strictness=strictness,
            )  # fmt: skip
        elif near is None:
            tell = None if found else analysis.progress
            found[step] = pursuit.search(
                analysis.planes, steps, _SMOOTH, prices, analysis.effort,
                guided_pursuit.demand_of(analysis.spectra.importance),
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


def _layers_alone(analysis: Analysis, step: int) -> Candidate:
    looked = 0
    if step >= STEPS:
        ground = _bare(analysis, step)
    else:
        state = _pursue(analysis, step)
        ground = grounded(analysis.planes, state.steps, state.base_code, state.base, state.layers)
        looked = state.looked
    written = write(initial_tables(), ground, None)
    error = _error(analysis, render_ground(np, ground), ground.steps)
    return Candidate(ground, None, written, error, looked)


def _tiled(analysis: Analysis, step: int, found: Outlined | None = None) -> Candidate:
    """Tiles, for the picture or for what outlines leave of it."""
    geometry = analysis.geometry
    spectra = analysis.spectra if found is None else spectra_of(found, analysis.spectra)
    choice = encoder.choose(spectra, step, NEUTRAL_CHROMA, initial_tables(), last=False)
    steps = choice.tiles.steps
    tiles = TileSet.blank(geometry, steps, choice.tiles.leaves, choice.tiles.levels)
    ground = Ground.empty(geometry, steps)
    if found is not None:
        ground = replace(ground, outlines=found.outlines)
    written = write(initial_tables(), ground, tiles, priced=True)
    choice = replace(
        choice, tiles=tiles, prices=written.prices, spent=written.spent, coder=written.coder
    )
    looked = analysis.spectra.count if found is None else found.looked
    if found is None and analysis.tiles_alone:
        # There is nothing to compare with: what the coefficients say of the error will do.
        unit = unit_error(choice)
        postfilter = postfilter_of(tiles, analysis.spectra.luma)
        error = errors(choice)[1] / unit
        return Candidate(ground, choice, written, error, looked, postfilter=postfilter)
    shown = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
    shown = smooth(np, tiles, shown)[:, : geometry.height, : geometry.width].copy()
    if found is not None:
        shown = shown + render_ground(np, ground)
    postfilter = wiener.best(shown[0], analysis.spectra.luma, int(steps[0]))
    wiener.refine(np, shown, steps, postfilter)
    error = _error(analysis, shown, steps)
    return Candidate(ground, choice, written, error, looked, found, shown, postfilter)


def _based(analysis: Analysis, step: int, found: Outlined) -> Candidate:
    """Outlines, and a base for what they leave."""
    geometry = analysis.geometry
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    state = pursuit.start(found.planes, steps, _SMOOTH)
    none = np.zeros((0, FIELDS), np.int32)
    ground = Ground(geometry, steps, _SMOOTH, state.base, none, found.outlines)
    written = write(initial_tables(), ground, None)
    error = _error(analysis, render_ground(np, ground), steps)
    return Candidate(ground, None, written, error, found.looked, found)


def _block_costs(analysis: Analysis, candidate: Candidate, lmbda: float) -> npt.NDArray[np.float64]:
    """Squared error and priced bits of a candidate's tiles by superblock, (rows, columns)."""
    assert candidate.choice is not None
    assert candidate.shown is not None
    tiles = candidate.choice.tiles
    height, width = analysis.planes[0].shape
    side = 1 << ROOT_LOG
    out = np.zeros((-(-height // side), -(-width // side)))
    for plane, seen, step in zip(analysis.planes, candidate.shown, tiles.steps, strict=True):
        off = (plane - seen.astype(np.float32) / np.float32(1 << FRACTION_BITS)) ** 2
        rows = np.add.reduceat(off, np.arange(0, height, side), axis=0)
        out += np.add.reduceat(rows, np.arange(0, width, side), axis=1) / (step / 65536.0) ** 2
    shares = candidate.written.coder.shares()
    beside = (shares["partition"] + shares["means"]) / max(len(tiles.leaves), 1)
    at = tiles.leaves[:, TOP] >> ROOT_LOG, tiles.leaves[:, LEFT] >> ROOT_LOG
    np.add.at(out, at, lmbda * (candidate.choice.spent + beside))
    return out


def _kept(
    found: Outlined, written: Written, saved: npt.NDArray[np.float64], lmbda: float
) -> npt.NDArray[np.bool_]:
    """Rings that leave less to tiles than they cost, with all that lies in them, (r,) bool.

    What outlines save in a superblock is shared out by the bits that they spend there.

    Parameters
    ----------
    found : Outlined
    written : Written
        The file with all of them.
    saved : (rows, columns) float64
        What tiles cost less with outlines than without, by superblock.
    lmbda : float
    """
    outlines, shares = found.outlines, written.coder.shares()
    count = len(outlines.rings)
    bits = written.outlined + (shares["places"] + shares["starts"]) / count
    spent = np.zeros((count, *saved.shape))
    for i in range(count):
        nodes = outlines.nodes_of(i)[:, :2] + outlines.rings[i, :2]
        at = np.clip(nodes >> (4 + ROOT_LOG), 0, np.array(saved.shape) - 1)
        np.add.at(spent[i], (at[:, 0], at[:, 1]), bits[i] / len(nodes))
    worth = (spent * (saved / np.maximum(spent.sum(axis=0), 1e-9))).sum(axis=(1, 2))
    worth -= lmbda * bits
    # Inner rings are counted with the one that they lie in, unless they go by themselves.
    order = np.argsort([len(_above(found.parents, i)) for i in range(count)])[::-1]
    for i in order.tolist():
        if found.parents[i] >= 0:
            worth[found.parents[i]] += max(worth[i], 0.0)
    keep: npt.NDArray[np.bool_] = np.asarray(worth > 0.0)
    for i in order[::-1].tolist():
        if found.parents[i] >= 0:
            keep[i] &= keep[found.parents[i]]
    return keep


def _above(parents: npt.NDArray[np.intp], ring: int) -> list[int]:
    out = []
    while parents[ring] >= 0:
        ring = int(parents[ring])
        out.append(ring)
    return out


def _where_better(
    analysis: Analysis, step: int, plain: Candidate, full: Candidate, lmbda: float
) -> Candidate:
    """Leave out outlines where tiles do better without them."""
    if analysis.spectra.weights is not None or plain.shown is None or full.outlined is None:
        return full
    saved = _block_costs(analysis, plain, lmbda) - _block_costs(analysis, full, lmbda)
    keep = _kept(full.outlined, full.written, saved, lmbda)
    if keep.all() or not keep.any():
        return full
    fewer = _tiled(analysis, step, full.outlined.subset(keep, analysis.planes))
    return fewer if fewer.error + lmbda * fewer.bits < full.error + lmbda * full.bits else full


def _ways(analysis: Analysis, step: int) -> dict[str, Callable[[], Candidate]]:
    """Ways to write the picture at a step, by name; of equal ones the first is taken."""
    ways: dict[str, Callable[[], Candidate]] = {}
    tiled = not (analysis.pure or analysis.layers)
    if tiled:
        ways["tiles"] = lambda: _tiled(analysis, step)
    steps = component_steps(step, NEUTRAL_CHROMA, analysis.geometry.channels)
    found = analysis.shapes and analysis.shapes.at(step, steps)
    if found:
        ways["outlines"] = lambda: _based(analysis, step, found)
        if tiled:
            ways["outlines, tiles"] = lambda: _tiled(analysis, step, found)
    if not analysis.tiles_alone:
        ways["windows"] = lambda: _layers_alone(analysis, step)
    return ways


def chosen(analysis: Analysis, step: int) -> Candidate:
    """Take the way that costs least; once it is known for a step it stays."""
    if step >= STEPS:
        return _layers_alone(analysis, step)
    ways = _ways(analysis, step)
    if step in analysis.ways:
        return ways[analysis.ways[step]]()
    best, name, plain = None, "", None
    costs: dict[str, float] = {}
    steps = component_steps(step, NEUTRAL_CHROMA, analysis.geometry.channels)
    lmbda = analysis.spectra.multiplier(LAMBDA, steps)
    for way, make in ways.items():
        if way == "windows" and best is not None and not _windows_too(analysis, best, costs):
            continue
        found = make()
        if way == "outlines, tiles" and plain is not None:
            found = _where_better(analysis, step, plain, found, lmbda)
        if way == "tiles":
            plain = found
        costs[way] = found.error + lmbda * found.bits
        if best is None or costs[way] < costs[name]:
            best, name = found, way
    assert best is not None
    shapes = analysis.shapes
    if shapes and shapes.chances is not None and "outlines" in costs and not best.outlined:
        shapes.chances -= 1
    analysis.ways[step] = name
    if shapes and best.outlined:
        shapes.found[step] = best.outlined
    return best


def _windows_too(analysis: Analysis, best: Candidate, costs: dict[str, float]) -> bool:
    """Whether windows, which take long, may be better than the best so far."""
    if analysis.pure or analysis.layers:
        return True
    if best.outlined and min(costs.values()) < _FAR_BETTER * costs["tiles"]:
        return False
    bits = best.bits if analysis.aim is None else 8.0 * analysis.aim
    return not (bits > DENSE * analysis.geometry.pixels)
