"""The command that shows what each step of the post-filter adds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fractour.codecs.tiles import ablation
from PIL import Image


def test_every_step_is_tabulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y, x = np.mgrid[:80, :96]
    noise = np.random.default_rng(0).normal(0, 6, (80, 96, 3))
    picture = 128 + 80 * np.sign(np.sin(x / 9) + np.cos(y / 7))[..., None] + noise
    path, kept = tmp_path / "waves.png", tmp_path / "kept.json"
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
    ablation.main([str(path), "--bpp", "0.001,0.8", "--out", str(kept)])
    text, document = capsys.readouterr().out, json.loads(kept.read_text())
    assert document["markdown"] in text
    (row,) = document["rows"]  # nothing fits in the smaller budget
    assert list(row["ways"]) == list(ablation.WAYS)
    assert row["ways"]["best"]["psnr_y"] >= row["ways"]["chroma"]["psnr_y"]
    assert row["ways"]["luma"]["psnr_y"] > row["ways"]["none"]["psnr_y"]
