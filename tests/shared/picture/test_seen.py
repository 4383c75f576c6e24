"""The error of a reduced picture at full size, known from the reduced picture alone."""

from __future__ import annotations

import numpy as np
import pytest
from fractour.shared.picture.scaling import enlarged, reduced
from fractour.shared.picture.seen import Seen


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    y, x = np.mgrid[:75, :101]
    noise = np.random.default_rng(3).normal(0, 12, (75, 101, 3))
    waves = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 15)], -1)
    return np.clip(128 + 70 * waves + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("reduction", [0, 1, 2, 3])
def test_the_error_is_that_of_the_enlarged_picture(picture: np.ndarray, reduction: int) -> None:
    seen = Seen(picture, reduction)
    small = reduced(picture, reduction)
    for off in (0, 20):
        shown = np.clip(small.astype(int) + off, 0, 255).astype(np.uint8)
        off_by = enlarged(shown, 75, 101, reduction, np).astype(float) - picture
        assert seen.error(shown) == pytest.approx(np.square(off_by).sum(), rel=0.01, abs=1e-6)


@pytest.mark.parametrize("reduction", [0, 2])
def test_the_slope_is_how_the_error_falls(picture: np.ndarray, reduction: int) -> None:
    seen = Seen(picture, reduction)
    small = np.full_like(reduced(picture, reduction), 100)
    for y, x, c in ((0, 0, 0), (5, 7, 1), (-1, -1, 2)):
        more, less = small.copy(), small.copy()
        more[y, x, c] += 1
        less[y, x, c] -= 1
        falls = (seen.error(less) - seen.error(more)) / 4
        assert seen.slope(small)[y, x, c] == pytest.approx(falls, rel=1e-4)
