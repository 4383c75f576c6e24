"""The search encoder's other kinds: strokes, contours and cuts are found where there are some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fractour.codecs.contour.analysis import ablation, pursuit
from fractour.codecs.contour.analysis.outlines import stages
from fractour.codecs.contour.analysis.outlines.fills import explained
from fractour.codecs.contour.analysis.outlines.masks import add_masked, masked_room, project_masked
from fractour.codecs.contour.analysis.outlines.rings import outline_of
from fractour.codecs.contour.analysis.prices import layer_prices
from fractour.codecs.contour.analysis.ranking import worths
from fractour.codecs.contour.analysis.windows import matching, residual
from fractour.codecs.contour.analysis.windows.dictionary import reduce_by
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.format import stream as syntax
from fractour.codecs.contour.synthesis import curves
from fractour.codecs.contour.synthesis.reconstruction import render_ground
from fractour.shared.codec import Geometry
from fractour.shared.picture import color
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps

STEP = 180


def drawing(parts: tuple[str, ...] = stages.KINDS) -> np.ndarray:
    """Smooth ground with a dark line that bends, a bright disc, an edge that fades away."""
    y, x = np.mgrid[:160, :192].astype(np.float64)
    luma = 110 + 10 * np.sin(x / 70) + 8 * np.cos(y / 60)
    if "stroke" in parts:
        along = np.clip(x, 20, 170)
        line = np.hypot(y - (40 + 14 * np.sin(along / 20)), x - along)
        luma -= 90 * np.clip(2.5 - line, 0, 1)
    if "contour" in parts:
        luma += 80 * np.clip(17.5 - np.hypot(y - 112, x - 50), 0, 1)
    if "cut" in parts:
        soft = np.clip(1 - ((x - 140) ** 2 + (y - 100) ** 2) / 40**2, 0, 1) ** 3
        luma += 140 * soft * np.clip(0.8 * (x - 140) + 0.6 * (y - 100) + 0.5, 0, 1)
    return np.repeat(np.clip(np.rint(luma), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def search(
    kinds: tuple[str, ...], effort: int = 5, parts: tuple[str, ...] = stages.KINDS
) -> tuple[dict[str, float], syntax.Ground]:
    return ablation.measure(color.to_components(drawing(parts)), STEP, kinds, effort)


def test_each_kind_is_found_where_it_fits() -> None:
    plain, _ = search(())
    assert plain["stroke"] == plain["contour"] == plain["cut"] == 0
    for kind in ("stroke", "contour"):
        figures, _ = search((kind,), parts=(kind,))
        assert figures[kind] >= 1, kind
        assert figures["j"] < search((), parts=(kind,))[0]["j"], kind
    figures, ground = search(stages.KINDS)
    assert stages.is_masked(ground.layers).any()
    assert figures["j"] < plain["j"]
    # What the search says is what a reader of the file sees.
    written = syntax.write(syntax.initial_tables(), ground, None)
    payload = syntax.entropy.finish_encoder(written.coder.rc, written.coder.buf)
    start = syntax.head(STEP, NEUTRAL_CHROMA, 0, ground, pure=True)
    read = syntax.read(ground.geometry, [start, payload], complete=True, pure=True)
    np.testing.assert_array_equal(read.ground.layers, ground.layers)
    np.testing.assert_array_equal(render_ground(np, read.ground), render_ground(np, ground))


def test_tiles_take_what_layers_leave() -> None:
    planes = color.to_components(drawing())
    figures, ground = search(())
    few = replace(ground, layers=ground.layers[:5])
    both, shown = ablation.measure_tiles(planes, STEP, few)
    nothing = syntax.Ground.empty(ground.geometry, ground.steps)
    alone, _ = ablation.measure_tiles(planes, STEP, nothing)
    assert (both["windows"], alone["windows"]) == (5, 0)
    assert shown.shape == (3, *planes[0].shape)
    # Layers alone and tiles alone are not far from each other; what mixes them is.
    assert both["error"] < 1.5 * figures["error"]
    assert alone["error"] < 1.5 * figures["error"]
    assert alone["j"] < both["j"]


def test_a_window_over_an_edge_is_cut() -> None:
    planes = color.to_components(drawing(("cut",)))
    steps = component_steps(STEP, NEUTRAL_CHROMA, 3)
    prices = layer_prices(syntax.initial_tables(), *planes[0].shape)
    state = pursuit.start(planes, steps, 0)
    pursuit.grow(state, prices, scales=((8,), (), ()), rich=False)
    before = float((state.pyramid[0] ** 2).sum())
    ratios = pursuit.ratios_of(steps)
    layers, looked = stages.find_cuts(state.pyramid, state.layers, ratios, prices, 0.1, 5)
    assert looked >= 1
    assert (layers[:, layout.CUTS] > 0).any()
    assert float((state.pyramid[0] ** 2).sum()) < before - 2


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
        cost = pursuit.objective(state)
        pursuit.polish(state, prices, rich=rich)
        before.append(float((state.pyramid[0].astype(np.float64) ** 2).sum()))
        assert pursuit.objective(state) < 1.005 * cost
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


@pytest.mark.parametrize("kind", stages.KINDS)
def test_kinds_can_be_left_out(kind: str) -> None:
    figures, _ = search(tuple(k for k in stages.KINDS if k != kind), effort=2)
    assert figures[kind] == 0


def test_layers_of_other_steps_are_fitted_again() -> None:
    planes = color.to_components(drawing())
    prices = layer_prices(syntax.initial_tables(), *planes[0].shape)
    coarse, fine = (component_steps(step, NEUTRAL_CHROMA, 3) for step in (STEP, STEP - 5))
    found = pursuit.search(planes, coarse, 2, prices, 2, stages.KINDS)
    assert stages.is_masked(found.layers).any()
    again = pursuit.adapt(found, planes, fine, prices, finer=True)
    assert stages.is_masked(again.layers).any()
    geometry = Geometry(*planes[0].shape, channels=3)
    layers = again.layers[syntax.arrange(again.layers, *planes[0].shape)]
    ground = syntax.Ground(geometry, fine, again.base_code, again.base, layers)
    shown = render_ground(np, ground)
    off = [p - s / np.float32(64) for p, s in zip(planes, shown, strict=True)]
    # The residual that the search keeps is that of the decoder, but for rounding.
    residual = pursuit.in_steps(off, fine)
    assert np.abs(residual - again.pyramid[0]).max() < 0.2
    worth = worths(planes, ground)
    other = stages.is_masked(layers)
    assert (worth.gain[other] > 0).all()
    assert (worth.bits[other] > 10).all()


def test_masks_of_the_search_are_those_of_the_decoder() -> None:
    layer = np.zeros(layout.FIELDS, np.int32)
    layer[layout.KIND], layer[layout.BUCKET], layer[layout.SCALE] = layout.CONTOUR, 10, 7
    layer[layout.TOP], layer[layout.LEFT] = 40 * 16, 44 * 16
    layer[layout.COUNT], layer[layout.FINE] = 8, 4
    layer[layout.NODE : layout.NODE + 8] = (7, 9, 7, 5, 7, 8, 7, 6)
    layer[layout.MORE], layer[layout.EXTRA], layer[layout.EXTRA + 1] = 1, 2, 16
    steps = component_steps(STEP, NEUTRAL_CHROMA, 1)
    exact = np.zeros((1, 80, 90), np.int32)
    curves.draw(layer[None], np.array([0]), steps, 1, exact)
    twin = np.zeros((1, 80, 90), np.float32)
    room = masked_room(80, 90)
    add_masked((twin,), layer, np.ones(1), 1.0, room)
    scaled = twin * np.float32(steps[0] / 1024.0)
    assert np.abs(exact - scaled).max() <= 0.02 * np.abs(exact).max() + 4
    product, norm = project_masked((twin,), 0, layer, room)
    assert product == pytest.approx(norm, rel=1e-4)
    assert explained((twin,), layer, room) == pytest.approx(1.0, abs=1e-4)
    assert explained((-twin,), layer, room) < 0


def test_outline_of_a_disc_is_round() -> None:
    y, x = np.mgrid[:41, :41]
    layer = outline_of(np.hypot(y - 20, x - 20) < 18, 100, 200, 8)
    assert (layer[layout.TOP] >> 4, layer[layout.LEFT] >> 4) == (120, 220)
    assert layer[layout.ASPECT] == 0
    nodes = layer[layout.NODE : layout.NODE + 8]
    assert np.ptp(nodes) <= 1


def test_nothing_is_found_in_nothing() -> None:
    planes = [np.zeros((40, 50), np.float32)] * 3
    figures, _ = ablation.measure(planes, STEP, stages.KINDS)
    assert figures["stroke"] == figures["contour"] == figures["cut"] == figures["windows"] == 0


def test_ablation_prints_a_line_for_each_set(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    from pathlib import Path

    from PIL import Image

    folder = Path(str(tmp_path))
    Image.fromarray(drawing()[:64, :64]).save(folder / "a.png")
    arguments = [str(folder / "a.png"), "--steps", "204", "--effort", "1", "--sets", "none,stroke"]
    ablation.main([*arguments, "--pictures", str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["none", "stroke", "tiles", "only"]
    assert (folder / "a_204_none.png").exists()
    assert (folder / "a_204_only tiles.png").exists()


def test_layers_cover_no_more_than_a_file_may_ask_for() -> None:
    from fractour.codecs.contour.analysis import search as analysis
    from fractour.codecs.contour.analysis.ranking import bounded
    from fractour.codecs.contour.format.layout import BUCKET, FIELDS, LEFT, SCALE, TOP
    from fractour.codecs.contour.format.stream import Ground, initial_tables, most_area, write
    from fractour.codecs.contour.format.syntax import footprint
    from fractour.shared.errors import BitstreamError

    # A sky: wide windows, hundreds of them, each over nearly everything.
    image = np.full((128, 128, 1), 120, np.uint8)
    found = analysis.analyze(image, pure=True, effort=1, progress=None)
    layers = np.zeros((700, FIELDS), np.int32)
    layers[:, SCALE], layers[:, BUCKET] = 13, 6
    layers[:, TOP] = layers[:, LEFT] = 1024
    steps = np.array([1 << 20], np.int64)
    ground = Ground(found.geometry, steps, 0, np.zeros((1, 0, 0), np.int32), layers)
    with pytest.raises(BitstreamError):
        write(initial_tables(), ground, None)
    fewer = bounded(found.planes, ground)
    assert 100 < len(fewer.layers) < 700
    assert sum(footprint(layer, 128, 128) for layer in fewer.layers) <= most_area(found.geometry)
    write(initial_tables(), fewer, None)
