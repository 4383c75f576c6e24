"""Layers as a network proposes them: at which step they fill a file, and which pay there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.tiles.analysis import spectra as spectral
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, STEPS, component_steps
from ..format.stream import HEADER, initial_tables, write
from . import guided_pursuit, pursuit
from .prices import layer_prices
from .ranking import grounded
from .state import Analysis

FloatArray = npt.NDArray[np.float32]

_STEPS_AN_E = 24.0
"""Steps over which a file gets e times as small, about."""
_BEHIND = 1
"""Steps by which windows of a network are coarser than tiles of the same size, about."""
_SWEPT = 0.95
"""Part of the bits that is left when what was accepted is fitted again."""
_CLOSE = 2
_YIELD = 0.27
"""How the bits fall with strictness, in logarithms, about."""
_UNUSED, _EXCESS = -0.015, 0.02
"""Logarithm of bits over limit that is close enough; what is beyond the limit is cut."""
_FITS = 2
_FRAME = HEADER + 12


def first_step(analysis: Analysis, limit: int) -> int:
    """Step at which what a network wants fills `limit` bytes, about.

    Coefficients of tiles say where to begin; windows that are accepted there say how far off
    that is.
    """
    known = analysis.found or analysis.before
    if known:
        return next(reversed(known))
    step = min(spectral.first_step(analysis.spectra, limit), STEPS - 1)
    if analysis.tiles_alone:
        return step
    step = min(step + _BEHIND, STEPS - 1)
    first = _filled(analysis, step)
    off = math.log(_bits(analysis, first) * _SWEPT / (8.0 * limit))
    aim = min(max(step + round(off * _STEPS_AN_E), 0), STEPS - 1)
    state = _shifted(analysis, first, aim, again=aim < step - _CLOSE)
    analysis.found[aim] = _to_limit(analysis, state, aim, limit)
    return aim


def _to_limit(analysis: Analysis, state: pursuit.Pursuit, step: int, limit: int) -> pursuit.Pursuit:
    """Fit windows so strictly, or leniently, that a file of them has `limit` bytes, about.

    To fit them again costs less error than to cut the least of them would.
    """
    prices, _, _ = _terms(analysis, step)
    for _ in range(_FITS):
        off = math.log(_bits(analysis, state) / (8.0 * limit))
        if _UNUSED <= off <= _EXCESS:
            break
        guided_pursuit.tighten(
            state, _asked(analysis), prices, analysis.fitting, math.exp(off / _YIELD)
        )
    return state


def settle(analysis: Analysis, step: int) -> pursuit.Pursuit:
    """Windows that pay at a step, of those that a network proposed."""
    known = {**analysis.before, **analysis.found}
    near = pursuit.nearest(known, step)
    if near is None:
        return _shifted(analysis, _filled(analysis, step), step, again=False)
    again = near > step or bool(analysis.before)
    return _shifted(analysis, known[near], step, again=again)


def _asked(analysis: Analysis) -> guided_pursuit.Proposed:
    """What the network proposes; it is asked when windows are first tried."""
    if analysis.proposed is None:
        assert analysis.look is not None
        analysis.proposed = analysis.look(analysis.planes)
    return analysis.proposed


def _terms(
    analysis: Analysis, step: int
) -> tuple[tuple[Any, ...], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Prices, steps of components, and demand of windows at a step."""
    geometry = analysis.geometry
    prices = layer_prices(initial_tables(), geometry.height, geometry.width)
    steps = component_steps(step, NEUTRAL_CHROMA, geometry.channels)
    return prices, steps, guided_pursuit.demand_of(analysis.spectra.importance)


def _bits(analysis: Analysis, state: pursuit.Pursuit) -> float:
    """Bits of a file with these layers."""
    ground = grounded(
        analysis.planes, state.steps, state.base_code, state.base.copy(), state.layers
    )
    return sum(write(initial_tables(), ground, None).coder.shares().values()) + 8.0 * _FRAME


def _filled(analysis: Analysis, step: int) -> pursuit.Pursuit:
    prices, steps, demand = _terms(analysis, step)
    assert analysis.look is not None
    return guided_pursuit.fill(
        analysis.planes, _asked(analysis), steps, prices, analysis.fitting, demand, analysis.look,
    )  # fmt: skip


def _shifted(
    analysis: Analysis, state: pursuit.Pursuit, step: int, *, again: bool
) -> pursuit.Pursuit:
    prices, steps, demand = _terms(analysis, step)
    return guided_pursuit.shift(
        state, analysis.planes, _asked(analysis), steps, prices, analysis.fitting, demand,
        again=again,
    )  # fmt: skip
