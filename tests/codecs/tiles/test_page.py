"""The page of a picture: self-contained, and in Chromium the canvas holds Python's pixels."""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any

import fractour
import numpy as np
import pytest
from fractour.codecs.tiles import TilesCodec
from fractour.codecs.tiles.javascript import decoder
from fractour.codecs.tiles.javascript.page import page
from fractour.shared.errors import FractourError, TruncatedError
from javascript import CHROMIUM, NEEDS_CHROMIUM, in_chromium, written
from places import GOLDEN

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason=NEEDS_CHROMIUM)

# Appended to a page: what the canvas holds, and how the page looks.
_PROBE = """
<pre id="found"></pre>
<script type="module">
const canvas = document.getElementById("picture");
const { width, height } = canvas;
const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
let letters = "";
for (const sample of data) letters += String.fromCharCode(sample);
const style = getComputedStyle(document.body);
document.getElementById("found").textContent = JSON.stringify({ width, height,
  data: btoa(letters), ink: style.color, ground: style.backgroundColor,
  wrong: document.getElementById("wrong").textContent,
  loaded: performance.getEntriesByType("resource").length });
</script>
"""


def file_of(channels: int, *, budget: int = 120) -> bytes:
    """A ramp of 90 x 70 pixels in few bytes."""
    y, x = np.mgrid[:70, :90]
    planes = [2 * x, 3 * y, 255 - 2 * x, 100 + x]
    image = np.stack(planes[:channels], axis=-1).astype(np.uint8)
    return fractour.encode(image, codec="tiles", budget=budget, compact=True)


# All pages lie in frames of one, which starts a browser once.
_FRAMES = """<!doctype html>
<style>:root {{ color-scheme: light dark; }}</style>
{frames}
<pre id="found"></pre>
<script>
addEventListener("load", () => {{
  const found = [...document.querySelectorAll("iframe")].map((frame) =>
    JSON.parse(frame.contentDocument.getElementById("found").textContent));
  document.getElementById("found").textContent = JSON.stringify(found);
}});
</script>
"""


def looked_at(texts: list[str], folder: Path, *, dark: bool = False) -> list[dict[str, Any]]:
    """Open pages in Chromium: what was found, and the pixels of the canvas, (H, W, 4)."""
    frames = [f'<iframe srcdoc="{html.escape(text + _PROBE)}"></iframe>' for text in texts]
    page = _FRAMES.format(frames="\n".join(frames))
    found: list[dict[str, Any]] = json.loads(written(in_chromium(page, folder, dark=dark)))
    for one in found:
        samples = np.frombuffer(base64.b64decode(one["data"]), np.uint8)
        one["pixels"] = samples.reshape(one["height"], one["width"], 4)
    return found


def luma(colour: str) -> float:
    return float(np.mean([int(value) for value in re.findall(r"\d+", colour)[:3]]))


@needs_chromium
def test_pages_in_chromium(tmp_path: Path) -> None:
    files = [file_of(channels) for channels in (1, 2, 3, 4)]
    letters = base64.b64encode(files[2]).decode()
    damaged = page(files[2]).replace(letters, base64.b64encode(files[2][:3]).decode())
    *pages, wrong = looked_at([*map(page, files), damaged], tmp_path)
    assert "cannot be shown: the file ends" in wrong["wrong"]
    assert luma(wrong["ink"]) < 60 < 200 < luma(wrong["ground"])
    for data, shown in zip(files, pages, strict=True):
        expected = fractour.decode(data).reshape(70, 90, -1)
        channels, pixels = expected.shape[2], shown["pixels"]
        assert (shown["wrong"], shown["loaded"]) == ("", 0)
        colour = np.broadcast_to(expected[:, :, : channels - 1 + channels % 2], (70, 90, 3))
        if channels % 2:
            assert np.array_equal(pixels[:, :, :3], colour)
            assert (pixels[:, :, 3] == 255).all()
            continue
        # A canvas multiplies colours with alpha and divides again: they are rounded.
        alpha = expected[:, :, -1]
        assert np.array_equal(pixels[:, :, 3], alpha)
        off = np.abs(pixels[:, :, :3].astype(int) - colour).max(2)
        assert (off <= np.ceil(255 / np.maximum(alpha, 1))).all()


@needs_chromium
def test_a_page_is_readable_in_the_dark(tmp_path: Path) -> None:
    (dark,) = looked_at([page(file_of(3))], tmp_path, dark=True)
    assert luma(dark["ground"]) < 60 < 200 < luma(dark["ink"])


def test_the_page_says_its_bytes_and_holds_everything() -> None:
    data = file_of(3, budget=64)
    text = page(data)
    assert f"<strong>{len(data)} bytes</strong>, shown at 90 x 70 pixels" in text
    assert base64.b64encode(data).decode() in text
    assert text.count("</script>") == 1
    assert not re.search(r"https?:|//[a-z]+\.|@import|src=", text.replace(decoder(), ""))
    assert "://" not in decoder()


def test_other_files_are_refused_with_their_remedy() -> None:
    with pytest.raises(FractourError, match="codec 1 version 1; encode with --codec tiles"):
        page((GOLDEN / "template-v1-grey.frc").read_bytes())
    large = (GOLDEN / f"tiles-v{TilesCodec.version}-large.frc").read_bytes()
    with pytest.raises(FractourError, match="inside a packet; cut it with trim"):
        page(large[: len(large) // 2])
    with pytest.raises(TruncatedError):
        page(large[:3])
