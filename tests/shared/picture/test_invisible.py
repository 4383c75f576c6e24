"""Colours that nobody sees cost nothing, and nobody judges them."""

from __future__ import annotations

import fractour
import numpy as np
import pytest
from fractour.eval.judging.metrics import measure
from fractour.shared.encoding import AnyScale
from fractour.shared.picture.invisible import as_seen, without_invisible
from fractour.shared.registry import get_codec


@pytest.fixture(scope="module")
def drawing() -> np.ndarray:
    """A textured disc on nothing, (96, 112, 4)."""
    y, x = np.mgrid[:96, :112]
    colours = [
        128 + 60 * np.sin(x / a + y / b) + 30 * np.cos(y / a) for a, b in ((5, 9), (7, 4), (9, 6))
    ]
    alpha = 255 * ((x - 50) ** 2 + (y - 45) ** 2 < 1100)
    return np.clip(np.stack([*colours, alpha], -1), 0, 255).astype(np.uint8)


def visible_error(image: np.ndarray, shown: np.ndarray) -> float:
    seen = image[..., -1] > 0
    return float(np.mean((image[seen].astype(float) - shown[seen]) ** 2))


def under(image: np.ndarray, colours: object) -> np.ndarray:
    """The same picture to the eye, with other colours under zero alpha."""
    out = image.copy()
    hidden = image[..., -1] == 0
    out[hidden, :-1] = np.broadcast_to(colours, out[..., :-1].shape)[hidden]
    return out


@pytest.mark.parametrize("codec", ["wavelet", "tiles"])
def test_noise_that_nobody_sees_costs_nothing(codec: str, drawing: np.ndarray) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (96, 112, 3))
    files = [
        fractour.encode(under(drawing, colours), codec=codec, budget=1500)
        for colours in (noise, 0, drawing[..., :3])
    ]
    assert files[0] == files[1] == files[2]
    mine = visible_error(drawing, fractour.decode(files[0]))
    # What encoders make of the colours as they stand.
    plain = {
        name: AnyScale(get_codec(codec), under(drawing, colours)).file(1500).data
        for name, colours in (("clean", 0), ("noise", noise))
    }
    errors = {name: visible_error(drawing, fractour.decode(data)) for name, data in plain.items()}
    assert mine < 1.1 * errors["clean"]
    assert mine < errors["noise"] / 4


def test_the_continuation_is_smooth_and_keeps_what_is_seen(drawing: np.ndarray) -> None:
    found = without_invisible(drawing)
    seen = drawing[..., -1] > 0
    assert np.array_equal(found[seen], drawing[seen])
    assert np.array_equal(found[..., -1], drawing[..., -1])
    for axis in (0, 1):
        steps = np.abs(np.diff(found[..., :3].astype(int), axis=axis)).max(2)
        hidden = ~(seen[1:] & seen[:-1] if axis == 0 else seen[:, 1:] & seen[:, :-1])
        assert steps[hidden].mean() < 2
        assert np.percentile(steps[hidden], 99) < 16


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (33, 20)])
@pytest.mark.parametrize("channels", [2, 4])
def test_any_size_and_nothing_visible(shape: tuple[int, int], channels: int) -> None:
    image = np.random.default_rng(2).integers(0, 256, (*shape, channels)).astype(np.uint8)
    image[..., -1] = 0
    assert np.unique(without_invisible(image)[..., :-1]).tolist() == [128]
    image[0, 0, -1] = 9
    assert (without_invisible(image)[..., :-1] == image[0, 0, :-1]).all()


def test_what_is_visible_is_not_copied(drawing: np.ndarray) -> None:
    for image in (drawing[..., 0], drawing[..., :3], np.ones((3, 3, 4), np.uint8)):
        assert without_invisible(image) is image


def test_measures_see_what_is_visible(drawing: np.ndarray) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (96, 112, 3))
    data = fractour.encode(drawing, codec="wavelet", budget=1500)
    shown = fractour.decode(data)
    first = measure(drawing, shown, ["psnr_rgb", "psnr_y", "smart"])
    other = measure(under(drawing, noise), under(shown, 0), ["psnr_rgb", "psnr_y", "smart"])
    reference = as_seen(drawing, shown)[1]
    assert np.array_equal(reference[drawing[..., -1] > 0], shown[drawing[..., -1] > 0])
    assert first["psnr_rgb"] > 20
    for name, value in other.items():
        assert value == pytest.approx(first[name], rel=0.02), name
