from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from fractour.eval.measuring.measure import CodecSpec
from fractour.eval.measuring.runner import ArrayImage, run
from fractour.eval.reporting.report import busiest, make_strip, write_report
from fractour.shared.errors import BackendUnavailableError
from skimage import data


@pytest.fixture(scope="module")
def images():
    return [ArrayImage("<face>", data.astronaut()[:128, 180:340])]


@pytest.fixture(scope="module")
def result(images, tmp_path_factory):
    return run(images, ["jpeg2000", "webp"], [1.0, 2.0], tmp_path_factory.mktemp("run"))


def test_report_stands_alone(result, images, tmp_path):
    done = []
    path = write_report(
        result, tmp_path / "report.html", images=images, bpp=2.0, progress=done.append
    )
    text = path.read_text(encoding="utf-8")
    HTMLParser().feed(text)
    assert done == [1.0]
    assert "&lt;face&gt; at 2 bits per pixel" in text
    assert "<face>" not in text
    assert text.count("data:image/png;base64,") == 3
    assert text.count("<svg") == 1
    assert "BD-rate against jpeg2000" in text
    assert result.meta["corpus"]["checksum"] in text
    # Nothing is fetched: the only addresses are names of XML vocabularies.
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text)


def test_report_without_pictures_or_points(result, tmp_path):
    failed = [row | {"status": "unreachable"} for row in result.rows]
    path = write_report(type(result)(result.folder, result.meta, failed), tmp_path / "r.html")
    text = path.read_text(encoding="utf-8")
    assert "<svg" not in text
    assert "0/1" in text


def test_strip_leaves_out_what_does_not_fit(images):
    strip = make_strip(images[0], [CodecSpec("jpeg"), CodecSpec("jpeg2000")], 0.2)
    assert [crop.label for crop in strip.crops] == ["original", "JPEG 2000"]
    assert re.fullmatch(r"\d+ bytes, \d+\.\d\d dB", strip.crops[1].caption)


def test_busiest():
    image = np.zeros((256, 320), np.uint8)
    image[64:192, 96:224] = np.random.default_rng(0).integers(0, 256, (128, 128))
    assert busiest(image) == (slice(64, 192), slice(96, 224))
    assert busiest(image[:5, :1]) == (slice(0, 5), slice(0, 1))


def test_jinja_is_missing(result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(BackendUnavailableError, match=r"fractour\[report\]"):
        write_report(result, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
