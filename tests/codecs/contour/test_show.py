"""``fractour show`` and ``info`` of contour files: panels, SVG, facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import fractour
import numpy as np
import pytest
from contour_layers import some_layers
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.format import stream as syntax
from fractour.codecs.contour.format.point_sets import arrange
from fractour.codecs.contour.show import raster, shapes, vector
from fractour.codecs.contour.synthesis import windows
from fractour.shared import container, entropy
from fractour.shared.codec import Codec, Geometry
from fractour.shared.picture import drawing
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, TileSet, component_steps

HEIGHT, WIDTH, STEP = 60, 84, 170
SPACE = "{http://www.w3.org/2000/svg}"


def pack(layers: np.ndarray, *, tiles: bool = False, channels: int = 3) -> bytes:
    """A file that holds these layers."""
    geometry = Geometry(HEIGHT, WIDTH, channels)
    steps = component_steps(STEP, NEUTRAL_CHROMA, channels)
    rows = layers[arrange(layers, HEIGHT, WIDTH)]
    base = np.arange(channels * 6, dtype=np.int32).reshape(channels, 2, 3)
    ground = syntax.Ground(geometry, steps, 1, base, rows)
    texture = None
    if tiles:
        texture = TileSet.blank(geometry, steps)
        leaves = [
            (comp, 0, left, 6, 3, 0, 0, at << 12, 0, 0)
            for at, left in enumerate((0, 64))
            for comp in range(channels)
        ]
        texture.leaves = np.array(leaves, np.int32)
    written = syntax.write(syntax.initial_tables(), ground, texture)
    payload = entropy.finish_encoder(written.coder.rc, written.coder.buf)
    start = syntax.head(STEP, NEUTRAL_CHROMA, 0, ground, pure=not tiles)
    return container.pack(6, 1, geometry, [start + payload])


@pytest.fixture(scope="module")
def layers() -> np.ndarray:
    found = some_layers(np.random.default_rng(11), 70, HEIGHT, WIDTH)
    return np.asarray(found)


@pytest.fixture(scope="module")
def data(layers: np.ndarray) -> bytes:
    return pack(layers)


def test_panels(data: bytes) -> None:
    (name, decoded), (title, large), (last, strip) = fractour.show(data)
    assert (name, title[:8], last[:11]) == ("decoded", "contours", "the picture")
    assert np.array_equal(decoded, fractour.decode(data))
    times = drawing.magnification(HEIGHT, WIDTH)
    assert large.shape[1] == times * WIDTH
    assert large.shape[0] > times * HEIGHT
    # 10, 50 and all 70, each above its outlines.
    assert strip.shape[1] == 3 * (times // 2 * WIDTH + 8) - 8


def test_green_and_red_lie_on_the_picture(data: bytes, layers: np.ndarray) -> None:
    black = np.zeros((4 * HEIGHT, 4 * WIDTH, 3), np.uint8)
    drawn = raster.overlay(black, layers, 4).astype(int)
    # Darker where smoothed, but of the two hues only.
    assert (drawn[:, :, 1] - drawn[:, :, 0] > 40).any()
    assert (drawn[:, :, 0] - drawn[:, :, 1] > 40).any()
    assert not raster.overlay(black, layers[:0], 4).any()


def test_growth_ends_with_what_is_decoded(data: bytes) -> None:
    frame = container.unpack(data, max_pixels=10**6)
    symbols = syntax.read(frame.geometry, frame.packets, complete=True, pure=False)
    steps = raster.growth(symbols)
    names = [name for name, _ in steps[: len(steps) // 2]]
    assert names == ["10 layers", "50 layers", "all 70 layers"]
    assert np.array_equal(steps[2][1], fractour.decode(data))
    assert not np.array_equal(steps[0][1], steps[1][1])


def test_tiles_and_no_layers(layers: np.ndarray) -> None:
    both = fractour.show(pack(layers[:5], tiles=True))
    assert [title.split()[0] for title, _ in both] == ["decoded", "contours", "quadtree", "the"]
    assert len(fractour.show(pack(layers[:0], tiles=True))) == 2
    assert len(fractour.show(pack(layers[:0]))) == 1
    grey = layers[(layers[:, layout.COMP] == 0) & (layers[:, layout.KIND] == 0)].copy()
    grey[:, [layout.BLUE, layout.RED]] = 0
    assert len(fractour.show(pack(grey, channels=1))) == 3


def test_outlines_are_where_windows_fade(layers: np.ndarray) -> None:
    """A quarter of the peak on the outline, more inside: angles and radii are the decoder's."""
    steps = np.array([1 << 20, 1 << 20, 1 << 20], np.int64)
    whole = layers[(layers[:, layout.KIND] == layout.WINDOW)].copy()
    whole[:, [layout.CUTS, layout.MORE, layout.FREQUENCY, layout.PHASE]] = 0
    whole[:, layout.COMP] = 0
    whole[:, layout.SCALE] = np.maximum(whole[:, layout.SCALE], 6)
    for layer in whole[:12]:
        (line,) = shapes.outlines(layer)
        (prepared,) = windows.prepared(layer[None], steps, 1)
        p = prepared.tolist()
        x, y = (line * layout.UNIT).T
        dx, dy = np.rint(x - p[windows.P_LEFT]), np.rint(y - p[windows.P_TOP])
        u = dx * p[windows.P_UX] + dy * p[windows.P_UY]
        v = dx * p[windows.P_VX] + dy * p[windows.P_VY]
        radius = np.hypot(u, v) / 2**28
        slack = 24 / (16 * shapes.frame(layer).minor)
        assert np.abs(radius - shapes.RIM).max() < slack


