from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fractour.eval.measuring.rowset import Results
from fractour.eval.measuring.runner import ArrayImage, run
from fractour.eval.measuring.side_by_side import joined
from fractour.eval.measuring.store import RunError
from skimage import data


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    face, suit = data.astronaut()[:64, 200:296], data.astronaut()[300:364, 100:180]
    old = run(
        [ArrayImage("face", face), ArrayImage("suit", suit)],
        ["template", "jpeg2000"], [2.0, 4.0], folder / "old", metrics=["psnr_rgb"],
    )  # fmt: skip
    new = run(
        [ArrayImage("another name", face)],
        ["template", "jpeg2000"], [4.0, 8.0], folder / "new", metrics=["psnr_rgb"],
    )  # fmt: skip
    return old, new


def test_codecs_are_named_by_their_run_and_anchors_count_once(two):
    both = joined(*two, Path("nowhere"))
    results = Results(both.rows)
    assert results.codecs == ["template:run=old", "jpeg2000", "template:run=new"]
    assert (results.images, results.bpps) == (["face"], [4.0])
    assert both.meta["corpus"]["images"] == ["face"]
    assert len(both.rows) == 3
    # The runs themselves are as they were.
    assert "run" not in two[0].rows[0]["config"]


def test_what_cannot_stand_side_by_side_is_refused(two):
    old, new = two
    with pytest.raises(RunError, match="given twice"):
        joined(old, old, Path("nowhere"))
    other = replace(new, rows=[row for row in new.rows if row["target_bpp"] == 8.0])
    with pytest.raises(RunError, match="share no picture at any budget"):
        joined(old, other, Path("nowhere"))
