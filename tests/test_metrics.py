from __future__ import annotations

import math

import numpy as np
import pytest
from fractour.eval.metrics import (
    METRICS,
    MS_SSIM_MIN_SIDE,
    MetricError,
    measure,
    ms_ssim,
    psnr_rgb,
    psnr_y,
    similarity_decibel,
    ssim,
)
from scipy.signal import convolve2d
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

PICTURES = {
    "astronaut": lambda: data.astronaut(),
    "camera": lambda: data.camera(),
    "coffee_odd": lambda: data.coffee()[:333, :411],
    "chelsea_161": lambda: data.chelsea()[:161, :175],
}

# pytorch-msssim 1.0.0, torch 2.13.0, float64 tensors (1, C, H, W):
# ssim(x, y, data_range=255), ms_ssim(x, y, data_range=255)
RECORDED = {
    ("astronaut", "steps"): (0.76942054, 0.96839572),
    ("astronaut", "blur"): (0.86749255, 0.97306133),
    ("astronaut", "negative"): (-0.13784554, 0.0),
    ("camera", "steps"): (0.88310245, 0.95965232),
    ("camera", "blur"): (0.79141993, 0.95544657),
    ("coffee_odd", "steps"): (0.85119573, 0.96633513),
    ("coffee_odd", "blur"): (0.79112058, 0.95325761),
    ("chelsea_161", "steps"): (0.83901023, 0.97144762),
    ("chelsea_161", "blur"): (0.82127453, 0.96193797),
    ("chelsea_161", "negative"): (-0.27309289, 0.0),
}


