from __future__ import annotations

import sys
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from fractour.eval.measuring.rowset import Results
from fractour.eval.reporting.plots import PlotError, _spread, curves, rd_figure, save_rd_plot
from fractour.shared.errors import BackendUnavailableError
from matplotlib.text import Text
from PIL import Image


def row(codec, image, bpp, psnr, status="ok", config=None):
    done = status == "ok"
    return {
        "codec": codec,
        "config": config or {},
        "image": image,
        "target_bpp": bpp,
        "bpp": bpp * 0.98 if done else None,
        "status": status,
        "psnr_rgb": psnr if done else None,
        "ms_ssim": 1 - 10 ** (-psnr / 40) if done else None,
        "bits": {},
    }


@pytest.fixture
def rows():
    found = []
    for codec, gain in (("wavelet", 1.0), ("jpeg2000", 0.0), ("jpeg", -4.0)):
        for image, level in (("a", 20.0), ("b", 30.0)):
            for bpp in (0.05, 0.1, 0.2, 0.5):
                fails = codec == "jpeg" and bpp < 0.15 and image == "b"
                value = level + gain + 10 * np.log10(bpp / 0.05)
                found.append(row(codec, image, bpp, value, "unreachable" if fails else "ok"))
    return found


def test_only_points_that_every_image_reaches(rows):
    found = curves(Results(rows), "psnr_rgb")
    assert list(found) == ["wavelet", "jpeg2000", "jpeg"]
    assert [len(points) for points in found.values()] == [4, 4, 2]
    assert found["wavelet"][0] == pytest.approx((0.049, 26.0))


def test_figure_shows_every_codec_by_name(rows):
    figure = rd_figure(rows, title="demo")
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == ["wavelet", "JPEG 2000", "JPEG"]
        assert axes.get_xscale() == "log"
        colors = [line.get_color() for line in axes.lines]
        assert len(set(colors)) == len(colors) == 3
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata()[0], 26.0)
    assert figure.get_suptitle() == "demo, mean over 2 images at equal bytes"
    # MS-SSIM is drawn in dB and labelled with the metric.
    labels = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert labels == ["0.8", "0.85"]


def test_labels_do_not_overlap(rows):
    """Five codecs within a hair of each other."""
    same = [
        row(codec, "a", bpp, 30 + 0.001 * at + 10 * bpp)
        for at, codec in enumerate(["wavelet", "jpeg2000", "jpeg", "webp", "avif"])
        for bpp in (0.1, 0.2)
    ]
    figure = rd_figure(same)
    figure.draw_without_rendering()
    for axes in figure.axes:
        # The class's own extent: that of an annotation includes its leader.
        boxes = sorted((Text.get_window_extent(t) for t in axes.texts), key=lambda box: box.y0)
        # Line boxes touch; the letters keep a distance.
        assert all(b.y0 - a.y0 > 0.8 * a.height for a, b in pairwise(boxes))
        assert all(box.x1 <= figure.bbox.x1 for box in boxes)


def test_spread():
    assert _spread([0.5], 0.1) == [0.5]
    assert _spread([0.1, 0.9], 0.1) == [0.1, 0.9]
    np.testing.assert_allclose(_spread([0.5, 0.5], 0.1), [0.45, 0.55])
    np.testing.assert_allclose(_spread([0.52, 0.5, 0.1], 0.1), [0.56, 0.46, 0.1])
    heights = np.random.default_rng(0).random(12)
    placed = np.array(_spread(list(heights), 0.05))
    assert np.all(np.diff(np.sort(placed)) > 0.05 - 1e-9)
    assert list(np.argsort(placed)) == list(np.argsort(heights))


def test_files(rows, tmp_path):
    paths = save_rd_plot(rows, tmp_path / "new" / "rd", title="demo")
    assert [path.name for path in paths] == ["rd.png", "rd.svg"]
    with Image.open(paths[0]) as picture:
        assert picture.size[0] > 1200
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.std() > 5
    text = paths[1].read_text()
    assert text.startswith("<?xml")
    assert "<svg" in text
    again = save_rd_plot(rows, tmp_path / "again", title="demo")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_global_settings_stay(rows):
    before = dict(matplotlib.rcParams)
    rd_figure(rows)
    assert dict(matplotlib.rcParams) == before


def test_many_configurations_stay_apart(rows):
    many = [
        row("wavelet", "a", bpp, 20 + effort, config={"effort": effort})
        for effort in range(1, 7)
        for bpp in (0.1, 0.2)
    ]
    lines = rd_figure(many).axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 6


def test_infinite_or_missing_values_are_left_out(rows):
    for item in rows:
        item["ms_ssim"] = None
        if item["codec"] == "wavelet":
            item["psnr_rgb"] = None
    figure = rd_figure(rows)
    assert len(figure.axes) == 1
    assert [text.get_text() for text in figure.axes[0].texts] == ["JPEG 2000", "JPEG"]


def test_perfect_similarity(rows):
    for item in rows:
        item["ms_ssim"] = 1.0
    figure = rd_figure(rows)
    assert figure.axes[1].texts[0].get_text() == "no budget is reached on all images"


def test_nothing_to_plot(rows):
    failed = [item | {"status": "unreachable"} for item in rows]
    with pytest.raises(PlotError, match="nothing to plot"):
        rd_figure(failed)
    with pytest.raises(PlotError):
        rd_figure([])


def test_matplotlib_is_missing(rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(BackendUnavailableError, match=r"fractour\[report\]"):
        rd_figure(rows)
