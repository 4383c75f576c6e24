"""Selection by contrast and fitting to the budget."""

from __future__ import annotations

import fractour
import numpy as np
import pytest
from fractour.shared.budget import RANKS, Budget, select
from fractour.shared.codec import Geometry, Proposal
from fractour.shared.conformance import sample_picture
from fractour.shared.errors import BudgetError
from fractour.shared.registry import get_codec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def _proposal(contrast, bits, *, area=None, gain=None) -> Proposal:
    contrast, bits = np.asarray(contrast, float), np.asarray(bits, float)
    ones = np.ones(len(bits))
    return Proposal(
        step=0,
        contrast=contrast,
        area=ones if area is None else np.asarray(area, float),
        gain=contrast**2 if gain is None else np.asarray(gain, float),
        bits=bits,
        residual=0.0,
        overhead_bits=0.0,
        state=None,
    )


def test_select_keeps_the_strongest_first() -> None:
    proposal = _proposal([3, 9, 5, 7], [10, 10, 10, 10])
    assert select(proposal, 25).tolist() == [False, True, False, True]


def test_size_on_the_screen_is_ignored_by_default_and_counts_by_choice() -> None:
    proposal = _proposal([9, 5], [10, 10], area=[1, 100])
    assert select(proposal, 10).tolist() == [True, False]
    assert select(proposal, 10, rank="energy").tolist() == [False, True]


def test_rank_by_error_removed_per_bit() -> None:
    proposal = _proposal([9, 5], [100, 10], gain=[200, 100])
    assert select(proposal, 105, rank="rd").tolist() == [False, True]


def test_equal_ranks_keep_their_order() -> None:
    kept = select(_proposal(np.ones(50), np.ones(50)), 20)
    assert kept.nonzero()[0].tolist() == list(range(20))


def test_unknown_rank_is_named() -> None:
    with pytest.raises(BudgetError, match="contrast"):
        select(_proposal([1], [1]), 5, rank="beauty")


@given(
    hnp.arrays(float, st.integers(0, 60), elements=st.floats(0, 1e3)),
    st.floats(0, 400),
    st.sampled_from(sorted(RANKS)),
)
def test_select_never_overspends_and_cuts_once(contrast, bits, rank) -> None:
    prices = 1 + np.arange(len(contrast)) % 7
    proposal = _proposal(contrast, prices)
    kept = select(proposal, bits, rank=rank)
    assert prices[kept].sum() <= bits
    # The element that would come next does not fit: the cut is where the budget is.
    worth = RANKS[rank](proposal)
    order = np.argsort(-worth, kind="stable")
    count = int(kept.sum())
    assert kept[order[:count]].all()
    if count < len(order):
        assert prices[order[: count + 1]].sum() > bits


@pytest.mark.parametrize(
    ("budget", "limit"),
    [(Budget(bytes=777), 777), (Budget(bpp=0.5), 600), (Budget(ratio=24), 1200)],
)
def test_three_ways_to_give_a_budget(budget: Budget, limit: int) -> None:
    assert budget.limit(Geometry(96, 100, 3)) == limit


@pytest.mark.parametrize(
    "arguments",
    [{}, {"bytes": 5, "bpp": 1.0}, {"bytes": 0}, {"bpp": -1.0}, {"ratio": float("nan")}],
)
def test_a_budget_is_exactly_one_positive_number(arguments) -> None:
    with pytest.raises(BudgetError):
        Budget(**arguments)


def test_too_small_names_the_smallest_possible_size() -> None:
    image = sample_picture(50, 60, 3)
    with pytest.raises(BudgetError, match="smallest") as caught:
        fractour.encode(image, budget=9)
    smallest = caught.value.smallest
    assert smallest is not None
    assert 9 < smallest <= 64
    assert len(fractour.encode(image, budget=smallest)) <= smallest


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 3000, 3), (2048, 1500, 3), (777, 5, 4)])
def test_64_bytes_are_enough_for_every_size(shape: tuple[int, int, int]) -> None:
    image = sample_picture(*shape)
    data = fractour.encode(image, budget=64)
    assert len(data) <= 64
    pixels = fractour.decode(data).reshape(shape)
    flat = np.abs(image.astype(float) - image.mean((0, 1))).mean()
    assert np.abs(pixels.astype(float) - image).mean() < 1.5 * flat + 2


def test_budget_is_used_and_quality_rises_with_it() -> None:
    image = sample_picture(128, 160, 3, seed=4)
    errors = []
    for budget in (200, 600, 1800, 5400):
        data = fractour.encode(image, budget=budget)
        assert 0.96 * budget <= len(data) <= budget
        errors.append(np.mean((fractour.decode(data).astype(float) - image) ** 2))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 4


