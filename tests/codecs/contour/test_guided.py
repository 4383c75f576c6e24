"""Windows of a network brought to their places, level by level, without climbing."""

from __future__ import annotations

import numpy as np
import pytest
from fractour.codecs.contour.analysis import aiming, levels
from fractour.codecs.contour.analysis.outlined import Shapes
from fractour.codecs.contour.analysis.prices import layer_prices
from fractour.codecs.contour.analysis.pursuit import pyramid_of
from fractour.codecs.contour.analysis.windows import matching
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.format.stream import initial_tables

SIDE = 256
LMBDA = 0.14
RATIOS = np.ones((1, 1))
PRICES = layer_prices(initial_tables(), SIDE, SIDE)


def window(scale: int, aspect: int, angle: int, frequency: int) -> np.ndarray:
    layer = np.zeros(layout.FIELDS, np.int32)
    layer[[layout.TOP, layout.LEFT]] = 16 * 120, 16 * 131
    layer[[layout.SCALE, layout.ASPECT, layout.ANGLE]] = scale, aspect, angle
    layer[[layout.FREQUENCY, layout.BUCKET]] = frequency, 6
    return layer


def drawn(layer: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the pyramid of a picture of this window alone."""
    pyramid = pyramid_of(np.zeros((1, SIDE, SIDE), np.float32))
    room = matching.scratch()
    matching.add(pyramid, layer, RATIOS[0], 1.0, room[3], room[4])
    return pyramid


# Measured on the finest, the middle and the coarsest level.
WINDOWS = [(5, 3, 13, 0), (5, 3, 13, 2), (9, 2, 40, 0), (11, 3, 5, 1)]


@pytest.mark.parametrize("form", WINDOWS)
def test_a_window_that_is_off_finds_its_place(form: tuple[int, int, int, int]) -> None:
    true = window(*form)
    pyramid = drawn(true)
    whole = float((pyramid[0] ** 2).sum())
    minor = int(layout.radii(form[0], form[1])[1])
    system = np.zeros((aiming.UNKNOWNS, aiming.UNKNOWNS + 1))
    left = []
    for steps in (0, 3):
        layer = true.copy()
        layer[layout.TOP] += minor // 4
        layer[layout.LEFT] -= minor // 4
        layer[layout.ANGLE] += 3
        args = (RATIOS[0], -1, LMBDA, PRICES, steps, matching.scratch(), system)
        worth = aiming.fitted(pyramid, layer, *args)
        left.append(1 - worth / whole)
    assert left[1] < 0.4 * left[0]


@pytest.mark.parametrize("form", WINDOWS)
def test_levels_take_away_what_a_window_adds(form: tuple[int, int, int, int]) -> None:
    layer = window(*form)
    pyramid = drawn(layer)
    before = float((pyramid[0] ** 2).sum())
    assert (levels.rescaled(pyramid, layer[None], 1.0, RATIOS) == layer).all()
    for level, plane in enumerate(pyramid):
        assert float((plane**2).sum()) * 4**level < 0.002 * before
    # Coarser levels are means of the finest again.
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(pyramid, pyramid_of(pyramid[0])))


def test_the_bar_keeps_out_what_gains_little() -> None:
    strong, weak = window(7, 2, 9, 0), window(7, 2, 9, 0)
    weak[[layout.LEFT, layout.BUCKET]] = 16 * 30, 22
    pyramid = drawn(strong)
    room = matching.scratch()
    matching.add(pyramid, weak, RATIOS[0], 1.0, room[3], room[4])
    proposals = np.stack([weak, strong])
    none = np.zeros((0, layout.FIELDS), np.int32)
    found = {}
    for bar in (1.0, 8.0):
        planes = tuple(plane.copy() for plane in pyramid)
        terms = (RATIOS, LMBDA, matching.EVERYWHERE, PRICES)
        found[bar] = levels.accepted(planes, none, proposals.copy(), (bar,), 2, 100, terms)
        assert len(levels.swept(planes, found[bar], 2, terms)) == len(found[bar])
    assert len(found[1.0]) == 2
    assert len(found[8.0]) == 1
    assert abs(int(found[8.0][0, layout.LEFT]) - 16 * 131) < 64


def test_the_probe_traces_drawings_and_leaves_out_busy_photographs() -> None:
    y, x = np.mgrid[:192, :256]
    disc = np.where((y - 90) ** 2 + (x - 120) ** 2 < 60**2, 200.0, 40.0).astype(np.float32)
    rng = np.random.default_rng(0)
    noise = rng.normal(128, 40, (192, 256)).astype(np.float32)
    grey = np.zeros_like(disc)
    assert Shapes.of([disc, grey, grey], probe=True) is not None
    assert Shapes.of([noise, grey, grey], probe=True) is None
