"""The page of a picture: self-contained, and in Chromium the canvas holds Python's pixels."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import fractour
import numpy as np
import pytest
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


def looked_at(text: str, folder: Path, *, dark: bool = False) -> dict[str, object]:
    shown = json.loads(written(in_chromium(text + _PROBE, folder, dark=dark)))
    samples = np.frombuffer(base64.b64decode(shown["data"]), np.uint8)
    shown["pixels"] = samples.reshape(shown["height"], shown["width"], 4)
    return shown


@needs_chromium
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_canvas_holds_the_pixels(channels: int, tmp_path: Path) -> None:
    data = file_of(channels)
    expected = fractour.decode(data).reshape(70, 90, channels)
    shown = looked_at(page(data), tmp_path)
    pixels = shown["pixels"]
    assert isinstance(pixels, np.ndarray)
    assert (shown["wrong"], shown["loaded"]) == ("", 0)
    colours = channels if channels % 2 else channels - 1
    colour = np.broadcast_to(expected[:, :, :colours], (70, 90, 3))
    if channels % 2:
        assert np.array_equal(pixels[:, :, :3], colour)
        assert (pixels[:, :, 3] == 255).all()
    else:
        # A canvas multiplies colours with alpha and divides again: they are rounded.
        alpha = expected[:, :, colours]
        assert np.array_equal(pixels[:, :, 3], alpha)
        off = np.abs(pixels[:, :, :3].astype(int) - colour).max(2)
        assert (off <= np.ceil(255 / np.maximum(alpha, 1))).all()


@needs_chromium
def test_the_page_is_readable_in_the_dark(tmp_path: Path) -> None:
    text = page(file_of(3))

    def luma(colour: object) -> float:
        return float(np.mean([int(v) for v in re.findall(r"\d+", str(colour))[:3]]))

    light = looked_at(text, tmp_path)
    assert luma(light["ink"]) < 60 < 200 < luma(light["ground"])
    dark = looked_at(text, tmp_path, dark=True)
    assert luma(dark["ground"]) < 60 < 200 < luma(dark["ink"])


@needs_chromium
def test_a_page_whose_bytes_were_damaged_says_so(tmp_path: Path) -> None:
    data = file_of(3)
    letters = base64.b64encode(data).decode()
    text = page(data).replace(letters, base64.b64encode(data[:3]).decode())
    assert "cannot be shown: the file ends" in str(looked_at(text, tmp_path)["wrong"])


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
    large = (GOLDEN / "tiles-v1-large.frc").read_bytes()
    with pytest.raises(FractourError, match="inside a packet; cut it with trim"):
        page(large[: len(large) // 2])
    with pytest.raises(TruncatedError):
        page(large[:3])
