"""The search encoder: outlines are found where there are some, windows remove what they promise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.codecs.contour import format as contour_format
from fractour.codecs.contour.analysis import ablation, pursuit, search, ways
from fractour.codecs.contour.analysis.outlined import Shapes
from fractour.codecs.contour.analysis.outlines import borders, regions, tracing
from fractour.codecs.contour.analysis.prices import layer_prices, node_prices
from fractour.codecs.contour.analysis.ranking import bounded
from fractour.codecs.contour.analysis.windows import correlation, ellipse, matching, residual
from fractour.codecs.contour.analysis.windows.dictionary import reduce_by
from fractour.codecs.contour.format import outlines as outline_format
from fractour.codecs.contour.format import stream as syntax
from fractour.codecs.contour.format.layout import (
    ACROSS,
    ANGLE,
    ASPECT,
    BUCKET,
    FIELDS,
    LEFT,
    SCALE,
    TOP,
)
from fractour.codecs.contour.format.syntax import footprint
from fractour.codecs.contour.synthesis.reconstruction import render_ground
from fractour.shared import container
from fractour.shared.codec import Geometry
from fractour.shared.errors import BitstreamError
from fractour.shared.picture import color
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps
from PIL import Image

STEP = 180


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    luma = 140 + 20 * np.sin(x / 40) + 15 * np.cos((x + y) / 50)
    return np.repeat(luma.astype(np.uint8)[..., None], 3, axis=2)


def drawing(height: int = 150, width: int = 190) -> np.ndarray:
    """A dark ring with a red inside, the same blue disc four times, a bar; all anti-aliased."""
    y, x = np.mgrid[:height, :width] + 0.5
    out = np.full((height, width, 3), 250.0)

    def add(cover: np.ndarray, color: tuple[int, int, int]) -> None:
        inside = np.clip(cover, 0, 1)[..., None]
        out[:] = out * (1 - inside) + np.array(color) * inside

    far = np.hypot(y - 60, x - 60)
    add(42 - far, (20, 20, 20))
    add(34 - far, (200, 40, 40))
    for k in range(4):
        add(9.3 - np.hypot(y - 130, x - 30 - 40 * k), (40, 60, 180))
    add(np.minimum(np.minimum(y - 20, 90 - y), np.minimum(x - 130, 150 - x)), (20, 120, 40))
    return np.rint(out).astype(np.uint8)


def symbols_of(data: bytes) -> contour_format.Symbols:
    frame = container.unpack(data, max_pixels=10**6)
    return contour_format.read(frame.geometry, frame.packets, complete=True, pure=False)


def test_regions_have_no_colours_of_their_own_between_two() -> None:
    found = regions.segment(color.to_components(drawing()))
    # The five, and perhaps one for the corners of the bar; nearly all pixels are of the five.
    assert len(found.colors) <= 7
    shares = np.sort(np.bincount(found.labels.ravel()))[::-1] / found.labels.size
    assert shares[:5].sum() > 0.99
    assert regions.calm(color.to_components(drawing())) > 0.8
    assert regions.calm(color.to_components(noise())) < 0.1


def noise() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def test_every_border_is_drawn_once() -> None:
    """The tree of shapes: ring, its inside, four discs of one form, the bar."""
    planes = color.to_components(drawing())
    found = regions.segment(planes)
    rings = borders.trace(planes, found)
    assert rings[0].parent == -1
    large = [b for b in rings[1:] if b.area > 20]
    assert len(large) == 7
    discs = [b for b in large if 200 < b.area < 350]
    assert len({b.form for b in discs}) == 1 < len(discs)
    inner = [b for b in large if b.parent > 0]
    assert len(inner) == 1
    assert inner[0].area < rings[inner[0].parent].area
    # Clockwise with the region at the right, so all areas are positive.
    assert all(b.area > 0 for b in rings)


def test_a_drawing_becomes_outlines() -> None:
    image = drawing()
    data = fractour.encode(image, codec="contour", budget=300)
    found = symbols_of(data).ground
    assert 6 <= len(found.outlines.rings) <= 12
    assert (found.outlines.rings[:, outline_format.SOURCE] >= 0).sum() >= 2
    assert not len(found.layers)
    off = fractour.decode(data).astype(float) - image
    assert 10 * np.log10(255**2 / (off**2).mean()) > 34
    # Its own ablation, and what came before: far behind.
    tiles = fractour.decode(fractour.encode(image, codec="tiles", budget=300)).astype(float)
    assert ((tiles - image) ** 2).mean() > 4 * (off**2).mean()


def test_what_is_traced_is_what_is_drawn() -> None:
    planes = color.to_components(drawing())
    shapes = Shapes.of(planes)
    assert shapes is not None
    steps = component_steps(STEP, NEUTRAL_CHROMA, 3)
    found = shapes.at(STEP, steps)
    assert found is not None
    assert (found.gain > 0).all()
    geometry = Geometry(*planes[0].shape, 3)
    ground = replace(syntax.Ground.empty(geometry, steps), outlines=found.outlines)
    shown = render_ground(np, ground) / 64.0
    for plane, drawn, rest in zip(planes, shown, found.planes, strict=True):
        np.testing.assert_allclose(plane - drawn, rest, atol=1e-3)
    # The residual of the fit is the decoder's, but for rounding.
    traced = shapes.traced[STEP]
    level = shapes.regions.colors[tracing.ground_of(shapes.regions)]
    sizes = (steps / 65536.0)[:, None, None]
    expected = (np.stack(found.planes) - level[:, None, None]) / sizes
    assert np.abs(expected - traced.residual).max() < 0.05


def test_coarser_steps_take_rings_over() -> None:
    planes = color.to_components(drawing())
    shapes = Shapes.of(planes)
    assert shapes is not None
    nodes = []
    for step in (150, 170, 190, 214):
        found = shapes.at(step, component_steps(step, NEUTRAL_CHROMA, 3))
        assert found is not None
        nodes.append(len(found.outlines.nodes))
    assert nodes[0] > nodes[-1] > 12


def test_photographs_and_noise_are_not_traced() -> None:
    assert Shapes.of(color.to_components(noise())) is None
    flat = np.full((40, 50, 3), 90, np.uint8)
    assert Shapes.of(color.to_components(flat)) is None


def test_ink_on_paper_is_traced_and_left_to_tiles_where_these_do_better() -> None:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:160, :192]
    ink = np.zeros(y.shape)
    for _ in range(14):
        top, left = rng.integers(10, 140), rng.integers(10, 170)
        ink = np.maximum(ink, np.hypot((y - top) * 0.7, x - left) < 9)
    paper = 190 + 8 * rng.standard_normal(y.shape) - 130 * ink
    image = np.repeat(np.clip(np.rint(paper), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    planes = color.to_components(image)
    assert regions.calm(planes) < 0.5
    analysis = search.analyze(image, pure=False, effort=5, progress=None)
    assert analysis.shapes is not None
    assert analysis.shapes.chances == 2
    best = ways.chosen(analysis, 214)
    assert best.outlined is not None
    assert len(best.outlined.outlines.rings) >= 8
    # What is left out goes with all that lies in it.
    parents = best.outlined.parents
    assert (parents < np.arange(len(parents)).max() + 1).all()
    fewer = best.outlined.subset(np.arange(len(parents)) != 3, planes)
    assert len(fewer.outlines.rings) == len(parents) - 1
    assert float((fewer.planes[0] ** 2).sum()) > float((best.outlined.planes[0] ** 2).sum())


def test_harmonics_inside_an_outline() -> None:
    image = drawing().astype(np.float64)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    inside = np.hypot(y - 60, x - 60) < 33
    image[inside] += (30 * np.sin(x / 7.0))[inside][:, None]
    planes = color.to_components(np.clip(np.rint(image), 0, 255).astype(np.uint8))
    shapes = Shapes.of(planes)
    assert shapes is not None
    found = shapes.at(150, component_steps(150, NEUTRAL_CHROMA, 3))
    assert found is not None
    assert found.outlines.fills[:, outline_format.WAVES].sum() >= 1


def test_node_prices_are_those_of_the_coder() -> None:
    lengths, rests, turns, corners = node_prices(syntax.initial_tables())
    for table in (lengths, turns, corners):
        assert np.isfinite(table).all()
        assert (table > 0).all()
    np.testing.assert_allclose((2.0**-turns).sum(axis=-1), 1.0, atol=0.05)
    assert rests[3] == 3


def test_ablation_tells_what_outlines_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(drawing()).save(tmp_path / "a.png")
    out = tmp_path / "outlines.json"
    ablation.main([str(tmp_path / "a.png"), "--bpp", "0.1", "--effort", "1", "--out", str(out)])
    with_them, without = json.loads(out.read_text())["rows"]
    assert with_them["psnr"] > without["psnr"] + 5
    assert (without["share"], without["contours"]) == (0.0, 0)
    assert with_them["share"] > 0.5
    assert "| 0.1 |" in capsys.readouterr().out


@pytest.mark.parametrize(("height", "width"), [(96, 128), (97, 129), (99, 127)])
def test_wide_windows_remove_what_they_promise_at_every_border(height: int, width: int) -> None:
    y, x = np.mgrid[:height, :width]
    luma = 140 + 20 * np.sin(x / 40) + 15 * np.cos((x + y) / 50)
    luma -= 60.0 * (y >= height - 2) + 60.0 * (x >= width - 2)
    image = np.repeat(luma.astype(np.uint8)[..., None], 3, axis=2)
    planes = color.to_components(image)
    steps = component_steps(110, NEUTRAL_CHROMA, 3)
    prices = layer_prices(syntax.initial_tables(), height, width)
    state = pursuit.start(planes, steps, 2)
    # Radii from which windows are measured on averages over 4 x 4 pixels.
    for _ in range(4):
        pursuit.grow(state, prices, scales=((8, 10, 12), (), ()), rich=False)
    assert len(state.layers) > 5
    before = [float((state.pyramid[0].astype(np.float64) ** 2).sum())]
    for rich in (False, True, True):
        pursuit.polish(state, prices, rich=rich)
        before.append(float((state.pyramid[0].astype(np.float64) ** 2).sum()))
        assert before[-1] < 1.02 * before[-2]
    for level, plane in enumerate(state.pyramid[1:], 1):
        expected = np.stack([reduce_by(whole, 1 << level) for whole in state.pyramid[0]])
        np.testing.assert_allclose(plane, expected, atol=2e-3)
    layers, count = state.layers, len(state.layers)
    gain, bits = np.zeros((2, count))
    ratios = pursuit.ratios_of(steps)
    matching.judge(state.pyramid, layers, ratios, prices, gain, bits, matching.scratch())
    changes = np.zeros(count)
    for i in range(count):
        without = [plane.copy() for plane in state.pyramid]
        waves, frame = np.zeros((6, 4)), np.zeros(8)
        residual.add(tuple(without), layers[i], ratios[0], 1.0, waves, frame)
        changes[i] = (without[0].astype(np.float64) ** 2).sum() - before[-1]
    # The strips are finer than what wide windows are measured on.
    assert np.abs(gain - changes).sum() < 0.25 * changes.sum()


def test_layers_of_other_steps_are_fitted_again() -> None:
    image = smooth(120, 150)
    image[30:60, 40:90] -= 50
    planes = color.to_components(image)
    prices = layer_prices(syntax.initial_tables(), *planes[0].shape)
    coarse, fine = (component_steps(step, NEUTRAL_CHROMA, 3) for step in (STEP, STEP - 5))
    found = pursuit.search(planes, coarse, 2, prices, 2)
    again = pursuit.adapt(found, planes, fine, prices, finer=True, effort=2)
    assert len(again.layers) >= len(found.layers)
    geometry = Geometry(*planes[0].shape, channels=3)
    layers = again.layers[syntax.arrange(again.layers, *planes[0].shape)]
    ground = syntax.Ground(geometry, fine, again.base_code, again.base, layers)
    shown = render_ground(np, ground)
    off = [p - s / np.float32(64) for p, s in zip(planes, shown, strict=True)]
    # The residual that the search keeps is that of the decoder, but for rounding.
    assert np.abs(pursuit.in_steps(off, fine) - again.pyramid[0]).max() < 0.2


def test_layers_cover_no_more_than_a_file_may_ask_for() -> None:
    # A sky: wide windows, hundreds of them, each over nearly everything.
    image = np.full((128, 128, 1), 120, np.uint8)
    found = search.analyze(image, pure=True, effort=1, progress=None)
    layers = np.zeros((700, FIELDS), np.int32)
    layers[:, SCALE], layers[:, BUCKET] = 13, 6
    layers[:, TOP] = layers[:, LEFT] = 1024
    steps = np.array([1 << 20], np.int64)
    ground = syntax.Ground(found.geometry, steps, 0, np.zeros((1, 0, 0), np.int32), layers)
    with pytest.raises(BitstreamError):
        syntax.write(syntax.initial_tables(), ground, None)
    fewer = bounded(found.planes, ground)
    assert 100 < len(fewer.layers) < 700
    area = sum(footprint(layer, 128, 128) for layer in fewer.layers)
    assert area <= syntax.most_area(found.geometry)
    syntax.write(syntax.initial_tables(), fewer, None)


def test_layers_are_taken_over_from_coarse_steps_to_fine_ones() -> None:
    assert pursuit.approach([], 100) == [124, 112, 100]
    assert pursuit.approach([90, 99], 100) == [124, 112, 100]  # those of finer steps never are
    assert pursuit.approach([99, 104, 120], 100) == [104, 100]
    assert pursuit.approach([100, 124], 100) == [100]
    assert pursuit.approach([], 250) == [255, 250]


@pytest.mark.parametrize("place", [(600, 800), (0, 100), (1590, 2070)])
def test_windows_measured_in_lanes_are_their_sums(place: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    planes = rng.standard_normal((1, 100, 130)).astype(np.float32)
    layer = np.zeros(FIELDS, np.int32)
    layer[SCALE], layer[ASPECT], layer[ANGLE] = 3, 2, 13
    layer[TOP], layer[LEFT] = place
    room = correlation.measuring()
    correlation.measure(pursuit.pyramid_of(planes), layer, 2, 3, room)
    y0, x0, ux, uy, vx, vy, *_ = ellipse.axes_of(layer, 0)
    y, x = np.mgrid[:100, :130]
    u, v = (x - x0) * ux + (y - y0) * uy, (x - x0) * vx + (y - y0) * vy
    window = np.maximum(1 - u * u - v * v, 0) ** 3
    turn = 0.5 * np.pi * ACROSS[2] * v
    even, odd = window * np.cos(turn), -window * np.sin(turn)
    expected = [planes[0] * even, planes[0] * odd, even * even, odd * odd, even * odd]
    np.testing.assert_allclose(room[0][2], [part.sum() for part in expected], atol=2e-3)
