"""Importance made by hand, and the search that is told it."""

from __future__ import annotations

import fractour
import numpy as np
import pytest
from fractour.shared.error.importance import OCTAVES, ROLES
from fractour.shared.error.masking import masked_importance


def picture() -> np.ndarray:
    """The same sort of texture, faint on the left and strong on the right."""
    rng = np.random.default_rng(3)
    grain = rng.normal(0, 1, (100, 132))
    soft = sum(grain[i : i + 96, j : j + 128] for i in range(5) for j in range(5)) / 5
    grey = 128 + soft * np.where(np.arange(128) < 64, 5, 30)
    pixels = np.clip(grey, 0, 255).astype(np.uint8)
    return np.stack([pixels, pixels, pixels], 2)


def test_errors_count_less_where_much_goes_on() -> None:
    found = masked_importance(picture()).logarithms
    assert found.shape == (ROLES, OCTAVES, 6, 8)
    assert (found[..., :3].min((2, 3)) > found[..., 5:].max((2, 3))).all()
    assert (np.diff(found, axis=1) > 0).all()  # coarser errors count for more


@pytest.mark.parametrize("shape", [(1, 1, 1), (17, 3, 2), (40, 64, 4)])
def test_any_shape_has_importance(shape: tuple[int, int, int]) -> None:
    found = masked_importance(np.zeros(shape, np.uint8)).logarithms
    assert found.shape[2:] == (-(-shape[0] // 16), -(-shape[1] // 16))
    assert np.abs(found - found[:, :, :1, :1]).max() < 1e-6
    assert np.abs(found[0, 0]).max() < 1e-6


@pytest.mark.parametrize("codec", ["tiles", "wavelet", "pifs", "contour"])
def test_the_masked_search_moves_bits_to_calm_places(codec: str) -> None:
    pixels = picture()
    off = {}
    for way in ("search", "masked"):
        data = fractour.encode(pixels, codec=codec, budget=1000, encoder=way)
        assert 0.9 * 1000 < len(data) <= 1000
        error = (fractour.decode(data).astype(float) - pixels) ** 2
        off[way] = error[:, 64:].mean() / error[:, :64].mean()
    assert off["masked"] > 1.1 * off["search"]
