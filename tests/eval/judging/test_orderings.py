"""The ordering bench: what the smart error must hold, and what MSE and MS-SSIM hold of it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from fractour.eval.judging.orderings import GROUPS, SETS, Pair, pairs
from fractour.eval.judging.stimuli import matched, mean_square
from fractour.eval.reporting import ordering_tables as bench


@pytest.fixture(scope="module", params=SETS)
def made(request: pytest.FixtureRequest) -> list[Pair]:
    return pairs(request.param)


@pytest.mark.slow
def test_smart_holds_what_mse_and_ms_ssim_do_not(made: list[Pair]) -> None:
    assert len(made) >= 150
    groups = Counter(pair.group for pair in made)
    assert set(groups) == set(GROUPS)
    assert len({pair.name for pair in made}) == len(made)
    smart = bench.judge(bench.MEASURES["smart"], made)
    missed = [pair for pair, held in zip(made, smart, strict=True) if not held]
    assert len(missed) <= 0.1 * len(made), [pair.name for pair in missed]
    assert [pair.name for pair in missed if pair.essay] == []
    held = {name: sum(bench.judge(bench.MEASURES[name], made)) for name in ("MSE", "MS-SSIM")}
    assert held["MSE"] < 0.7 * len(made)
    assert held["MSE"] < held["MS-SSIM"] < sum(smart)


@pytest.mark.slow
def test_pairs_of_equal_error_have_equal_error(made: list[Pair]) -> None:
    for pair in made:
        assert pair.reference.shape == pair.better.shape == pair.worse.shape
        assert pair.reference.dtype == pair.better.dtype == pair.worse.dtype == np.uint8
        # Five scales of MS-SSIM must fit.
        assert min(pair.reference.shape[:2]) >= 161
        if pair.group in ("geometry", "brightness", "page", "invented"):
            first, second = (
                bench.mean_square_error(pair.reference, image)
                for image in (pair.better, pair.worse)
            )
            assert first == pytest.approx(second, rel=0.12), pair.name


@pytest.mark.slow
def test_a_line_moved_is_no_line_lost(made: list[Pair]) -> None:
    """MSE ranks the moved line behind the dotted one, the smart error does not."""
    of_lines = [pair for pair in made if "half-pixel shift < dotted" in pair.name]
    assert len(of_lines) >= 4
    assert all(bench.judge(bench.MEASURES["smart"], of_lines))
    assert sum(bench.judge(bench.MEASURES["MSE"], of_lines)) <= len(of_lines) / 2


def test_matching() -> None:
    picture = np.full((20, 20), 100.0)
    grain = np.where(np.arange(400).reshape(20, 20) % 2, 1.0, -1.0)
    found = matched(picture, 49.0, lambda strength: picture + strength * grain, 50)
    assert found is not None
    assert mean_square(picture, found) == pytest.approx(49)
    assert matched(picture, 49.0, lambda strength: picture + strength * grain, 5) is None


def test_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    black, white = np.zeros((16, 16), np.uint8), np.full((16, 16), 255, np.uint8)
    grey = np.full((16, 16), 9, np.uint8)
    few = [
        Pair("a", "lines", black, grey, white, essay=True),
        Pair("b", "page", black, white, grey),
    ]
    monkeypatch.setattr(bench.orderings, "pairs", lambda which: few)
    seen: list[float] = []
    monkeypatch.setattr(bench, "judge_times", lambda repeats: bench.Table(f"{repeats}", "", (), ()))
    tables, missed = bench.bench_smart(networks=False, repeats=3, progress=seen.append)
    assert [table.name for table in tables] == ["orderings_tuning", "orderings_unseen", "3"]
    assert tables[0].columns == ("measure", "all / 2", "essay / 1", "lines / 1", "page / 1")
    assert [cell.text for cell in tables[0].rows[0]] == ["MSE", "1 (50 %)", "1", "1", "0"]
    # 16 pixels hold no window of MS-SSIM: no value holds no pair.
    assert tables[0].cell("MS-SSIM", "all / 2").value == 0
    assert missed == ["tuning: b", "unseen: b"]
    assert seen[-1] == 1.0


def test_times() -> None:
    table = bench.judge_times(1, (20, 30))
    assert [row[0].text for row in table.rows] == list(bench.MEASURES)
    assert all(row[1].value > 0 for row in table.rows)
    assert "30 x 20" in table.title


def test_a_missing_network_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    from fractour.eval.judging import perceptual_network
    from fractour.shared.errors import BackendUnavailableError

    def absent() -> None:
        raise ModuleNotFoundError("no such module")

    monkeypatch.setattr(perceptual_network, "LOADERS", {"X": ("x-package", absent)})
    with pytest.raises(BackendUnavailableError, match="x-package"):
        perceptual_network.load("X")
    found, notes = bench.measures()
    assert set(found) == set(bench.MEASURES)
    assert len(notes) == 1
    assert notes[0].startswith("not measured: X: needs x-package")
