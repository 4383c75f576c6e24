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
from ....shared.tiles.analysis.palette import behind, painted
from ....shared.tiles.analysis.postfilter import postfilter_of
from ....shared.tiles.analysis.spectra import Spectra
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, STEPS, component_steps
from ....shared.tiles.format.syntax import FRACTION_BITS, LEFT, ROOT_LOG, TOP
from ....shared.tiles.synthesis import palette, reconstruction, wiener
from ....shared.tiles.synthesis.deblocking import smooth
from ..format.layout import FIELDS
from ..format.stream import HEADER, Ground, Written, initial_tables, write
from ..synthesis.reconstruction import render_ground
from . import pursuit
from .descent import SMOOTH, begun, hop, pursue
from .outlined import Outlined, spectra_of
from .ranking import grounded
from .state import Analysis

FloatArray = npt.NDArray[np.float32]

_DENSE = 1.0
"""Bits a pixel of a file, or of tiles where no file is asked for, above which windows are not
tried: they take long, and gain little."""
_ALIKE = 36
"""Steps apart at which ways compare about alike."""
_NO_LESS, _SURELY_MORE = 1.0, 1.02
"""Times the least cost that a way may be expected to have, by what it had at a coarser step or at a
finer one. Windows compare the better the coarser the step."""
_FAR_BETTER = 0.85
"""Part of the cost of tiles at which outlines are better than windows ever are."""
_MARGINS = (1.3, 1.08)
"""Times the least cost that windows may be expected to have, by what they had at a coarse step
after a quick search, and on the way from there: they get better where they are fitted again."""
_LEFT = 0.92
"""Part of the cost of tiles that tiles may have beside outlines at the most: what the outlines
themselves cost comes on top."""
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
    if step < STEPS:
        return _drawn(analysis, pursue(analysis, step))
    return _untiled(analysis, _bare(analysis, step), 0)


def _drawn(analysis: Analysis, state: pursuit.Pursuit) -> Candidate:
    """The picture of base and windows."""
    ground = grounded(analysis.planes, state.steps, state.base_code, state.base, state.layers)
    return _untiled(analysis, ground, state.looked)


def _untiled(
    analysis: Analysis, ground: Ground, looked: int, found: Outlined | None = None
) -> Candidate:
    """The picture of what is drawn, with the post-filter that suits it, or none."""
    written = write(initial_tables(), ground, None)
    shown = render_ground(np, ground)
    plain = _error(analysis, shown, ground.steps)
    postfilter = wiener.best(shown[0], analysis.spectra.luma, int(ground.steps[0]))
    wiener.refine(np, shown, ground.steps, postfilter)
    error = _error(analysis, shown, ground.steps)
    if error >= plain:
        postfilter, error = 0, plain
    return Candidate(ground, None, written, error, looked, found, postfilter=postfilter)


def _tiled(analysis: Analysis, step: int, found: Outlined | None = None) -> Candidate:
    """Tiles and palettes, for the picture or for what outlines leave of it."""
    geometry = analysis.geometry
    spectra = analysis.spectra if found is None else spectra_of(found.planes, analysis.spectra)
    spectra = painted(spectra, step, initial_tables())
    luma = behind(spectra.palette, [analysis.spectra.luma])[0]
    choice = encoder.choose(spectra, step, NEUTRAL_CHROMA, initial_tables(), last=False)
    steps = choice.tiles.steps
    tiles = choice.tiles.emptied()
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
        postfilter = postfilter_of(tiles, luma)
        error = errors(choice)[1] / unit
        return Candidate(ground, choice, written, error, looked, postfilter=postfilter)
    shown = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
    shown = smooth(np, tiles, shown)[:, : geometry.height, : geometry.width].copy()
    if found is not None:
        shown = shown + render_ground(np, ground)
    postfilter = wiener.best(shown[0], luma, int(steps[0]))
    wiener.refine(np, shown, steps, postfilter)
    palette.paint(np, shown, tiles)
    error = _error(analysis, shown, steps)
    return Candidate(ground, choice, written, error, looked, found, shown, postfilter)


def _based(analysis: Analysis, step: int, found: Outlined) -> Candidate:
    """Outlines, and a base for what they leave."""
    geometry = analysis.geometry
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    state = pursuit.start(found.planes, steps, SMOOTH)
    none = np.zeros((0, FIELDS), np.int32)
    ground = Ground(geometry, steps, SMOOTH, state.base, none, found.outlines)
    return _untiled(analysis, ground, found.looked, found)


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


