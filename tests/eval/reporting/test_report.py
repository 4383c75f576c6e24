from __future__ import annotations

import base64
import io
import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from fractour.eval.measuring.anchors import decode_anchor
from fractour.eval.measuring.runner import ArrayImage, run
from fractour.eval.measuring.store import FILES_FOLDER, file_path
from fractour.eval.reporting import viewer
from fractour.eval.reporting.report import write_report
from fractour.shared.errors import BackendUnavailableError
from PIL import Image
from skimage import data


@pytest.fixture(scope="module")
def images():
    return [ArrayImage("<face>", data.astronaut()[:128, 180:340])]


@pytest.fixture(scope="module")
def result(images, tmp_path_factory):
    return run(images, ["jpeg", "jpeg2000"], [0.1, 1.0, 2.0], tmp_path_factory.mktemp("run"))


def content(text):
    """What the page's script is given."""
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def pixels(uri):
    kind, _, body = uri.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))


def test_report_stands_alone(result, images, tmp_path):
    done = []
    path = write_report(result, tmp_path / "report.html", images=images, progress=done.append)
    text = path.read_text(encoding="utf-8")
    HTMLParser().feed(text)
    assert done[-1] == 1.0
    assert "<face>" not in text
    assert "BD-rate against jpeg2000" in text
    assert "smart error judges as an eye does" in text
    assert result.meta["corpus"]["checksum"] in text
    assert "Permission is hereby granted" in text  # the licence of the plot library
    # Nothing is fetched; the address of a namespace or of a project is no request.
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text)
    assert not re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", text)


def test_the_viewer_has_the_very_pixels(result, images, tmp_path):
    path = write_report(result, tmp_path / "r.html", images=images, bpps=[0.1, 2.0])
    (shown,) = content(path.read_text(encoding="utf-8"))["pictures"]
    assert (shown["name"], shown["width"], shown["height"]) == ("<face>", 160, 128)
    assert np.array_equal(pixels(shown["original"]), images[0].pixels)
    assert [budget["bpp"] for budget in shown["budgets"]] == [0.1, 2.0]
    low, high = ({view["codec"]: view for view in budget["views"]} for budget in shown["budgets"])
    # A codec that misses the budget does not vanish.
    assert low["JPEG"]["missing"].startswith("budget not reached: the smallest file has")
    row = next(r for r in result.rows if (r["codec"], r["target_bpp"]) == ("jpeg2000", 2.0))
    kept = file_path(result.folder, row).read_bytes()
    assert len(kept) == row["file_bytes"] == high["JPEG 2000"]["bytes"]
    assert np.array_equal(pixels(high["JPEG 2000"]["source"]), decode_anchor("jpeg2000", kept))
    figures = {figure["name"]: figure["value"] for figure in high["JPEG 2000"]["figures"]}
    assert figures["PSNR-RGB"] == f"{row['psnr_rgb']:.2f} dB"


def test_a_run_without_its_files_is_encoded_again(result, images, tmp_path):
    here = write_report(result, tmp_path / "a.html", images=images)
    moved = type(result)(tmp_path / "elsewhere", result.meta, result.rows)
    there = write_report(moved, tmp_path / "b.html", images=images)
    assert content(here.read_text()) == content(there.read_text())
    assert (result.folder / FILES_FOLDER).is_dir()


def test_own_formats_say_what_bits_are_spent_on_and_explain_themselves(
    picture, tmp_path, monkeypatch
):
    monkeypatch.setattr(viewer, "EXPLAINED", ("template",))
    image = ArrayImage("stripes", picture)
    result = run([image], ["template"], [4.0], tmp_path / "run", metrics=["psnr_rgb"])
    path = write_report(result, tmp_path / "r.html", images=[image])
    (view,) = content(path.read_text())["pictures"][0]["budgets"][0]["views"]
    assert view["about"] == "grid of blocks"
    assert view["explained"].startswith("data:image/webp;base64,")
    assert 50 < sum(bit["share"] for bit in view["bits"]) <= 100


def test_a_file_that_holds_nothing_explains_nothing(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(viewer, "EXPLAINED", ("template",))
    monkeypatch.setattr(viewer.api, "show", lambda data: [("decoded", picture)])
    image = ArrayImage("stripes", picture)
    result = run([image], ["template"], [4.0], tmp_path / "run", metrics=["psnr_rgb"])
    path = write_report(result, tmp_path / "r.html", images=[image])
    (view,) = content(path.read_text())["pictures"][0]["budgets"][0]["views"]
    assert "explained" not in view
    assert view["source"]


def test_report_without_pictures_or_points(result, tmp_path):
    failed = [row | {"status": "unreachable"} for row in result.rows]
    path = write_report(type(result)(result.folder, result.meta, failed), tmp_path / "r.html")
    text = path.read_text(encoding="utf-8")
    assert content(text)["measures"] == content(text)["pictures"] == []
    assert 'id="curves"' not in text
    assert 'id="stage"' not in text
    assert "0/1" in text


def test_jinja_is_missing(result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(BackendUnavailableError, match=r"fractour\[report\]"):
        write_report(result, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
