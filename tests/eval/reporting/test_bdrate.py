from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from fractour.eval.judging.metrics import similarity_decibel
from fractour.eval.reporting.bdrate import BDError, bd_psnr, bd_quality, bd_rate
from fractour.eval.reporting.bootstrap import StatisticsError, bootstrap_mean, paired_difference

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports matplotlib's pyplot
    import bjontegaard

RATES = [0.05, 0.1, 0.2, 0.3, 0.5, 1.0]
PSNR = [24.67, 26.40, 28.48, 29.96, 32.18, 36.00]


def test_ten_percent_fewer_bytes():
    result = bd_rate(RATES, PSNR, [rate * 0.9 for rate in RATES], PSNR)
    assert result.value == pytest.approx(-10)
    assert result.overlap == pytest.approx(1)
    assert result.interval == (24.67, 36.0)
    assert result.notes == ()


def test_one_decibel_more():
    result = bd_psnr(RATES, PSNR, RATES, [value + 1 for value in PSNR])
    assert result.value == pytest.approx(1)
    assert result.interval == pytest.approx((math.log10(0.05), 0.0))


@pytest.mark.parametrize("seed", range(8))
def test_is_that_of_bjontegaard(seed):
    rng = np.random.default_rng(seed)
    curves = []
    for _ in range(2):
        rates = np.cumsum(rng.uniform(0.05, 0.3, size=rng.integers(2, 9)))
        curves.append((rates, 25 + np.cumsum(rng.uniform(0.5, 2.0, size=len(rates)))))
    (rate_a, psnr_a), (rate_t, psnr_t) = curves
    options = {"method": "pchip", "require_matching_points": False, "min_overlap": 0}
    ours = bd_rate(rate_a, psnr_a, rate_t, psnr_t, min_overlap=0)
    theirs = bjontegaard.bd_rate(rate_a, psnr_a, rate_t, psnr_t, **options)
    assert ours.value == pytest.approx(theirs, rel=1e-9, abs=1e-9)
    ours = bd_psnr(rate_a, psnr_a, rate_t, psnr_t, min_overlap=0)
    theirs = bjontegaard.bd_psnr(rate_a, psnr_a, rate_t, psnr_t, **options)
    assert ours.value == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_order_and_repetition_do_not_matter():
    plain = bd_rate(RATES, PSNR, RATES, [value + 0.5 for value in PSNR])
    order = [3, 1, 5, 0, 2, 4, 4, 0]
    mixed = bd_rate(
        [RATES[at] for at in order], [PSNR[at] for at in order], RATES, [v + 0.5 for v in PSNR]
    )
    assert mixed == plain


def test_a_curve_that_folds_back_is_flagged():
    """The cubic fit of other tools says -99.98 % here without a word."""
    folded = [24.67, 26.40, 28.48, 27.0, 32.18, 36.00]
    result = bd_rate(RATES, PSNR, RATES, folded)
    assert result.notes == ("test: 1 of 6 points dominated and dropped",)
    without = [at for at in range(6) if at != 3]
    expected = bd_rate(RATES, PSNR, [RATES[at] for at in without], [PSNR[at] for at in without])
    assert result.value == expected.value
    assert bd_quality(RATES, folded, RATES, PSNR).notes[0].startswith("anchor: 1 of 6")


def test_equal_rate_keeps_the_better_point():
    result = bd_rate([0.1, 0.1, 0.2], [26.0, 25.0, 28.0], [0.1, 0.2], [26.0, 28.0])
    assert result.value == pytest.approx(0)
    assert len(result.notes) == 1


