"""Windows of a picture at one step after the other, from coarse steps to fine ones."""

from __future__ import annotations

from ....shared.codec import Progress
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps
from ..format.stream import initial_tables
from . import guided_pursuit, guided_search, pursuit
from .prices import layer_prices
from .state import Analysis

_FIRST = 0.3
"""Part of the work that the first search of a picture is."""
SMOOTH = 2
"""Code of the base below windows."""


def pursue(analysis: Analysis, step: int) -> pursuit.Pursuit:
    """Layers of the picture at a step: searched from nothing the first time, then taken over."""
    found = analysis.found
    if step not in found and analysis.limit:
        found[step] = guided_search.settle(analysis, step)
    if step not in found:
        _descend(analysis, step)
    return found[step]


def _descend(analysis: Analysis, step: int) -> None:
    """Search layers at a coarse step, unless they are known there, and take them over to finer."""
    geometry, found = analysis.geometry, analysis.found
    prices = layer_prices(initial_tables(), geometry.height, geometry.width)
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    if analysis.again is not None:
        strictness = analysis.spectra.strictness
        found[step] = pursuit.adapt(
            analysis.again, analysis.planes, steps, prices, effort=analysis.effort,
            finer=strictness < 1, strictness=strictness,
        )  # fmt: skip
        return
    coarser = [other for other in analysis.rough if other > step]
    way = pursuit.approach([*found, *coarser], step)
    before = found.get(way[0])
    if before is None and way[0] > step:
        before = begun(analysis, way[0])
    elif before is None:
        found[step] = pursuit.search(
            analysis.planes,
            steps,
            SMOOTH,
            prices,
            analysis.effort,
            guided_pursuit.demand_of(analysis.spectra.importance),
            progress=_first_part(analysis),
        )
        return
    for at in way[1:]:
        before = hop(analysis, before, at, final=at == step)


def hop(analysis: Analysis, before: pursuit.Pursuit, step: int, *, final: bool) -> pursuit.Pursuit:
    """Take layers over to a finer step."""
    geometry = analysis.geometry
    found = pursuit.adapt(
        before,
        analysis.planes,
        component_steps(step, NEUTRAL_CHROMA, geometry.channels),
        layer_prices(initial_tables(), geometry.height, geometry.width),
        finer=True,
        effort=analysis.effort,
        final=final,
    )
    (analysis.found if final else analysis.rough)[step] = found
    return found


def begun(analysis: Analysis, step: int) -> pursuit.Pursuit:
    """Layers at a coarse step, to be taken over to finer ones."""
    if step not in analysis.rough:
        geometry = analysis.geometry
        analysis.rough[step] = pursuit.search(
            analysis.planes,
            component_steps(step, NEUTRAL_CHROMA, geometry.channels),
            SMOOTH,
            layer_prices(initial_tables(), geometry.height, geometry.width),
            analysis.effort,
            guided_pursuit.demand_of(analysis.spectra.importance),
            progress=_first_part(analysis),
            final=False,
        )
    return analysis.rough[step]


def _first_part(analysis: Analysis) -> Progress | None:
    """How the first search of a picture tells its progress; later ones do not."""
    tell = analysis.progress
    if tell is None or analysis.found or analysis.rough:
        return None
    return lambda done: tell(_FIRST * done)