def test_cuts_bound_the_outline() -> None:
    layer = np.zeros(layout.FIELDS, np.int32)
    layer[[layout.SCALE, layout.TOP, layout.LEFT, layout.CUTS]] = 6, 640, 640, 1
    layer[layout.CUT + 2] = 2
    arc, line = shapes.window_pieces(layer)
    assert isinstance(arc, shapes.Arc)
    assert isinstance(line, shapes.Bend)
    assert arc.end - arc.start == pytest.approx(np.pi, abs=0.03)
    assert line.end - line.start == pytest.approx(2 * shapes.RIM, abs=0.01)
    # What stays is below the middle: y grows with v at angle 0.
    assert min(points[:, 1].min() for points in shapes.outlines(layer)) > 39.7
    layer[layout.CUT + 1] = 7
    assert shapes.outlines(layer) == []
    assert vector._window(layer) == ""
    # A bent cut is the parabola that its control point says.
    layer[layout.CUT + 1 :][:3] = 0, 0, 2
    (bend,) = (p for p in shapes.window_pieces(layer) if isinstance(p, shapes.Bend))
    u, v = bend.at(np.array([bend.start, (bend.start + bend.end) / 2, bend.end]))
    cu, cv = bend.control
    assert u[1] == pytest.approx((u[0] + 2 * cu + u[2]) / 4)
    assert v[1] == pytest.approx((v[0] + 2 * cv + v[2]) / 4)


def test_svg(data: bytes, layers: np.ndarray) -> None:
    root = ElementTree.fromstring(fractour.show_svg(data))
    assert root.tag == f"{SPACE}svg"
    assert root.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
    groups = root.findall(f"{SPACE}g")
    assert len(groups) == len(layers)
    titles = [group.findtext(f"{SPACE}title") or "" for group in groups]
    assert titles[-1].startswith("layer 1: ")
    for kind, name in enumerate(layout.KIND_NAMES):
        count = int((layers[:, layout.KIND] == kind).sum())
        assert sum(f": {name}," in title for title in titles) == count > 0
    uncut = (layers[:, layout.KIND] == layout.WINDOW) & (layers[:, layout.CUTS] == 0)
    assert len(root.findall(f".//{SPACE}ellipse")) >= uncut.sum()
    paths = [path.get("d") or "" for path in root.iter(f"{SPACE}path")]
    number = r"-?\d+(\.\d{1,2})?"
    for path in paths:
        assert re.fullmatch(rf"([MLQCAZ]({number} ?)*)+", path), path[:80]
    commands = set("".join(paths)) & set("MLQCAZ")
    assert commands == set("MLQCAZ")


def test_hooks_that_a_codec_need_not_have() -> None:
    assert Codec.svg(None, None, np.zeros((1, 1, 3), np.uint8)) is None  # type: ignore[arg-type]
    assert Codec.facts(None, None) == {}  # type: ignore[arg-type]


def test_command(cli: Callable, data: bytes, picture: np.ndarray, tmp_path: Path) -> None:
    source, target = tmp_path / "a.frc", tmp_path / "a.svg"
    source.write_bytes(data)
    ended = cli("show", source, target)
    assert (ended.code, ended.out) == (0, "")
    assert target.read_text("utf-8") == fractour.show_svg(data)
    assert cli("show", source, target).code == 1
    assert cli("show", source, target, "--force").code == 0
    assert cli("show", source, tmp_path / "a.bmp").code == 2
    other, missing = tmp_path / "b.frc", tmp_path / "b.svg"
    other.write_bytes(fractour.encode(picture, codec="template", budget=900))
    ended = cli("show", other, missing)
    assert ended.code == 1
    assert "'template' draws no SVG" in ended.err
    assert ".png" in ended.err
    assert not missing.exists()


def test_info(cli: Callable, data: bytes, layers: np.ndarray, tmp_path: Path) -> None:
    source = tmp_path / "a.frc"
    source.write_bytes(data)
    facts = cli("info", source, "--json").json["facts"]
    kinds = np.bincount(layers[:, layout.KIND], minlength=3).tolist()
    assert facts == {
        "layers": 70,
        "windows": kinds[0],
        "contours": kinds[1],
        "strokes": kinds[2],
        "pixels per layer": 72.0,
    }
    rows = dict(line.split("\t") for line in cli("info", source).out.splitlines())
    assert (rows["layers"], rows["strokes"]) == ("70", str(kinds[2]))
    assert rows["pixels per layer"] == "72"
    assert "facts" not in rows
    source.write_bytes(pack(layers[:0]))
    assert cli("info", source, "--json").json["facts"] == {
        "layers": 0,
        "windows": 0,
        "contours": 0,
        "strokes": 0,
    }
