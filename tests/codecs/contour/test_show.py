"""``fractour show`` and ``info`` of contour files: panels, SVG, facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import fractour
import numpy as np
import pytest
from contour_layers import STEPS, some_layers, some_outlines
from fractour.codecs.contour import ContourCodec
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.format import stream as syntax
from fractour.codecs.contour.format.outlines import RINGS, SOFT, SOURCE, WAVES, Outlines
from fractour.codecs.contour.format.point_sets import arrange
from fractour.codecs.contour.show import raster, shapes, vector
from fractour.codecs.contour.synthesis import coverage, windows
from fractour.shared import container, entropy
from fractour.shared.codec import Codec, Geometry
from fractour.shared.picture import drawing
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, TileSet, component_steps

HEIGHT, WIDTH, STEP = 60, 84, 170
SPACE = "{http://www.w3.org/2000/svg}"


def pack(
    layers: np.ndarray,
    *,
    outlines: Outlines | None = None,
    tiles: bool = False,
    channels: int = 3,
) -> bytes:
    """A file that holds these layers."""
    geometry = Geometry(HEIGHT, WIDTH, channels)
    steps = component_steps(STEP, NEUTRAL_CHROMA, channels)
    rows = layers[arrange(layers, HEIGHT, WIDTH)]
    base = np.arange(channels * 6, dtype=np.int32).reshape(channels, 2, 3)
    ground = syntax.Ground(geometry, steps, 1, base, rows, outlines or Outlines.none())
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
    payload = entropy.finish(written.coder.state)
    start = syntax.head(STEP, NEUTRAL_CHROMA, 0, ground, pure=not tiles)
    return container.pack(6, ContourCodec.version, geometry, [start + payload])


@pytest.fixture(scope="module")
def layers() -> np.ndarray:
    found = some_layers(np.random.default_rng(11), 70, HEIGHT, WIDTH)
    return np.asarray(found)


@pytest.fixture(scope="module")
def outlines() -> Outlines:
    return some_outlines(np.random.default_rng(4), 9, HEIGHT, WIDTH, STEPS)


@pytest.fixture(scope="module")
def data(layers: np.ndarray, outlines: Outlines) -> bytes:
    return pack(layers, outlines=outlines)


def symbols_of(data: bytes) -> syntax.Symbols:
    frame = container.unpack(data, max_pixels=10**6)
    return syntax.read(frame.geometry, frame.packets, complete=True, pure=False)


def test_panels(data: bytes) -> None:
    (name, decoded), (title, large), (last, strip) = fractour.show(data)
    assert (name, title[:6], last[:11]) == ("decoded", "layers", "the picture")
    assert np.array_equal(decoded, fractour.decode(data))
    times = drawing.magnification(HEIGHT, WIDTH)
    assert large.shape[1] == times * WIDTH
    assert large.shape[0] > times * HEIGHT
    # 10, 50 and all, each above its outlines.
    assert strip.shape[1] == 3 * (times // 2 * WIDTH + 8) - 8


def test_kinds_have_colours_of_their_own(data: bytes) -> None:
    black = np.zeros((4 * HEIGHT, 4 * WIDTH, 3), np.uint8)
    elements = list(shapes.elements(symbols_of(data)))
    for kind, colour in raster.COLORS.items():
        mine = [replace(e, waves=[]) for e in elements if e.kind == kind]
        assert mine, kind
        drawn = raster.overlay(black, mine, 4).astype(float)
        # Darker where smoothed, but of one hue.
        peak = drawn.reshape(-1, 3)[drawn.sum(axis=2).argmax()]
        np.testing.assert_allclose(peak / peak.max(), np.array(colour) / max(colour), atol=0.06)
    assert not raster.overlay(black, [], 4).any()


def test_growth_ends_with_what_is_decoded(data: bytes) -> None:
    symbols = symbols_of(data)
    elements = list(shapes.elements(symbols))
    steps = raster.growth(symbols, elements)
    names = [name for name, _ in steps[: len(steps) // 2]]
    assert names == ["10 layers", "50 layers", f"all {len(elements)} layers"]
    assert np.array_equal(steps[2][1], fractour.decode(data))
    assert not np.array_equal(steps[0][1], steps[1][1])


def test_tiles_and_no_layers(layers: np.ndarray) -> None:
    both = fractour.show(pack(layers[:5], tiles=True))
    assert [title.split()[0] for title, _ in both] == ["decoded", "layers:", "quadtree", "the"]
    assert len(fractour.show(pack(layers[:0], tiles=True))) == 2
    assert len(fractour.show(pack(layers[:0]))) == 1
    grey = layers[layers[:, layout.COMP] == 0].copy()
    grey[:, [layout.BLUE, layout.RED]] = 0
    assert len(fractour.show(pack(grey, channels=1))) == 3


def test_outlines_are_where_windows_fade(layers: np.ndarray) -> None:
    """A quarter of the peak on the outline, more inside: angles and radii are the decoder's."""
    steps = np.array([1 << 20, 1 << 20, 1 << 20], np.int64)
    whole = layers.copy()
    whole[:, [layout.MORE, layout.FREQUENCY, layout.PHASE]] = 0
    whole[:, layout.COMP] = 0
    whole[:, layout.SCALE] = np.maximum(whole[:, layout.SCALE], 6)
    for layer in whole[:12]:
        line = shapes.window_outline(layer)
        (prepared,) = windows.prepared(layer[None], steps, 1)
        p = prepared.tolist()
        x, y = (line * layout.UNIT).T
        dx, dy = np.rint(x - p[windows.P_LEFT]), np.rint(y - p[windows.P_TOP])
        u = dx * p[windows.P_UX] + dy * p[windows.P_UY]
        v = dx * p[windows.P_VX] + dy * p[windows.P_VY]
        radius = np.hypot(u, v) / 2**28
        slack = 24 / (16 * shapes.frame(layer).minor)
        assert np.abs(radius - shapes.RIM).max() < slack