@pytest.mark.parametrize(
    ("rates", "quality", "what"),
    [
        ([0.1], [26.0], "at least 2"),
        ([], [], "0 usable points of 0"),
        ([0.1, 0.2, 0.3], [26.0, 25.0, 24.0], "1 usable point of 3"),
        ([0.1, 0.2], [26.0, math.inf], "not finite"),
        ([0.1, math.nan], [26.0, 27.0], "not finite"),
        ([0.0, 0.2], [26.0, 28.0], "positive"),
        ([0.1, 0.2], [26.0], "2 rates but 1"),
        ([0.1, 0.2], [40.0, 41.0], "share 0%"),
        ([0.1, 0.2], [35.0, 45.0], "share 5%"),
    ],
)
def test_guards(rates, quality, what):
    with pytest.raises(BDError, match=what):
        bd_rate(RATES, PSNR, rates, quality)
    with pytest.raises(BDError, match=what):
        bd_rate(rates, quality, RATES, PSNR)


def test_guards_of_quality_overlap():
    with pytest.raises(BDError, match="log10 rate"):
        bd_psnr(RATES, PSNR, [2.0, 4.0], [30.0, 35.0])


def test_touching_curves_have_no_difference_even_if_allowed():
    with pytest.raises(BDError, match="share 0%"):
        bd_rate([0.1, 0.2], [26.0, 28.0], [0.3, 0.4], [28.0, 30.0], min_overlap=0)


def test_low_overlap_is_flagged():
    result = bd_rate([0.1, 0.2], [24.0, 28.0], [0.3, 0.4], [26.5, 30.0])
    assert result.overlap == pytest.approx(0.25)
    assert result.notes == ("overlap: 25% of the joint range",)
    with pytest.raises(BDError, match="share 25%"):
        bd_rate([0.1, 0.2], [24.0, 28.0], [0.3, 0.4], [26.5, 30.0], min_overlap=0.3)


def test_two_points_are_enough():
    assert bd_rate([1, 2], [30, 33], [2, 4], [30, 33]).value == pytest.approx(100)


def test_scale():
    quality = [0.82, 0.87, 0.92, 0.94, 0.96, 0.98]
    plain = bd_rate(RATES, quality, RATES, sorted(value + 0.01 for value in quality))
    scaled = bd_rate(
        RATES, quality, RATES, [value + 0.01 for value in quality], scale=similarity_decibel
    )
    assert scaled.value != pytest.approx(plain.value, abs=0.1)
    assert scaled.interval[0] == pytest.approx(similarity_decibel(0.83))


def test_bootstrap_covers_the_mean():
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(100):
        interval = bootstrap_mean(rng.normal(3, 2, 24), seed=seed, resamples=500)
        assert interval.low < interval.mean < interval.high
        covered += interval.low <= 3 <= interval.high
    assert 85 <= covered <= 99


def test_bootstrap_is_seeded_and_of_the_right_width():
    values = list(np.random.default_rng(2).normal(0, 1, 400))
    first = bootstrap_mean(values)
    assert first == bootstrap_mean(values)
    assert first != bootstrap_mean(values, seed=1)
    assert first.half == pytest.approx(1.96 / 20, rel=0.15)
    assert bootstrap_mean(values, level=0.5).half < first.half
    assert bootstrap_mean([5.0]) == bootstrap_mean([5.0], seed=9)
    assert bootstrap_mean([5.0]).half == 0


def test_paired_difference_is_narrower():
    """Images differ by decibels, codecs by tenths: pairing removes the former."""
    rng = np.random.default_rng(3)
    level = rng.normal(30, 4, 24)
    anchor = {str(at): value for at, value in enumerate(level)}
    test = {at: value + 0.3 + rng.normal(0, 0.05) for at, value in anchor.items()}
    gap = paired_difference(anchor, test)
    assert gap.mean == pytest.approx(0.3, abs=0.05)
    assert gap.half < 0.05 < bootstrap_mean(test.values()).half
    test.pop("0")
    assert paired_difference(anchor, test).n == 23


def test_statistics_guards():
    with pytest.raises(StatisticsError, match="no values"):
        bootstrap_mean([])
    with pytest.raises(StatisticsError, match="finite"):
        bootstrap_mean([1.0, math.nan])
    with pytest.raises(StatisticsError, match="level"):
        bootstrap_mean([1.0], level=1.0)
    with pytest.raises(StatisticsError, match="share no image"):
        paired_difference({"a": 1.0}, {"b": 2.0})
