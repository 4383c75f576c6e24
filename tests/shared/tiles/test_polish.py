"""Levels of tiny files that are tried one by one."""

from __future__ import annotations

import fractour
import numpy as np
import pytest
from fractour.codecs.tiles import format as syntax
from fractour.shared import container, encoding
from fractour.shared.encoding import AnyScale
from fractour.shared.picture import color
from fractour.shared.picture.seen import Seen
from fractour.shared.registry import get_codec
from fractour.shared.tiles.analysis import polish
from fractour.shared.tiles.format.syntax import COMP, GRADE, LOG, MEAN, TURN
from fractour.shared.tiles.synthesis import reconstruction


def picture(height: int, width: int, channels: int) -> np.ndarray:
    """Waves of several lengths in every channel, without repeated colours."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(3).normal(0, 9, (height, width, channels))
    waves = [np.sin(x / (14 + 3 * c) + c) + np.cos((y + c * x / 5) / 23) for c in range(channels)]
    return np.clip(128 + 45 * np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


def squared(image: np.ndarray, data: bytes) -> float:
    shown = fractour.decode(data).reshape(image.shape).astype(float)
    return float(np.square(shown - image).sum())


@pytest.mark.parametrize("shape", [(150, 220, 3), (120, 90, 1), (61, 47, 4)])
def test_files_get_nearer_and_no_larger(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = picture(*shape)
    with monkeypatch.context() as patched:
        patched.setattr(encoding, "TINY", 0)
        before = fractour.encode(image, codec="tiles", budget=120)
    after = fractour.encode(image, codec="tiles", budget=120)
    assert len(after) <= 120
    assert squared(image, after) < 0.998 * squared(image, before)
    assert AnyScale(get_codec("tiles"), image).file(120).data == after


def test_nothing_is_tried_where_errors_count_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(64, 96, 3)
    monkeypatch.setattr(polish, "polished", None)  # calling it would raise
    fractour.encode(image, codec="tiles", budget=120, encoder="masked")
    fractour.encode(image, codec="tiles", budget=700)


def test_what_a_move_changes_is_known_beforehand() -> None:
    """Against the squares of tiles that are rendered again, with all colours and edges."""
    image = picture(205, 301, 3)
    data = fractour.encode(image, codec="tiles", budget=150, compact=True)
    frame = container.unpack(data, max_pixels=1 << 20)
    reduction = frame.header.reduction
    assert reduction
    tiles = syntax.read(frame.coded, frame.packets, complete=True).tiles
    seen = Seen(image, reduction)
    known = np.ones(len(tiles.leaves), np.bool_)

    def linear(state: polish._Levels) -> np.ndarray:
        """Pixels before they are rounded and held within their range."""
        shown = state.tried()
        planes = reconstruction.render(np, shown, known) / 64.0
        height, width = frame.coded.height, frame.coded.width
        return planes[:, :height, :width].transpose(1, 2, 0) @ color.mixing(3).T + 128

    # Levels mean what their leaf's turn makes of them: one that no encoder chose will do.
    turned = int(np.nonzero((tiles.leaves[:, GRADE] > 0) & (tiles.leaves[:, COMP] == 0))[0][-1])
    tiles.leaves[turned, TURN] = 5
    state = polish._Levels(syntax.initial_tables(), tiles, seen, 150)
    start = linear(state)
    state.begin(seen.slope(start))
    error = seen.error(start)
    leaf = int(np.argmax(state.leaves[:, LOG]))
    moves = [(leaf, 0, 0, 2), (leaf, 1, 2, -1), (leaf + 1, 0, 1, 1)]
    moves += [(turned, 0, 1, 1), (turned, 2, 1, -1)]
    for at in moves:
        number, u, v, by = at
        sign = 1 if by > 0 else -1
        for _ in range(abs(by)):
            step = (number, u, v, sign)
            said = state.change(step)
            state.follow(step, state.leaves[number])
            state.put(step)
            now = seen.error(linear(state))
            assert now - error == pytest.approx(said, rel=0.02, abs=0.003 * error)
            error = now
    assert np.abs(state.slope[:, : start.shape[0], : start.shape[1]]).max() > 0
    expected = (seen.slope(linear(state)) @ color.mixing(3)).transpose(2, 0, 1)
    found = state.slope[:, : start.shape[0], : start.shape[1]]
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
    assert state.leaves[leaf, MEAN] == tiles.leaves[leaf, MEAN] + 2
