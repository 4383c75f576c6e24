"""Tiny files side by side: rivals at their best within the bytes, rows in the schema, resumed."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from fractour.eval.judging.metrics import psnr_rgb
from fractour.eval.measuring.anchors import encode_anchor
from fractour.eval.measuring.runner import ArrayImage
from fractour.eval.measuring.store import file_path
from fractour.eval.measuring.tiny import rows as tiny_rows
from fractour.eval.measuring.tiny.rivals import (
    RIVALS,
    Reduced,
    container_bytes,
    rivals_here,
)
from fractour.eval.measuring.tiny.rows import run_tiny
from fractour.eval.measuring.tiny.tables import tiny_tables
from fractour.shared.conformance import sample_picture


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return sample_picture(120, 180, 3)


@pytest.mark.parametrize("name", rivals_here())
@pytest.mark.parametrize("channels", [1, 3])
def test_rivals_keep_the_limit_and_show_the_whole_picture(name: str, channels: int) -> None:
    image = sample_picture(120, 180, channels)
    rival = RIVALS[name].opened(image)
    assert RIVALS[name].version()
    for limit in (3, 64, 500):
        found = rival.best(limit)
        if found is None:
            continue
        assert found.counted <= limit
        assert found.pixels.shape == image.shape
        assert np.array_equal(rival.decode(found.data), found.pixels)
        assert psnr_rgb(image, found.pixels) > 5
    assert found is not None or name == "avif"


def test_the_best_reduction_is_taken(picture: np.ndarray) -> None:
    found = Reduced("webp", picture).best(300)
    whole = encode_anchor("webp", picture, 300)
    assert found is not None
    assert found.side < 180
    assert whole is None or len(found.data) <= 300


def test_the_container_of_avif_is_the_same_whatever_it_holds(picture: np.ndarray) -> None:
    files = [encode_anchor("avif", picture[:n, :n], 4000) for n in (8, 31, 120)]
    assert {container_bytes(file) for file in files if file} == {275}
    assert container_bytes(b"no boxes here") == len(b"no boxes here")


def test_rows_follow_the_schema_and_are_resumed(
    picture: np.ndarray, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = json.loads((root / "eval/schema/row.schema.json").read_text(encoding="utf-8"))
    groups = {"one": [ArrayImage("picture", picture)]}
    codecs = ["wavelet", "webp", "avif-bare"]
    rows = run_tiny(groups, tmp_path, codecs=codecs, sizes=(10, 100))
    assert [(row["codec"], row["target_bytes"]) for row in rows] == [
        (codec, size) for codec in codecs for size in (10, 100)
    ]
    for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines():
        jsonschema.validate(json.loads(line), schema)
    by_key = {(row["codec"], row["target_bytes"]): row for row in rows}
    assert by_key["webp", 10]["status"] == "unreachable"
    for codec in codecs:
        row = by_key[codec, 100]
        assert row["status"] == "ok", row["message"]
        assert row["counted_bytes"] <= 100
        assert file_path(tmp_path, row).stat().st_size == row["file_bytes"]
    bare = by_key["avif-bare", 100]
    assert bare["file_bytes"] == bare["counted_bytes"] + 275
    monkeypatch.setattr(tiny_rows, "measure_task", lambda task: pytest.fail("measured again"))
    assert run_tiny(groups, tmp_path, codecs=codecs, sizes=(10, 100)) == rows


def row(image: str, codec: str, size: int, psnr: float | None, counted: int = 0) -> dict:
    return {
        "image": image,
        "image_sha256": image,
        "codec": codec,
        "target_bytes": size,
        "status": "unreachable" if psnr is None else "ok",
        "psnr_rgb": psnr,
        "ms_ssim": 0.5,
        "smart_128": 1.0,
        "counted_bytes": counted or size,
        "file_bytes": counted or size,
        "encode_s": 0.1,
        "decode_s": 0.001,
    }


def test_the_gain_is_that_of_the_best_on_each_picture() -> None:
    rows = [
        row("a", "tiles", 64, 20.0, 60),
        row("b", "tiles", 64, 21.0, 64),
        row("a", "wavelet", 64, 22.0, 48),
        row("b", "wavelet", 64, 20.0),
        row("a", "contour", 64, 24.0),
        row("a", "webp", 64, 19.0),
        row("b", "webp", 64, None),
        row("a", "avif-bare", 64, 19.5),
        row("b", "avif-bare", 64, 20.5),
        row("a", "avif", 64, None),
    ]
    tables = tiny_tables({"x": rows})
    gain = [[cell.text for cell in line] for line in tables[0].rows]
    # a: 22 - 19.5, b: 21 - 20.5; bytes 48 and 64 of 64.
    assert gain[0] == ["x", "tiles, wavelet", "2", "gain, dB", "+1.50"]
    assert gain[1] == ["x", "tiles, wavelet", "2", "bytes used, %", "87.5"]
    assert gain[2] == ["x", "tiles, wavelet, contour", "1", "gain, dB", "+4.50"]
    quality = next(table for table in tables if table.name == "tiny_psnr_rgb")
    assert quality.cell("tiles", "64").text == "20.50"
    # No mean over the easy pictures alone.
    assert quality.cell("WebP", "64").text == "1/2"
