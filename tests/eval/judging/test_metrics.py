from __future__ import annotations

import math

import numpy as np
import pytest
from fractour.eval.judging import perceptual_network, ssimulacra2
from fractour.eval.judging.asked import usual
from fractour.eval.judging.metrics import (
    EXACT,
    JUDGES,
    METRICS,
    MS_SSIM_MIN_SIDE,
    MetricError,
    error_decibel,
    get_metric,
    measure,
    ms_ssim,
    psnr_rgb,
    psnr_y,
    similarity_decibel,
    smart,
    ssim,
)
from fractour.shared.errors import BackendUnavailableError
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
    assert values["psnr_y"] == EXACT  # infinite: the colours are equal
    assert values["ssim"] == values["ms_ssim"] == 1


def test_equal_images():
    image = data.camera()
    assert psnr_rgb(image, image) == math.inf
    assert measure(image, image) == {
        "psnr_rgb": EXACT,
        "psnr_y": EXACT,
        "ssim": 1,
        "ms_ssim": 1,
        "smart": 0,
    }


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


def twin_smart(first, second):
    """The smart error of grey pictures from its formula: float64, two-dimensional, angles."""
    from fractour.shared.error.settings import SETTINGS as s

    low = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    at = np.arange(-5, 6)
    envelope = np.exp(-(at**2) / (2 * s.sigma**2))
    envelope /= envelope.sum()

    def filtered(plane, kernel):
        radius = kernel.shape[0] // 2
        return convolve2d(np.pad(plane, radius, mode="symmetric"), kernel[::-1, ::-1], "valid")

    def halved(plane):
        return filtered(plane, low)[::2, ::2]

    def wide(plane):
        return filtered(plane, np.full((9, 9), 1 / 81))

    def wave(frequency):
        taps = envelope * np.exp(1j * frequency * at)
        return taps - envelope * taps.sum()

    straight, slanted = wave(s.frequency), wave(s.frequency / np.sqrt(2))
    kernels = [
        np.outer(envelope, straight),
        np.outer(straight, envelope),
        np.outer(slanted, slanted),
        np.outer(slanted.conj(), slanted),
    ]
    levels = []
    x, y = first.astype(np.float64), second.astype(np.float64)
    for _ in range(4):
        parts = []
        for kernel in kernels:
            a, b = filtered(x, kernel), filtered(y, kernel)
            cross = a * b.conj()
            c = halved(cross.real) + 1j * halved(cross.imag)
            parts.append((4 * halved(abs(a) ** 2), 4 * halved(abs(b) ** 2), 4 * c))
        levels.append(parts)
        x, y = halved(x), halved(y)
    sums = [sum(part[i].mean() for parts in levels for part in parts) for i in (0, 1)]
    gain = np.clip(sums[1] / sums[0], s.gain**-2, s.gain**2)
    amplitude = gain**0.25
    local = (x - x.mean()) * amplitude - (y - y.mean()) / amplitude
    local = (local + s.offset * (x.mean() - y.mean())) / s.residue_floor
    residue = np.sqrt(np.mean((np.sqrt(local**2 + 0.01) - 0.1) ** 2))
    total = s.residue * residue + s.gain_price * abs(np.log(gain))
    for level, parts in enumerate(levels):
        turn, floor = s.frequency * s.shift[level] / 2**level, s.floors[level]
        near = far = broken = energy = 0
        for ex, ey, c in parts:
            phase, size = abs(np.angle(c)), abs(c)
            free = size * (1 - s.price * (1 - np.cos(np.minimum(phase, turn))))
            agreed = free - size * (1 - np.cos(np.maximum(phase - turn, 0)))
            broken = broken + np.sqrt(ex * ey) - agreed
            energy = energy + ex + ey
            ex, ey = ex * amplitude**2, ey / amplitude**2
            near = near + (np.sqrt(ex) - np.sqrt(ey)) ** 2
            far = far + (np.sqrt(wide(ex)) - np.sqrt(wide(ey))) ** 2
        # The texture rule looks at energies after the gain is taken out.
        energy = sum(ex * amplitude**2 + ey / amplitude**2 for ex, ey, _ in parts)
        evened = energy + floor**2
        ratio = wide(evened**2) / wide(evened) ** 2
        share = np.clip((ratio - s.sparse[0]) / (s.sparse[1] - s.sparse[0]), 0, 1)
        share = s.texture + (1 - s.texture) * share
        defect = share * near + (1 - share) * far + s.structure * share * broken
        defect = np.maximum(defect / (floor**2 + s.masking * energy), 0)
        error = (defect + 1e-3) ** s.power - 1e-3**s.power
        total += s.levels[level] * np.mean(error**4) ** 0.25
    return total / sum(s.levels)


