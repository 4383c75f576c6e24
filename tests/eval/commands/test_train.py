"""What training shows on a terminal, and what it leaves behind."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fractour.eval.commands.train import _shown, fitting
from PIL import Image

pytest.importorskip("torch")


class Terminal(io.StringIO):
    """Something that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_bar_is_whole_at_any_width(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from fractour.shared.training.loop import Report

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    with _shown(20000, 12) as report:
        report(Report(20000, 0.12345, 0.953, (21.5, 25.25, 30.125)))
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    last = [line for line in plain.splitlines() if "20000/20000" in line][-1]
    assert last.count("━") == 20
    assert "loss 0.1235" in last or columns == 60
    assert "dB at" in last or columns < 200


def test_words_are_left_out_whole() -> None:
    assert fitting(["abc", "defg", "h"], 9) == "abc  defg"
    assert fitting(["abc", "defg", "h"], 8) == "abc"
    assert fitting(["abc"], 2) == ""


def test_a_training_leaves_its_log_and_weights_that_all_may_read(
    cli: Callable, tmp_path: Path
) -> None:
    pytest.importorskip("lightning_fabric")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (80, 96, 3), np.uint8)).save(tmp_path / "a.png")
    words = [
        *("train", "wavelet", "--corpus", tmp_path, "--out", tmp_path / "run", "--size", 64),
        *("--pictures", 1, "--each", 1, "--alone", 0, "--accelerator", "cpu"),
    ]
    assert cli(*words, "--steps", 2).code == 0
    log = tmp_path / "run" / "log.jsonl"
    # A run that was stopped after its checkpoint, in the middle of a line.
    log.write_text(log.read_text() + '{"step": 3, "loss": 1.0}\n{"step"')
    ended = cli(*words, "--steps", 4, "--resume", "--json")
    assert ended.code == 0
    assert ended.json["last"]["step"] == 4
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert all(np.isfinite([row["loss"], row["relative"]]).all() for row in rows)
    usual = 0o666 & ~(mask := os.umask(0))
    os.umask(mask)
    assert (tmp_path / "run" / "wavelet.safetensors").stat().st_mode & 0o777 == usual
