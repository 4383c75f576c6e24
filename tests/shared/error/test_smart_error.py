"""The smart error as a judge: limits, symmetry, bands."""

from __future__ import annotations

import numpy as np
import pytest
from fractour.shared.error.bands import ArrayOperations, bands, gabor, halve
from fractour.shared.error.settings import SETTINGS
from fractour.shared.error.smart_error import smart_error
from fractour.shared.errors import FractourError
from skimage import data


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return data.astronaut()[20:117, 150:273]


@pytest.fixture(scope="module")
def coarse(photo: np.ndarray) -> np.ndarray:
    return (photo // 24 * 24).astype(np.uint8)


SIZES = [(1, 1), (1, 7), (2, 3), (5, 1), (9, 16), (33, 40)]


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("channels", [0, 1, 3])
def test_any_size(photo: np.ndarray, shape: tuple[int, int], channels: int) -> None:
    image = photo[: shape[0], : shape[1]]
    image = image[..., 0] if channels == 0 else image[..., :channels]
    assert smart_error(image, image) == 0.0
    error = smart_error(image, 255 - image)
    assert isinstance(error, float)
    assert 0 < error < 4


def test_deterministic_and_symmetric(photo: np.ndarray, coarse: np.ndarray) -> None:
    error = smart_error(photo, coarse)
    assert smart_error(photo, coarse) == error
    assert smart_error(coarse, photo) == pytest.approx(error, rel=1e-4)
    # Turned and mirrored pictures are judged alike, but for the phase of the decimation.
    assert smart_error(photo[:96, :96, 0].T, coarse[:96, :96, 0].T) == pytest.approx(
        smart_error(photo[:96, :96, 0], coarse[:96, :96, 0]), rel=1e-4
    )


def test_grey_is_colour_without_chroma(photo: np.ndarray, coarse: np.ndarray) -> None:
    grey, other = photo[..., 1], coarse[..., 1]
    three = [np.repeat(image[..., None], 3, axis=2) for image in (grey, other)]
    assert smart_error(*three) == pytest.approx(smart_error(grey, other), rel=1e-4)


def test_alpha_is_ignored(photo: np.ndarray, coarse: np.ndarray) -> None:
    pair = []
    for image, level in ((photo, 3), (coarse, 200)):
        alpha = np.full((*image.shape[:2], 1), level, np.uint8)
        pair.append(np.concatenate([image, alpha], axis=2))
    assert smart_error(*pair) == smart_error(photo, coarse)


def test_more_damage_is_worse(photo: np.ndarray) -> None:
    steps = [(photo // step * step + step // 2).astype(np.uint8) for step in (2, 8, 32, 96)]
    errors = [smart_error(photo, image) for image in steps]
    assert errors == sorted(errors)
    assert errors[0] < 0.1 < errors[-1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4))),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8)),
        (np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4, 5), np.uint8)),
        (np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8)),
    ],
)
def test_bad_input(first: np.ndarray, second: np.ndarray) -> None:
    with pytest.raises(FractourError):
        smart_error(first, second)


def test_bands_are_those_of_an_independent_convolution(photo: np.ndarray) -> None:
    from scipy.signal import convolve2d

    plane = photo[:40, :50, 1].astype(np.float32)
    radius = 5
    at = np.arange(-radius, radius + 1)
    padded = np.pad(plane, radius, mode="symmetric").astype(np.float64)
    found = bands(ArrayOperations(np), plane, SETTINGS.frequency, SETTINGS.sigma)
    envelope = np.exp(-(at**2) / (2 * SETTINGS.sigma**2))
    envelope = envelope / envelope.sum()

    def one(frequency: float) -> np.ndarray:
        wave = envelope * np.exp(1j * frequency * at)
        return wave - envelope * wave.sum()

    straight, slanted = one(SETTINGS.frequency), one(SETTINGS.frequency / np.sqrt(2))
    kernels = (
        np.outer(envelope, straight),
        np.outer(straight, envelope),
        np.outer(slanted, slanted),
        np.outer(slanted.conj(), slanted),
    )
    assert len(gabor(SETTINGS.frequency, SETTINGS.sigma)[0]) == len(at)
    for (real, imaginary), kernel in zip(found, kernels, strict=True):
        # Correlation is convolution with the kernel turned around.
        expected = convolve2d(padded, kernel[::-1, ::-1], "valid")
        np.testing.assert_allclose(real, expected.real, atol=2e-3)
        np.testing.assert_allclose(imaginary, expected.imag, atol=2e-3)


def test_halving_rounds_up(photo: np.ndarray) -> None:
    assert halve(ArrayOperations(np), photo[:5, :6, 0].astype(np.float32)).shape == (3, 3)
    flat = np.full((7, 9), 3, np.float32)
    np.testing.assert_allclose(halve(ArrayOperations(np), flat), 3)