def damage(image, kind):
    if kind == "steps":
        return (image // 24 * 24 + 12 - (image >= 240) * 8).astype(np.uint8)
    if kind == "negative":
        return 255 - image
    wide = image.astype(np.uint16)
    for axis in (0, 1):
        shifted = [np.roll(wide, by, axis) for by in (1, -1, 2)]
        wide = (wide + shifted[0] + shifted[1] + shifted[2]) // 4
    return wide.astype(np.uint8)


@pytest.mark.parametrize(("name", "kind"), RECORDED)
def test_similarity_is_that_of_pytorch_msssim(name, kind):
    image = PICTURES[name]()
    other = damage(image, kind)
    expected = RECORDED[name, kind]
    assert ssim(image, other) == pytest.approx(expected[0], abs=1.5e-5)
    assert ms_ssim(image, other) == pytest.approx(expected[1], abs=1.5e-5)


def test_ssim_is_that_of_scikit_image_inside_the_border():
    image = data.astronaut()[:120, :90]
    other = damage(image, "blur")
    _, full = structural_similarity(
        image,
        other,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    # scikit-image truncates at 3.5 sigma, radius 5: the same 11 taps; its border is not ours.
    assert ssim(image, other) == pytest.approx(float(full[5:-5, 5:-5].mean()), abs=1e-5)


def twin_ms_ssim(first, second):
    """MS-SSIM in one straight line: float64, two-dimensional window, nothing clever."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    window = np.outer(taps, taps) / taps.sum() ** 2
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    values = []
    for channel in range(first.shape[2]):
        x, y = (image[:, :, channel].astype(np.float64) for image in (first, second))
        value = 1.0
        for scale, weight in enumerate(weights):
            mx, my, xx, yy, xy = (
                convolve2d(plane, window, "valid") for plane in (x, y, x * x, y * y, x * y)
            )
            cs = (2 * (xy - mx * my) + 58.5225) / (xx - mx**2 + yy - my**2 + 58.5225)
            whole = (2 * mx * my + 6.5025) / (mx**2 + my**2 + 6.5025) * cs
            value *= max((whole if scale == 4 else cs).mean(), 0) ** weight
            if scale < 4:
                odd = [(size % 2, size % 2) for size in x.shape]
                x, y = (np.pad(plane, odd) for plane in (x, y))
                height, width = (size // 2 * 2 for size in x.shape)
                x, y = (
                    plane[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
                    for plane in (x, y)
                )
        values.append(value)
    return float(np.mean(values))


@pytest.mark.parametrize("shape", [(161, 163), (176, 162), (170, 333)])
def test_ms_ssim_is_that_of_its_twin(shape):
    image = data.coffee()[: shape[0], : shape[1], :2].repeat(2, axis=2)[:, :, :3]
    other = damage(image, "steps")
    assert ms_ssim(image, other) == pytest.approx(twin_ms_ssim(image, other), abs=1e-5)


def test_psnr_is_that_of_scikit_image():
    image = data.astronaut()
    other = damage(image, "blur")
    expected = peak_signal_noise_ratio(image, other, data_range=255)
    assert psnr_rgb(image, other) == pytest.approx(expected, abs=1e-9)


def test_psnr_of_luma():
    black = np.zeros((4, 5, 3), np.uint8)
    green = black.copy()
    green[:, :, 1] = 10
    assert psnr_y(black, green) == pytest.approx(20 * math.log10(255 / 5.87))
    assert psnr_rgb(black, green) == pytest.approx(10 * math.log10(255**2 * 3 / 100))


def test_grey_is_the_same_in_every_shape():
    grey = data.camera()[100:300, 100:300]
    other = damage(grey, "steps")
    for metric in METRICS.values():
        flat = metric.function(grey, other)
        assert metric.function(grey[:, :, None], other[:, :, None]) == flat
        assert metric.function(grey, other[:, :, None]) == flat
    assert psnr_y(grey, other) == pytest.approx(psnr_rgb(grey, other))
    colour = [np.repeat(image[:, :, None], 3, axis=2) for image in (grey, other)]
    assert ms_ssim(*colour) == pytest.approx(ms_ssim(grey, other), abs=1e-6)


def test_alpha_counts_in_psnr_rgb_only():
    image = np.dstack([data.astronaut()[:200, :200], np.full((200, 200), 255, np.uint8)])
    other = image.copy()
    other[:, :, 3] = 0
    values = measure(image, other)
    assert values["psnr_rgb"] == pytest.approx(10 * math.log10(4))
    assert values["psnr_y"] is None  # infinite: the colours are equal
    assert values["ssim"] == values["ms_ssim"] == 1


def test_equal_images():
    image = data.camera()
    assert psnr_rgb(image, image) == math.inf
    assert measure(image, image) == {"psnr_rgb": None, "psnr_y": None, "ssim": 1, "ms_ssim": 1}


def test_small_images_have_no_similarity():
    image = data.astronaut()
    assert MS_SSIM_MIN_SIDE == 161
    assert ms_ssim(image[:160], image[:160]) is None
    assert ms_ssim(image[:161, :161], image[:161, :161]) == 1
    assert ssim(image[:10], image[:10]) is None
    assert ssim(image[:11, :11], image[:11, :11]) == pytest.approx(1)
    assert psnr_rgb(image[:1, :1], image[1:2, :1]) > 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros((8, 8)), np.zeros((8, 8))),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint16)),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8)),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)),
        (np.zeros((8, 8, 5), np.uint8), np.zeros((8, 8, 5), np.uint8)),
        (np.zeros((0, 8), np.uint8), np.zeros((0, 8), np.uint8)),
        ([[1]], [[1]]),
    ],
)
def test_bad_input(first, second):
    for metric in METRICS.values():
        with pytest.raises(MetricError):
            metric.function(first, second)


def test_unknown_metric_names_the_known():
    image = np.zeros((8, 8), np.uint8)
    with pytest.raises(MetricError, match="psnr_rgb"):
        measure(image, image, ["vmaf"])


def test_similarity_decibel():
    assert similarity_decibel(0.9) == pytest.approx(10)
    assert similarity_decibel(0.99) == pytest.approx(20)
    assert similarity_decibel(1.0) == math.inf