@pytest.mark.parametrize("kind", ["steps", "blur", "negative"])
def test_smart_is_that_of_its_twin(kind):
    image = data.camera()[100:190, 180:283]
    other = damage(image, kind)
    # Small constants under the roots of the one, none in the other.
    assert smart(image, other) == pytest.approx(twin_smart(image, other), rel=2e-2)


def test_smart_has_no_smallest_size():
    image = data.astronaut()
    assert smart(image[:1, :1], image[:1, :1]) == 0
    assert smart(image[:1, :1], image[1:2, :1]) > 0
    assert smart(image[:3, :2, 0], image[3:6, :2, 0]) > 0


def test_error_decibel():
    assert error_decibel(0.1) == pytest.approx(10)
    assert error_decibel(0.01) == pytest.approx(20)
    assert error_decibel(0.0) == math.inf
    assert not METRICS["smart"].higher_is_better


def test_similarity_decibel():
    assert similarity_decibel(0.9) == pytest.approx(10)
    assert similarity_decibel(0.99) == pytest.approx(20)
    assert similarity_decibel(1.0) == math.inf


@pytest.fixture
def judged(monkeypatch):
    """A network that is loaded once and says how far apart the means are."""
    loads = []

    def load():
        loads.append(1)
        return lambda first, second: float(abs(first.mean() - second.mean())) / 255

    monkeypatch.setattr(perceptual_network, "LOADERS", {"LPIPS": ("x-package", load)})
    perceptual_network.loaded.cache_clear()
    yield loads
    perceptual_network.loaded.cache_clear()


def test_a_judge_is_measured_only_where_it_is_named(judged):
    first, second = np.zeros((64, 70, 3), np.uint8), np.full((64, 70, 3), 51, np.uint8)
    assert not set(JUDGES) & set(measure(first, second))
    assert judged == []
    for _ in range(2):
        assert measure(first, second, ["lpips"]) == {"lpips": pytest.approx(0.2)}
    assert judged == [1]
    assert measure(first[:63], second[:63], ["lpips"]) == {"lpips": None}
    with pytest.raises(MetricError):
        measure(first, second.astype(np.float32), ["lpips"])
    assert get_metric("lpips").scale(0.1) == pytest.approx(10)  # falls: fewer is better


def test_what_is_usual_follows_what_is_installed(monkeypatch):
    monkeypatch.setattr(ssimulacra2, "find_spec", lambda name: None)
    assert usual() == list(METRICS)
    with pytest.raises(BackendUnavailableError, match="pip install ssimulacra2"):
        get_metric("ssimulacra2").require()
    monkeypatch.undo()
    pytest.importorskip("ssimulacra2")
    assert usual() == [*METRICS, "ssimulacra2"]


def test_ssimulacra2_judges_as_it_should():
    pytest.importorskip("ssimulacra2")
    image = data.astronaut()[:96, 180:276]
    slight, strong = (damage(image, kind) for kind in ("blur", "negative"))
    judge = get_metric("ssimulacra2").function
    assert judge(image, image) == 100
    assert 100 > judge(image, slight) > judge(image, strong)
    plates = ((image, 9), (slight, 7))
    alpha = [np.dstack([one, np.full((96, 96), plate, np.uint8)]) for one, plate in plates]
    assert judge(*alpha) == judge(image, slight)
    assert judge(image[:, :, 0], slight[:, :, 0]) == judge(image[:, :, :1], slight[:, :, :1])
    assert judge(image[:7], slight[:7]) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in JUDGES if name != "ssimulacra2"])
def test_real_judges(name):
    try:
        perceptual_network.loaded(get_metric(name).label)
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    image = data.astronaut()[:96, 180:276]
    slight, strong = (damage(image, kind) for kind in ("blur", "negative"))
    judge = get_metric(name).function
    assert judge(image, image) == 0
    assert 0 < judge(image, slight) < judge(image, strong)
    # Alpha is ignored, grey is grey in every shape.
    plates = ((image, 9), (slight, 7))
    alpha = [np.dstack([one, np.full((96, 96), plate, np.uint8)]) for one, plate in plates]
    assert judge(*alpha) == judge(image, slight)
    assert judge(image[:, :, 0], slight[:, :, 0]) == judge(image[:, :, :1], slight[:, :, :1])
