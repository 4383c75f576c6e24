"""The command for the day a GPU is at hand, as far as a CPU can try it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fractour.eval.gpu import __main__ as command
from fractour.eval.gpu import pack as packing
from fractour.eval.gpu import parts
from fractour.eval.gpu.report import collect
from fractour.shared import api
from fractour.shared.backend import get_array_module
from fractour.shared.conformance import sample_picture
from fractour.shared.errors import BackendUnavailableError
from kernels import kernel_path


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `packing.make` writes, of little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "CODECS", ("tiles", "wavelet"))
        patch.setattr(packing, "LARGE", {"768x512": (60, 90)})
        patch.setattr(packing, "LIMIT", 1 << 20)
        out = tmp_path_factory.mktemp("pack") / "pack.zip"
        images = [sample_picture(300, 280, 3, seed=seed) for seed in range(3)]
        packing.make(out, images, generated=2, jobs=1)
    return out


def test_pack_holds_what_travels_and_no_more(pack: Path) -> None:
    many = packing.read_files(pack, "many/")
    large = packing.read_files(pack, "large/")
    assert (len(many), len(large)) == (4, 16)
    for data in (*many.values(), *large.values()):
        api.decode(data)
    assert api.decode(next(iter(large.values()))).shape == (60, 90, 3)
    crops = packing.read_crops(pack)
    assert crops
    assert all(crop.shape == (packing.CROP, packing.CROP, 3) for crop in crops)
    assert pack.stat().st_size <= 1 << 20


def test_identity_finds_one_wrong_pixel(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    xp = kernel_path(tmp_path)
    right = parts.decode_many

    def fake(files, *, scale=1, backend="numpy"):  # type: ignore[no-untyped-def]
        for i, picture in enumerate(right(files, scale=scale)):
            if backend == "cupy" and i == wrong and not isinstance(picture, Exception):
                picture[0, 0] ^= 1
            yield picture

    monkeypatch.setattr(parts, "decode_many", fake)
    monkeypatch.setattr(parts, "_golden", dict)
    wrong = -1
    assert parts.identity(pack, lambda _: None)["ok"], xp
    wrong = 1
    found = parts.identity(pack, lambda _: None)
    assert not found["ok"]
    assert found["different"] == [f"{sorted(packing.read_files(pack, 'many/'))[1]} at scale 1"]


def _without_gpu() -> None:
    try:
        get_array_module("cupy")
    except BackendUnavailableError:
        return
    pytest.skip("there is a GPU")


def test_a_failing_part_does_not_stop_the_others(pack: Path, tmp_path: Path) -> None:
    _without_gpu()
    words = ["-m", "fractour.eval.gpu", "--pack", str(pack), "--out", str(tmp_path)]
    only = ["--only", "surroundings,smart", "--minutes", "2"]
    subprocess.run([sys.executable, *words, *only], check=True, timeout=120, capture_output=True)
    assert sorted(file.stem for file in tmp_path.glob("*.json")) == ["smart", "surroundings"]
    for file in tmp_path.glob("*.json"):
        assert "CuPy" in json.loads(file.read_text())["error"]


def test_a_part_that_hangs_is_stopped_and_keeps_what_it_wrote(tmp_path: Path) -> None:
    file = tmp_path / "part.json"
    began = time.monotonic()
    code = "import time; print('here'); time.sleep(60)"
    command._watched([sys.executable, "-u", "-c", code], file, 2)
    assert time.monotonic() - began < 20
    assert "more than 2 s: here" in json.loads(file.read_text())["error"]


def test_no_part_begins_without_time(pack: Path, tmp_path: Path) -> None:
    command.run(pack, tmp_path, 0.1, "pifs", [])
    for name in parts.PARTS:
        assert "no time" in json.loads((tmp_path / f"{name}.json").read_text())["error"]
    assert not (tmp_path / "train.json").exists()


def test_crops_are_mirrored_where_pictures_are_small() -> None:
    small = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    (crop,) = packing.crops([small], 1)
    assert crop.shape == (packing.CROP, packing.CROP, 3)
    assert set(crop.ravel().tolist()) == set(range(30))


def test_report_says_what_was_measured_and_what_was_not(tmp_path: Path) -> None:
    (tmp_path / "identity.json").write_text(
        json.dumps({"files": 3, "pictures": 5, "different": ["a"], "failed": {}})
    )
    row = {"codec": "tiles", "size": "768x512", "batch": 2, "pictures/s kernels": 1234.4}
    row["moved bytes/s kernels"] = 2.5e11
    broken = {"codec": "pifs", "size": "768x512", "batch": 1, "error": "no memory"}
    (tmp_path / "throughput.json").write_text(
        json.dumps({"copy bytes/s": 1e12, "rows": [row, broken]})
    )
    document = collect(tmp_path)
    text = document["markdown"]
    assert "4 of 5 pictures from 3 files" in text
    assert "| tiles, 768x512 | 2 | 1234 | 25.0 | not measured yet |" in text
    assert "| pifs, 768x512 | 1 | not measured yet |" in text
    assert set(document["parts"]) == {"identity", "throughput"}
    assert "Device: not measured yet" in collect(tmp_path / "nowhere")["markdown"]