def test_outlines_are_where_the_decoder_draws(data: bytes, outlines: Outlines) -> None:
    """Points of a ring's line lie where its coverage changes."""
    fills = outlines.fills[:1].copy()
    fills[:, [SOFT, WAVES]] = 0
    points, corners = (
        np.array([[12.0, 10.0], [60.0, 14.0], [50.0, 50.0], [16.0, 44.0]]),
        [0, 1, 0, 1],
    )
    at = (points[:, ::-1] * 16).astype(np.int32)
    nodes = np.column_stack([at - at[0], corners]).astype(np.int32)
    fills[0, RINGS] = 1
    ring = np.array([[at[0, 0], at[0, 1], 0, 4, -1]], np.int32)
    found = Outlines(fills, ring, nodes)
    line = shapes.ring_outline(*shapes.ring_nodes(found, 0))
    cover = np.zeros((HEIGHT * 4, WIDTH * 4))
    part, top, left = coverage.coverage(found, 0, cover.shape, 4)
    cover[top : top + part.shape[0], left : left + part.shape[1]] = part / 2**coverage.FULL_LOG
    middle = (line[1:] + line[:-1]) / 2
    for x, y in middle[np.hypot(*(line[1:] - line[:-1]).T) > 0.5] * 4:
        patch = cover[int(y) - 1 : int(y) + 3, int(x) - 1 : int(x) + 3]
        assert np.ptp(patch) > 0.4


def test_svg(data: bytes) -> None:
    root = ElementTree.fromstring(fractour.show_svg(data))
    assert root.tag == f"{SPACE}svg"
    assert root.get("viewBox") == f"0 0 {WIDTH} {HEIGHT + vector._LEGEND}"
    assert int(root.get("width") or 0) >= vector._USEFUL
    elements = list(shapes.elements(symbols_of(data)))
    groups = root.findall(f"{SPACE}g")
    assert len(groups) == len(elements)
    titles = [group.findtext(f"{SPACE}title") or "" for group in groups]
    for kind in raster.COLORS:
        count = sum(element.kind == kind for element in elements)
        assert sum(title.startswith(f"{kind}, rank ") for title in titles) == count > 0
        assert sum(group.get("class") == kind for group in groups) == count
    assert sum(" bits" in title for title in titles) == len(symbols_of(data).ground.outlines.rings)
    windows_shown = sum(element.kind == shapes.WINDOW for element in elements)
    assert len(root.findall(f".//{SPACE}ellipse")) == windows_shown
    words = [text.text or "" for text in root.findall(f"{SPACE}text")]
    assert any("contour" in word for word in words)
    assert words[-1] == "harmonics"
    paths = [path.get("d") or "" for path in root.iter(f"{SPACE}path")]
    number = r"-?\d+(\.\d{1,2})?"
    for path in paths:
        assert re.fullmatch(rf"([MLQCZ]({number} ?)*)+", path), path[:80]
    assert set("".join(paths)) & set("MLQCAZ") == set("MLQCZ")


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


def test_info(
    cli: Callable, data: bytes, layers: np.ndarray, outlines: Outlines, tmp_path: Path
) -> None:
    source = tmp_path / "a.frc"
    source.write_bytes(data)
    facts = cli("info", source, "--json").json["facts"]
    repeats = int((outlines.rings[:, SOURCE] >= 0).sum())
    total = 70 + len(outlines.rings)
    assert facts == {
        "layers": total,
        "windows": 70,
        "contours": len(outlines.rings) - repeats,
        "repeats": repeats,
        "nodes": len(outlines.nodes),
        "fills": 9,
        "harmonics in contours": int(outlines.fills[:, WAVES].sum()),
        "pixels per layer": round(HEIGHT * WIDTH / total, 1),
    }
    rows = dict(line.split("\t") for line in cli("info", source).out.splitlines())
    assert (rows["layers"], rows["repeats"]) == (str(total), str(repeats))
    assert "facts" not in rows
    source.write_bytes(pack(layers[:0]))
    facts = cli("info", source, "--json").json["facts"]
    assert (facts["layers"], facts["windows"], facts["contours"]) == (0, 0, 0)
    assert "pixels per layer" not in facts
