"""Reduced pictures: the integer enlargement, its inverse, and averages."""

from __future__ import annotations

import numpy as np
import pytest
from fractour.shared.conformance import ArrayPath, sample_picture
from fractour.shared.picture.scaling import averaged, enlarged, reduced, sides


def plainly(pixels: np.ndarray, height: int, width: int, reduction: int) -> np.ndarray:
    """Enlarge sample by sample, as the text says it."""
    values = (pixels.astype(int) * 16).tolist()
    for k in reversed(range(reduction)):
        rows, columns = -(-height >> k), -(-width >> k)

        def at(i: int, n: int) -> list[tuple[int, int]]:
            sign = 1 if i % 2 else -1
            places = [i // 2 + sign * j for j in (-1, 0, 1, 2)]
            return [
                (min(max(place, 0), n - 1), tap)
                for place, tap in zip(places, (-9, 111, 29, -3), strict=True)
            ]

        n, m = len(values), len(values[0])
        values = [
            [
                [
                    min(
                        max(
                            sum(a * b * values[y][x][c] for y, a in at(i, n) for x, b in at(j, m))
                            + 8192
                            >> 14,
                            0,
                        ),
                        4080,
                    )
                    for c in range(pixels.shape[2])
                ]
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    return (np.array(values) + 8 >> 4).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 3), (8, 8), (13, 22)])
@pytest.mark.parametrize("reduction", [1, 2, 3])
def test_enlargement_is_what_the_text_says(shape: tuple[int, int], reduction: int) -> None:
    rng = np.random.default_rng(reduction)
    small = [sides(side, reduction)[-1] for side in shape]
    pixels = rng.integers(0, 256, (*small, 3), dtype=np.uint8)
    wanted = plainly(pixels, *shape, reduction)
    assert np.array_equal(enlarged(pixels, *shape, reduction, np), wanted)
    assert np.array_equal(enlarged(pixels, *shape, reduction, ArrayPath()), wanted)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (1, 77), (2, 3), (127, 1), (131, 97), (64, 130)])
def test_kernels_enlarge_as_arrays_do(shape: tuple[int, int], channels: int) -> None:
    rng = np.random.default_rng(channels)
    for reduction in range(1, 8):
        small = [sides(side, reduction)[-1] for side in shape]
        noise = rng.integers(0, 256, (*small, channels), dtype=np.uint8)
        # Checks of black and white reach farthest beyond the range, and are clipped most.
        extreme = np.where(rng.integers(0, 2, noise.shape), 255, 0).astype(np.uint8)
        for pixels in (noise, extreme, np.full_like(noise, 255)):
            wanted = enlarged(pixels, *shape, reduction, ArrayPath())
            assert np.array_equal(enlarged(pixels, *shape, reduction, np), wanted)


@pytest.mark.parametrize("reduction", range(8))
@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (37, 64), (131, 90)])
def test_flat_stays_flat(shape: tuple[int, int], reduction: int) -> None:
    image = np.full((*shape, 3), (0, 255, 97), np.uint8)
    small = reduced(image, reduction)
    assert small.shape[:2] == tuple(sides(side, reduction)[-1] for side in shape)
    assert np.array_equal(enlarged(small, *shape, reduction, np), image)


def test_what_was_enlarged_is_found_again() -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(60, 196, (12, 17, 3), dtype=np.uint8)
    large = enlarged(small, 47, 67, 2, np)
    assert np.abs(reduced(large, 2).astype(int) - small).max() <= 1


def test_fitted_reduction_is_better_than_averages() -> None:
    image = sample_picture(96, 96, 3)[:, :60]

    def error(small: np.ndarray) -> float:
        return float(np.mean((enlarged(small, 96, 60, 2, np).astype(float) - image) ** 2))

    assert error(reduced(image, 2)) < 0.97 * error(averaged(image, 4, np))


def test_averages_round_halves_up_and_count_the_edges() -> None:
    pixels = np.array([[0, 1, 9], [0, 1, 9], [7, 8, 4]], np.uint8)[:, :, None]
    assert averaged(pixels, 2, np)[:, :, 0].tolist() == [[1, 9], [8, 4]]
    assert np.array_equal(averaged(pixels, 2, ArrayPath()), averaged(pixels, 2, np))
