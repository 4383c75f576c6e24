from __future__ import annotations

import os

import pytest
from fractour.eval.measuring import bench as bench_module
from fractour.eval.measuring.bench import bench_decode, bench_encode, in_turns, one_core
from fractour.eval.measuring.runner import ArrayImage
from fractour.shared.errors import FractourError
from skimage import data


@pytest.fixture(scope="module")
def images():
    return [ArrayImage("face", data.astronaut()[:96, 180:276])]


@pytest.mark.parametrize("bench", [bench_decode, bench_encode])
def test_ratio_to_openjpeg(bench, images):
    seen = []
    table = bench(images, ["jpeg"], 2.0, 2, seen.append)
    assert [row[0].text for row in table.rows] == ["jpeg", "jpeg2000"]
    assert table.cell("jpeg2000", "x OpenJPEG").value == 1
    ms = [row[3].value for row in table.rows]
    assert table.cell("jpeg", "x OpenJPEG").value == pytest.approx(ms[0] / ms[1])
    assert all(0 < row[2].value <= 96 * 96 * 2 / 8 for row in table.rows)
    assert seen == [1.0]
    assert "median of 2 calls" in table.notes[0]


@pytest.mark.parametrize(("bench", "verb"), [(bench_decode, "decode"), (bench_encode, "encode")])
def test_only_what_is_named_is_timed(bench, verb, images, monkeypatch):
    calls = []

    def fake(spec, image, limit):
        return lambda: calls.append("encode"), lambda: calls.append("decode"), limit

    monkeypatch.setattr(bench_module, "_calls", fake)
    table = bench(images, ["jpeg"], 1.0, 3)
    assert calls == [verb] * 2 * 4  # two codecs, once to warm up and three times
    assert table.name == f"bench_{verb}"


def test_a_budget_out_of_reach_is_counted(images):
    table = bench_decode(images, ["jpeg"], 0.3, 1)
    assert [cell.text for cell in table.rows[0]] == ["jpeg", "0/1", "-", "-", "-"]
    with pytest.raises(FractourError, match="face: OpenJPEG does not reach"):
        bench_decode(images, ["jpeg"], 0.01, 1)


def test_turns():
    calls = []
    found = in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert set(found) == {"a", "b"}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
def test_one_core_is_given_back():
    before = os.sched_getaffinity(0)
    with one_core() as pinned:
        assert pinned
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("bpp", "repeats", "few"), [(0.0, 1, False), (1.0, 0, False), (1.0, 1, True)]
)
def test_nonsense(bpp, repeats, few, images):
    with pytest.raises(FractourError, match="at least one image"):
        bench_decode([] if few else images, ["jpeg"], bpp, repeats)
