"""``fractour show``: panels of every codec, and the command's manners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.shared.codec import Codec
from fractour.shared.picture import drawing
from PIL import Image

EXPECTED = {
    "template": ("decoded", "grid of blocks"),
    "wavelet": ("decoded", "coefficients of brightness", "active coding blocks"),
    "tiles": ("decoded", "quadtree"),
    "pifs-pure": ("decoded", "quadtree", "the ", "without", "pyramid", "classic"),
}


def fit(panel: np.ndarray, height: int, width: int) -> bool:
    """Whether a panel is as large as the magnified picture, a legend below it aside."""
    times = drawing.magnification(height, width)
    return panel.shape[1] == times * width and panel.shape[0] >= times * height


@pytest.mark.parametrize("codec", EXPECTED)
def test_panels(codec: str, picture: np.ndarray) -> None:
    data = fractour.encode(np.tile(picture, (2, 2, 1)), codec=codec, budget=1500)
    panels = fractour.show(data)
    assert len(panels) == len(EXPECTED[codec])
    for (title, panel), start in zip(panels, EXPECTED[codec], strict=True):
        assert title.startswith(start)
        assert panel.dtype == np.uint8
        assert panel.ndim == 3
        assert panel.shape[2] == 3
    assert np.array_equal(panels[0][1], fractour.decode(data))
    assert all(fit(panel, 96, 128) for _, panel in panels[1:4])


@pytest.mark.parametrize("codec", EXPECTED)
@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 3), (9, 70, 1), (33, 20, 4)])
def test_odd_pictures(codec: str, height: int, width: int, channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    panels = fractour.show(fractour.encode(image, codec=codec, budget=600))
    assert panels[0][1].shape == (height, width, 3)
    assert all(panel.dtype == np.uint8 and panel.shape[2:] == (3,) for _, panel in panels)
    paper = drawing.sheet(panels)
    assert paper.shape[0] > max(panel.shape[0] for _, panel in panels)


def test_the_default_is_no_panels() -> None:
    assert Codec.panels(None, None, np.zeros((1, 1, 3), np.uint8)) == []  # type: ignore[arg-type]


def test_the_last_passes_are_what_is_decoded(picture: np.ndarray) -> None:
    from fractour.codecs.pifs import show as own
    from fractour.codecs.pifs.synthesis.reconstruction import planes
    from fractour.shared import api
    from fractour.shared.tiles.synthesis import reconstruction

    data = fractour.encode(np.tile(picture, (2, 2, 1)), codec="pifs-pure", budget=1500)
    _, _, symbols = api._read(data, max_pixels=10**6, allow_truncated=False)
    plain = reconstruction.render(np, symbols.tiles, symbols.known)
    pyramid, classic = own._passes(symbols, plain)
    final = own._picture(symbols, planes(symbols, np))
    assert np.array_equal(pyramid[-1], final)
    assert np.array_equal(classic[-1], final)
    assert np.array_equal(classic[-2], final)
    assert not np.array_equal(classic[0], final)


def test_transparency_shows_a_chessboard() -> None:
    clear = np.zeros((16, 16, 4), np.uint8)
    assert set(np.unique(drawing.rgb(clear))) == {204, 250}
    clear[:, :, 3] = 255
    assert not drawing.rgb(clear).any()


def test_command(cli: Callable, picture: np.ndarray, tmp_path: Path) -> None:
    source, target = tmp_path / "a.frc", tmp_path / "a.png"
    source.write_bytes(fractour.encode(picture, budget=700))
    ended = cli("show", source, target)
    assert (ended.code, ended.out) == (0, "")
    with Image.open(target) as image:
        assert image.format == "PNG"
        assert image.mode == "RGB"
    before = target.read_bytes()
    target.write_bytes(b"mine")
    assert cli("show", source, target).code == 1
    assert target.read_bytes() == b"mine"
    assert cli("show", source, target, "--force").code == 0
    assert target.read_bytes() == before
    assert cli("show", source, "-").raw == before
    assert cli("show", source, tmp_path / "a.jpg").code == 2
    assert cli("show", source, tmp_path / "b.png", "--max-pixels", 100).code == 3
    assert cli("show", target, tmp_path / "b.png").code == 3
    assert {path.name for path in tmp_path.iterdir()} == {"a.frc", "a.png"}


def test_truncated_files(cli: Callable, cut: bytes, tmp_path: Path) -> None:
    source, target = tmp_path / "a.frc", tmp_path / "a.png"
    source.write_bytes(cut)
    ended = cli("show", source, target)
    assert ended.code == 3
    assert "--partial" in ended.err
    assert not target.exists()
    assert cli("show", source, target, "--partial").code == 0
    assert target.exists()


def test_tiles_that_did_not_arrive_are_named(picture: np.ndarray) -> None:
    data = fractour.encode(np.tile(picture, (4, 4, 1)), codec="tiles", budget=4000)
    panels = fractour.show(data[: len(data) * 2 // 3], allow_truncated=True)
    assert (panels[1][1] == drawing.RED).all(axis=2).any()
