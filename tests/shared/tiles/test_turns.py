"""Turns: the tables, what the decoder makes of them, that they pay, and their training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from fractour.shared.picture import color
from fractour.shared.tiles import turn_training
from fractour.shared.tiles.analysis import encoder, spectra, turning
from fractour.shared.tiles.format import stream, turns
from fractour.shared.tiles.format.contexts import TURN_GROUP, TURN_GROUPS, TURNS
from fractour.shared.tiles.format.syntax import COMP, GRADE, LOG, REACH, TURN
from fractour.shared.tiles.synthesis import reconstruction
from fractour.shared.tiles.synthesis.turning import turned_back


def stripes(angle: float) -> npt.NDArray[np.uint8]:
    """Wavy stripes that change at an angle, (128, 128, 1) uint8."""
    y, x = np.mgrid[:128, :128]
    along = y * np.cos(angle) - x * np.sin(angle)
    across = x * np.cos(angle) + y * np.sin(angle) + 8 * np.sin(along / 30)
    values = 128 + 80 * np.tanh(4 * np.sin(across / 14))
    return np.clip(values, 0, 255).astype(np.uint8)[:, :, None]


def chosen(image: npt.NDArray[np.uint8], step: int = 150) -> encoder.Choice:
    tables = turn_training.Tables.load(turn_training.TABLE.with_name("tables.npz"))
    found = spectra.transform(color.to_components(image))
    return encoder.choose(found, step, stream.NEUTRAL_CHROMA, tables)


def one_leaf(
    log: int, turn: int, levels: npt.NDArray[np.integer], *, mean: int = 0
) -> stream.TileSet:
    """A superblock of 64 pixels whose first leaf has these levels, (side, side)."""
    side = 1 << log
    geometry = stream.Geometry(64, 64, 1)
    leaves = np.zeros((1, stream.FIELDS), np.int32)
    leaves[0, [LOG, GRADE, REACH, TURN]] = log, 15, 2 * side - 2, turn
    leaves[0, encoder.MEAN] = mean
    tiles = stream.TileSet.blank(geometry, stream.component_steps(150, 2, 1), leaves)
    tiles.levels[0, : side * side] = levels.ravel()
    return tiles


def rendered(tiles: stream.TileSet) -> npt.NDArray[np.int32]:
    side = 1 << int(tiles.leaves[0, LOG])
    known = np.ones(1, np.bool_)
    shown = reconstruction.render(np, tiles, known)[0, :side, :side]
    return np.asarray(shown)


@pytest.mark.parametrize("group", range(TURN_GROUPS))
def test_turns_are_orthonormal_and_the_way_forward_is_exact(group: int) -> None:
    count = len(turns.places(group + 2))
    back = turns.matrices()[group, :, :count, :count] / 128.0
    for matrix, forward in zip(back, turning.forward()[group], strict=True):
        assert np.abs(matrix @ matrix.T - np.eye(count)).max() < 0.06
        assert np.allclose(forward[:count, :count] @ matrix, np.eye(count), atol=1e-4)


@pytest.mark.parametrize("log", range(2, 7))
def test_variants_are_the_same_picture_transposed_and_mirrored(log: int) -> None:
    rng = np.random.default_rng(log)
    side = 1 << log
    levels = np.zeros((side, side), np.int16)
    for u, v in turns.places(log).tolist():
        levels[u, v] = rng.integers(-3, 4)
    for table in (0, turns.TABLES - 1):
        first = 1 + table * turns.VARIANTS
        plain, transposed, mirrored, both = (
            rendered(one_leaf(log, first + i, levels)) for i in range(turns.VARIANTS)
        )
        assert np.abs(plain).max() > 200
        # Rows and columns are rounded one after the other.
        assert np.abs(plain - transposed.T).max() <= 2
        assert np.abs(plain - mirrored[::-1]).max() <= 2
        assert np.abs(plain - both[:, ::-1].T).max() <= 2


@pytest.mark.parametrize("log", [2, 3, 6])
def test_largest_levels_stay_within_bounds(log: int) -> None:
    side = 1 << log
    for turn in (1, 17, TURNS):
        levels = np.full((side, side), 32767, np.int16)
        back, leaves = turned_back(one_leaf(log, turn, levels))
        assert np.abs(back).max() <= 1 << 24
        assert leaves[0, REACH] == 2 * side - 2
        table = turns.matrices()[TURN_GROUP[log - 2], turn - 1]
        places = turns.places(log)
        wanted = (32767 * table.astype(np.int64)).sum(0)[: len(places)]
        found = back[0].reshape(-1)[places[:, 0] * side + places[:, 1]]
        assert np.array_equal(found, np.clip(wanted, -(1 << 24), 1 << 24))


def test_oblique_stripes_are_turned_and_cost_less(monkeypatch: pytest.MonkeyPatch) -> None:
    for angle in (0.4, 1.2, 2.0, 2.7):
        with_turns = chosen(stripes(angle))
        luma = with_turns.tiles.leaves[with_turns.tiles.leaves[:, GRADE] > 0]
        assert (luma[:, TURN] > 0).mean() > 0.7
        with monkeypatch.context() as patch:
            patch.setattr(turning, "TRIED", 0)
            without = chosen(stripes(angle))
        assert not (without.tiles.leaves[:, TURN] > 0).any()
        costs = []
        for choice in (with_turns, without):
            tiles = choice.tiles
            off = rendered_error(choice)
            costs.append(off + encoder.LAMBDA * sum(choice.coder.shares().values()))
            assert not (tiles.leaves[:, COMP] > 0).any()
        assert costs[0] < 0.97 * costs[1]


def rendered_error(choice: encoder.Choice) -> float:
    """Squared error in steps of a picture of one component."""
    tiles = choice.tiles
    levels = tiles.levels[0].astype(np.float64)
    levels[tiles.leaves[:, encoder.START]] = tiles.leaves[:, encoder.MEAN]
    return float(np.square(choice.ratios[0] - levels).sum())


@pytest.mark.parametrize("step", [40, 100])
def test_rounded_matrices_promise_nothing_at_fine_steps(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Their energy is not quite that of the cosines: with large coefficients that looked like gain.
    noise = np.random.default_rng(1).normal(0, 12, (128, 128, 1))
    image = np.clip(stripes(0.7) + noise, 0, 255).astype(np.uint8)
    costs = []
    for tried in (turning.TRIED, 0):
        monkeypatch.setattr(turning, "TRIED", tried)
        choice = chosen(image, step)
        bits = sum(choice.coder.shares().values())
        costs.append(rendered_error(choice) + encoder.LAMBDA * bits)
    assert costs[0] < 1.002 * costs[1]


def test_chroma_is_not_turned() -> None:
    image = np.concatenate([stripes(0.5), stripes(1.1), stripes(2.1)], -1)
    leaves = chosen(image, 165).tiles.leaves
    assert (leaves[leaves[:, COMP] == 0, TURN] > 0).any()
    assert not (leaves[leaves[:, COMP] > 0, TURN] > 0).any()


def test_training_finds_transforms_that_leaves_were_made_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turn_training, "_ROUNDS", 8)
    rng = np.random.default_rng(3)
    count = len(turns.places(2))
    secret = np.linalg.qr(rng.normal(size=(count, count)))[0]
    few = rng.normal(0, 6, (4000, count)) * (rng.random((4000, count)) < 0.08)
    leaves = (few @ secret + rng.normal(0, 0.1, (4000, count))).astype(np.float32)
    tables = turn_training.solve(leaves, 2)
    assert np.allclose(tables @ tables.transpose(0, 2, 1), np.eye(count), atol=1e-6)
    kept = [
        (np.abs(leaves @ turn.T) > 0.6).sum(1) for turn in turns.varied(tables, 2).astype(float)
    ]
    plain = (np.abs(leaves) > 0.6).sum()
    assert np.min(kept, 0).sum() < 0.7 * plain
    assert turn_training.rounded(tables).dtype == np.int8
