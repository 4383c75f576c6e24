"""Search encoder: a picture to priced layers, or tiles where those describe it with fewer bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared.codec import Geometry, Image, Progress, Proposal
from ....shared.entropy import Tables
from ....shared.error.importance import Importance, mixed
from ....shared.picture import color
from ....shared.tiles.analysis import encoder
from ....shared.tiles.analysis.elements import drop_details, errors, peaks
from ....shared.tiles.analysis.encoder import Choice
from ....shared.tiles.analysis.palette import painted
from ....shared.tiles.analysis.screen import screen_of
from ....shared.tiles.analysis.spectra import transform
from ....shared.tiles.format.packets import split_packets
from ....shared.tiles.format.stream import (
    EXTRA_STEPS,
    NEUTRAL_CHROMA,
    STEPS,
    TileSet,
)
from ....shared.tiles.format.syntax import GRADE, LOG
from ..format.outlines import VALUE
from ..format.stream import HEADER, Ground, head, initial_tables, write
from . import guided_pursuit, guided_search
from .outlined import Shapes
from .ranking import worths
from .state import Analysis
from .ways import Candidate, chosen

FloatArray = npt.NDArray[np.float32]

_AHEAD = 2
"""Steps by which layers are finer than tiles of the same size, about."""
_SPARSE = 0.3
"""Bits a pixel of a file up to which a network's layers are tried."""


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
    postfilter : int
    """

    step: int
    ground: Ground
    tiles: TileSet | None
    leaves: npt.NDArray[np.intp]
    probability: npt.NDArray[np.int32]
    postfilter: int


def analyze(
    image: Image, *, pure: bool, effort: int, progress: Progress | None, probe: bool = False
) -> Analysis:
    """Split the image into components, and find its regions; for `probe` see `Shapes.of`."""
    planes = color.to_components(image)
    height, width = planes[0].shape
    geometry = Geometry(height, width, len(planes))
    spectra = transform(planes, None, None if pure else screen_of(image))
    shapes = Shapes.of(planes, probe=probe)
    return Analysis(geometry, planes, pure, effort, spectra, progress, shapes=shapes)


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
        layers=None if analysis.pure else False,
        fitting=guided_pursuit.THOROUGH if thorough else guided_pursuit.quick(analysis.effort),
    )


def reweighted(analysis: Analysis, importance: Importance) -> Analysis:
    """Mix other importance of errors in; what was found is the start."""
    spectra = analysis.spectra.reweighted(mixed(analysis.spectra.importance, importance))
    return replace(analysis, spectra=spectra, found={}, before=analysis.found, ways={}, costs={})


def strict(analysis: Analysis, strictness: float) -> Analysis | None:
    """Demand more of a bit: of tiles, and of the windows that `near` takes over."""
    if analysis.pure or (analysis.limit and not analysis.tiles_alone):
        return None
    return replace(analysis, spectra=replace(analysis.spectra, strictness=strictness))


def near(analysis: Analysis, proposal: Proposal) -> Analysis:
    """Take over what levels of tiles cost, or the windows to be fitted more or less strictly."""
    if proposal.state.tiles is None:
        windows = analysis.found.get(proposal.step)
        if analysis.limit or windows is None or analysis.spectra.strictness == 1:
            return analysis
        return replace(analysis, found={}, again=windows)
    return replace(analysis, spectra=replace(analysis.spectra, adapted=proposal.state.probability))


def otherwise(analysis: Analysis) -> Analysis | None:
    """Take layers alone in the place of tiles, unless those are far better or layers too many."""
    sparse = 8.0 * (analysis.limit or 0) <= _SPARSE * analysis.geometry.pixels
    if analysis.layers is not False or not sparse:
        return None
    # Where outlines are better than tiles, they are better than windows too.
    if any("outlines" in way for way in analysis.ways.values()):
        return None
    return replace(analysis, layers=True, shapes=None, found={}, before={}, ways={}, costs={})


def _tile_bits(analysis: Analysis, step: int) -> float:
    tables = initial_tables()
    spectra = painted(analysis.spectra, step, tables)
    choice = encoder.choose(spectra, step, NEUTRAL_CHROMA, tables, passes=1)
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


@dataclass(frozen=True)
class _Elements:
    """Elements of one sort, see `Proposal`."""

    contrast: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    bits: npt.NDArray[np.float64]


def _rings(best: Candidate, unit: float) -> _Elements:
    """Rings as elements."""
    found = best.outlined
    if found is None:
        return _Elements(*np.zeros((4, 0)))
    shares, outlines = best.written.coder.shares(), found.outlines
    values = np.abs(outlines.fills[:, VALUE:]).max(axis=1)[outlines.owners()]
    place = (shares["starts"] + shares["fills"]) / len(outlines.rings)
    bits = best.written.outlined + place
    return _Elements(values.astype(np.float64), found.area, found.gain * unit, bits)


def _details(best: Candidate, choice: Choice) -> tuple[_Elements, npt.NDArray[np.intp]]:
    """Details of leaves as elements, and which leaves have any."""
    leaves = choice.tiles.leaves
    found = np.nonzero(leaves[:, GRADE])[0]
    area = (1 << 2 * leaves[found, LOG]).astype(np.float64)
    gain, bits = errors(choice)[0][found], choice.spent[found] + 4.0
    return _Elements(peaks(choice)[found], area, gain, bits), found


def _windows(analysis: Analysis, best: Candidate, unit: float) -> _Elements:
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
    best = chosen(analysis, step)
    ground, choice = best.ground, best.choice
    shares = best.written.coder.shares()
    unit = color.ERROR_WEIGHTS[analysis.geometry.channels][0] * (ground.steps[0] / 65536.0) ** 2
    rings = _rings(best, unit)
    fixed = (
        shares["base"] + shares["partition"] + shares["means"] + shares["palettes"] + 8.0 * HEADER
    )
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
        state=State(
            min(step, STEPS - 1),
            ground,
            tiles,
            leaves,
            best.written.coder.probability,
            best.postfilter,
        ),
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
    payload = entropy.finish(written.coder.state)
    start = head(state.step, NEUTRAL_CHROMA, state.postfilter, ground, pure=tiles is None)
    return split_packets(start, payload, written.first, written.marks)


__all__ = ["EXTRA_STEPS", "Analysis", "Tables", "analyze", "first_step", "propose"]