def _ways(analysis: Analysis, step: int) -> dict[str, Callable[[], Candidate | None]]:
    """Ways to write the picture at a step, by name; of equal ones the first is taken."""
    ways: dict[str, Callable[[], Candidate | None]] = {}
    tiled = not (analysis.pure or analysis.layers)
    if tiled:
        ways["tiles"] = lambda: _tiled(analysis, step)
    steps = component_steps(step, NEUTRAL_CHROMA, analysis.geometry.channels)

    def outlined(make: Callable[[Analysis, int, Outlined], Candidate]) -> Candidate | None:
        found = analysis.shapes and analysis.shapes.at(step, steps)
        return make(analysis, step, found) if found else None

    if analysis.shapes:
        ways["outlines"] = lambda: outlined(_based)
        if tiled:
            ways["outlines, tiles"] = lambda: outlined(_tiled)
    if not analysis.tiles_alone:
        ways["windows"] = lambda: _layers_alone(analysis, step)
    return ways


def chosen(analysis: Analysis, step: int) -> Candidate:
    """Take the way that costs least; once it is known for a step it stays."""
    if step >= STEPS:
        return _layers_alone(analysis, step)
    ways = _ways(analysis, step)
    if step in analysis.ways:
        again = ways[analysis.ways[step]]()
        assert again is not None
        return again
    best, name, plain = None, "", None
    costs = analysis.costs.setdefault(step, {})
    steps = component_steps(step, NEUTRAL_CHROMA, analysis.geometry.channels)
    lmbda = analysis.spectra.multiplier(LAMBDA, steps)
    for way, make in ways.items():
        if best is not None and _hopeless(analysis, step, way, costs[name]):
            continue
        if way.startswith("outlines") and plain and not _outlines_too(analysis, step, lmbda):
            continue
        if way == "windows" and best is not None and not _windows_too(analysis, step, best, lmbda):
            continue
        found = make()
        if found is None:
            continue
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


def _hopeless(analysis: Analysis, step: int, way: str, least: float) -> bool:
    """Whether a way cost so much more than tiles at a near step that it is not tried again."""
    at = [other for other, costs in analysis.costs.items() if way in costs and "tiles" in costs]
    costs = analysis.costs[step]
    if not at or "tiles" not in costs:
        return False
    near = min(at, key=lambda other: abs(other - step))
    if abs(near - step) > _ALIKE:
        return False
    expected = costs["tiles"] * analysis.costs[near][way] / analysis.costs[near]["tiles"]
    return expected > least * (_NO_LESS if near > step else _SURELY_MORE)


def _outlines_too(analysis: Analysis, step: int, lmbda: float) -> bool:
    """Whether outlines, which take long to fit, may be better than tiles alone.

    They are not if tiles cost about as much for what all borders, as they were found, leave.
    """
    shapes = analysis.shapes
    if shapes is None or analysis.pure:
        return shapes is not None
    if shapes.useless is not None and step <= shapes.useless + _ALIKE // 2:
        return False
    if shapes.traced:
        return True
    steps = component_steps(step, NEUTRAL_CHROMA, analysis.geometry.channels)
    rest = spectra_of(shapes.least(steps), analysis.spectra)
    least, most = (_quick_cost(spectra, step, lmbda) for spectra in (rest, analysis.spectra))
    if least < _LEFT * most:
        return True
    shapes.useless = step
    return False


def _quick_cost(spectra: Spectra, step: int, lmbda: float) -> float:
    """Squared error and weighed bits of tiles that are decided once."""
    choice = encoder.choose(spectra, step, NEUTRAL_CHROMA, initial_tables(), passes=1)
    bits = sum(choice.coder.shares().values())
    return errors(choice)[1] / unit_error(choice) + lmbda * bits


def _windows_too(analysis: Analysis, step: int, best: Candidate, lmbda: float) -> bool:
    """Whether windows, which take long, may be better than the best so far.

    They are compared with tiles at the coarse step where their search begins, if they have not
    been compared yet: the finer the step, the less they gain.
    """
    if analysis.pure or analysis.layers:
        return True
    costs = analysis.costs[step]
    if best.outlined and min(costs.values()) < _FAR_BETTER * costs["tiles"]:
        return False
    bits = best.bits if analysis.aim is None else 8.0 * analysis.aim
    if analysis.tiles_alone or bits > _DENSE * analysis.geometry.pixels:
        return False
    if analysis.limit or any("windows" in known for known in analysis.costs.values()):
        return True
    least, before = min(costs.values()), None
    for at, margin in zip(pursuit.approach([], step)[:-1], _MARGINS, strict=False):
        before = begun(analysis, at) if before is None else hop(analysis, before, at, final=False)
        known = {"tiles": _tiled(analysis, at), "windows": _drawn(analysis, before)}
        analysis.costs[at] = {way: one.error + lmbda * one.bits for way, one in known.items()}
        if (
            analysis.costs[at]["windows"] * costs["tiles"]
            > margin * least * analysis.costs[at]["tiles"]
        ):
            return False
    return True
