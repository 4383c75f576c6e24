"""Size and times of the JavaScript decoder: what is recorded is what is committed."""

from __future__ import annotations

import json
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.eval.measuring import javascript as measuring
from fractour.shared.errors import BackendUnavailableError, FractourError
from javascript import NEEDS_NODE, NODE
from places import ROOT

needs_node = pytest.mark.skipif(NODE is None, reason=NEEDS_NODE)


def test_the_recorded_size_is_that_of_the_decoder() -> None:
    path = ROOT / "eval" / "results" / "javascript.json"
    recorded = json.loads(path.read_text("utf-8"))["sizes"]
    now = measuring.sizes()
    # Not gzip's: libraries differ by some bytes.
    assert {**recorded, "gzip": 0} == {**now, "gzip": 0}, (
        "the decoder changed: run python -m fractour.eval.measuring.javascript "
        "--out eval/results/javascript.json, then python -m fractour.eval.reporting.readme"
    )
    assert abs(recorded["gzip"] - now["gzip"]) < 500
    assert now["tables"] < now["gzip"] < now["plain"]


@needs_node
def test_times_are_of_calls_that_decode() -> None:
    data = fractour.encode(np.zeros((8, 8), np.uint8), codec="tiles", budget=100)
    first, warm = measuring.node_times(data, repeats=3)
    assert 0 < warm <= first < 60_000
    with pytest.raises(FractourError, match="Node failed"):
        measuring.node_times(b"no file", repeats=1)


@needs_node
def test_a_small_corpus_is_measured(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(tmp_path / "a.png")
    rows = measuring.measured(str(tmp_path), 6, (64,))
    assert [(row["budget"], row["images"]) for row in rows] == [(64, 1)]
    assert rows[0]["bytes"] <= 64


def test_without_node_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring.shutil, "which", lambda name: None)
    with pytest.raises(BackendUnavailableError, match="apt install nodejs"):
        measuring.node()