@pytest.mark.parametrize("name", ["tiles", "pifs"])
def test_where_bits_are_weighed_the_budget_is_filled_without_a_cut(name: str) -> None:
    image = np.random.default_rng(2).integers(0, 255, (17, 21, 3), np.uint8)
    image = np.kron(image, np.ones((8, 8, 1), np.uint8))[:128, :160]
    image = np.clip(image.astype(int) + sample_picture(128, 160, 3, seed=4) % 40, 0, 255)
    counts = []
    for budget in (1000, 1013, 1027, 1041):
        data = fractour.encode(
            image.astype(np.uint8), codec=name, budget=budget, report=counts.append
        )
        assert 0.985 * budget <= len(data) <= budget
    assert np.mean([len(x.data) for x in counts]) > 0.992 * np.mean([1000, 1013, 1027, 1041])


@pytest.mark.parametrize("name", ["tiles", "pifs", "contour"])
def test_strictness_makes_files_smaller_and_one_changes_nothing(name: str) -> None:
    codec = get_codec(name)
    # Above what windows are tried for, where contour has tiles too.
    step = 150
    image = np.random.default_rng(2).normal(128, 12, (96, 96, 3)).astype(np.uint8)
    analysis = codec.analyze(image, encoder="search", effort=1)

    def bits(strictness: float) -> float:
        found = codec.propose(codec.strict(analysis, strictness), step)
        return float(found.bits.sum() + found.overhead_bits)

    plain = codec.propose(analysis, step)
    assert bits(1.0) == pytest.approx(plain.bits.sum() + plain.overhead_bits, rel=1e-9)
    assert bits(2.0) < 0.97 * bits(1.0)
    assert bits(0.5) > 1.03 * bits(1.0)
    assert get_codec("template").strict(None, 1.0) is None
    pure = get_codec("contour-pure")
    assert pure.strict(pure.analyze(image, encoder="search", effort=1), 2.0) is None


def test_windows_weigh_bits_as_the_tiles_of_the_same_codec_do() -> None:
    codec = get_codec("contour")
    y, x = np.mgrid[:96, :96]
    slanted = 90 + 120 * np.exp(-(((x + 2 * y - 140) / 25) ** 2))
    noise = np.random.default_rng(0).normal(0, 6, (96, 96, 3))
    image = np.clip(slanted[..., None] + noise, 0, 255).astype(np.uint8)
    analysis = codec.analyze(image, encoder="search", effort=1)
    tiles, windows = (codec.propose(analysis, step) for step in (60, 180))
    assert tiles.state.tiles is not None
    assert windows.state.tiles is None
    assert codec.strict(analysis, 1.1, tiles) is not None
    assert len(windows.state.ground.layers) > 4

    def again(strictness: float) -> Proposal:
        stricter = codec.near(codec.strict(analysis, strictness, windows), windows)
        return codec.propose(stricter, windows.step)

    strict, lenient = again(4.0), again(0.25)
    assert strict.bits.sum() < windows.bits.sum() < lenient.bits.sum()
    assert strict.residual > windows.residual > lenient.residual
    # What was found before stays as it was.
    assert codec.propose(analysis, windows.step).bits.sum() == windows.bits.sum()


def test_the_file_that_is_asked_for_decides_whether_windows_are_tried() -> None:
    codec = get_codec("contour")
    y, x = np.mgrid[:128, :128]
    luma = 120 + 50 * np.sin((2 * x + 3 * y) / 6) + 20 * np.sin((3 * x - y) / 5)
    image = np.repeat(luma.astype(np.uint8)[..., None], 3, axis=2)
    budget = int(0.3 * 128 * 128 / 8)
    data = fractour.encode(image, codec="contour", budget=budget)
    # Two waves are said in few windows: what is left over buys none that pays.
    assert 0.95 * budget <= len(data) <= budget
    # At the same step, whose tiles take more than that, the limit alone makes the difference.
    found = []
    for limit in (budget, 4 * budget):
        analysis = codec.analyze(image, encoder="search", effort=1)
        codec.first_step(analysis, limit)
        found.append(codec.propose(analysis, 150).state.tiles)
    assert found[0] is None
    assert found[1] is not None


@pytest.mark.parametrize("rank", sorted(RANKS))
def test_every_ranking_rule_keeps_the_budget(rank: str) -> None:
    image = sample_picture(64, 64, 3)
    data = fractour.encode(image, budget=500, rank=rank)
    assert len(data) <= 500


@pytest.mark.parametrize("kind", [np.int64, np.uint16, int])
def test_integers_of_any_kind_are_budgets(kind: type) -> None:
    image = sample_picture(16, 16, 3)
    data = fractour.encode(image, codec="template", budget=kind(300), effort=kind(2))
    assert data == fractour.encode(image, codec="template", budget=300, effort=2)
    assert len(fractour.trim(data, kind(100))) <= 100
    assert fractour.decode(data, max_pixels=kind(256)).shape == image.shape


@pytest.mark.parametrize("wrong", ["900", 900.0, [900]])
def test_what_is_no_integer_is_a_type_error(wrong: object) -> None:
    with pytest.raises(TypeError):
        fractour.encode(sample_picture(8, 8, 1), codec="template", budget=wrong)
