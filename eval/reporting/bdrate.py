"""Bjontegaard differences between two rate-distortion curves, guarded.

A BD-rate is an integral over the interval that two curves share. It is easily a number that
means nothing: a curve that folds back, curves that barely touch, a single point. Here such
input ends in `BDError` or in a flag on the result, never in a silent number.

References
----------
.. [1] G. Bjontegaard, "Calculation of average PSNR differences between RD-curves",
   ITU-T VCEG-M33, 2001.
.. [2] C. Herglotz et al., "The Bjontegaard Bible: why your way of comparing video codecs may
   be wrong", IEEE TIP 33, 2024, doi:10.1109/TIP.2023.3346695 (piecewise interpolation on the
   logarithm of the rate; a logarithmic scale for saturating metrics such as SSIM).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ...shared.errors import FractourError

Point = tuple[float, float]

MIN_OVERLAP = 0.25
"""Share of the joint interval that both curves must cover; with less there is no figure."""

LOW_OVERLAP = 0.5
"""With less than this there is a figure, and a note that it speaks of a part of the curves."""


class BDError(FractourError, ValueError):
    """No meaningful Bjontegaard difference exists for these points."""


@dataclass(frozen=True)
class BDResult:
    """A Bjontegaard difference.

    Parameters
    ----------
    value : float
        Percent for `bd_rate` (negative: fewer bytes), the metric's unit for `bd_quality`.
    overlap : float
        Length of the shared interval over that of the joint one, 0 to 1.
    interval : tuple of float
        The shared interval, in quality for `bd_rate`, in log10 rate for `bd_quality`.
    notes : tuple of str
        Points that were dropped, low overlap; empty if there is nothing to say.
    """

    value: float
    overlap: float
    interval: tuple[float, float]
    notes: tuple[str, ...] = ()


def _front(rates: Iterable[float], quality: Iterable[float], who: str) -> tuple[list[Point], str]:
    """Return (rate, quality) points, both strictly rising, and a note on what was dropped.

    A point that spends at least as many bytes as another for no more quality is dominated:
    nobody would use that file. Interpolating through it makes the inverse curve fold back,
    which is where silent nonsense comes from.
    """
    rates, quality = [float(x) for x in rates], [float(y) for y in quality]
    if len(rates) != len(quality):
        message = f"{who}: {len(rates)} rates but {len(quality)} quality values"
        raise BDError(message)
    if not all(math.isfinite(x) for x in (*rates, *quality)):
        message = f"{who}: a rate or quality value is not finite"
        raise BDError(message)
    if any(x <= 0 for x in rates):
        message = f"{who}: rates must be positive"
        raise BDError(message)
    unique = sorted(set(zip(rates, quality, strict=True)), key=lambda point: (point[0], -point[1]))
    kept: list[Point] = []
    for point in unique:
        if not kept or point[1] > kept[-1][1]:
            kept.append(point)
    if len(kept) < 2:
        message = (
            f"{who}: {len(kept)} usable point{'s' * (len(kept) != 1)} of {len(rates)}; "
            "at least 2 with rising rate and quality are needed"
        )
        raise BDError(message)
    dropped = len(unique) - len(kept)
    note = f"{who}: {dropped} of {len(unique)} points dominated and dropped" if dropped else ""
    return kept, note


def _mean_gap(
    anchor: Sequence[Point], test: Sequence[Point], min_overlap: float, what: str
) -> tuple[float, float, tuple[float, float]]:
    """Mean of test - anchor over the shared abscissae of two strictly rising point lists."""
    from scipy.interpolate import PchipInterpolator

    low = max(anchor[0][0], test[0][0])
    high = min(anchor[-1][0], test[-1][0])
    joint = max(anchor[-1][0], test[-1][0]) - min(anchor[0][0], test[0][0])
    overlap = max(high - low, 0.0) / joint
    if overlap <= 0 or overlap < min_overlap:
        message = (
            f"the curves share {overlap:.0%} of their joint {what} range "
            f"({anchor[0][0]:.4g} to {anchor[-1][0]:.4g} and {test[0][0]:.4g} to "
            f"{test[-1][0]:.4g}); at least {min_overlap:.0%} is needed"
        )
        raise BDError(message)
    areas = []
    for points in (anchor, test):
        curve = PchipInterpolator(*map(list, zip(*points, strict=True)))
        areas.append(float(curve.integrate(low, high)))
    return (areas[1] - areas[0]) / (high - low), overlap, (low, high)


def _notes(first: str, second: str, overlap: float) -> tuple[str, ...]:
    low = f"overlap: {overlap:.0%} of the joint range" if overlap < LOW_OVERLAP else ""
    return tuple(note for note in (first, second, low) if note)


def _identity(value: float) -> float:
    return value


def bd_rate(
    anchor_rates: Iterable[float],
    anchor_quality: Iterable[float],
    test_rates: Iterable[float],
    test_quality: Iterable[float],
    *,
    min_overlap: float = MIN_OVERLAP,
    scale: Callable[[float], float] = _identity,
) -> BDResult:
    """Mean change of rate at equal quality, percent.

    PCHIP of log10 rate over quality, integrated over the shared quality interval.

    Parameters
    ----------
    anchor_rates, test_rates : iterable of float
        Bytes or bpp, positive, any order.
    anchor_quality, test_quality : iterable of float
        Larger is better.
    min_overlap : float
        Least shared share of the joint quality range, 0 to 1.
    scale : callable
        Rising map applied to the quality first, see `metrics.Metric.scale`.

    Returns
    -------
    BDResult
        Negative: the test codec needs fewer bytes.

    Raises
    ------
    BDError
        Fewer than two usable points, values that are not finite or rates that are not
        positive, no or too little overlap.
    """
    anchor, first = _front(anchor_rates, map(scale, anchor_quality), "anchor")
    test, second = _front(test_rates, map(scale, test_quality), "test")
    gap, overlap, interval = _mean_gap(
        [(quality, math.log10(rate)) for rate, quality in anchor],
        [(quality, math.log10(rate)) for rate, quality in test],
        min_overlap,
        "quality",
    )
    return BDResult(100 * (10**gap - 1), overlap, interval, _notes(first, second, overlap))


def bd_quality(
    anchor_rates: Iterable[float],
    anchor_quality: Iterable[float],
    test_rates: Iterable[float],
    test_quality: Iterable[float],
    *,
    min_overlap: float = MIN_OVERLAP,
    scale: Callable[[float], float] = _identity,
) -> BDResult:
    """Mean change of quality at equal rate (BD-PSNR if the quality is PSNR).

    PCHIP of quality over log10 rate, integrated over the shared rate interval. Parameters
    and errors are those of `bd_rate`.

    Returns
    -------
    BDResult
        In the unit of the quality; positive: the test codec is better.
    """
    anchor, first = _front(anchor_rates, map(scale, anchor_quality), "anchor")
    test, second = _front(test_rates, map(scale, test_quality), "test")
    gap, overlap, interval = _mean_gap(
        [(math.log10(rate), quality) for rate, quality in anchor],
        [(math.log10(rate), quality) for rate, quality in test],
        min_overlap,
        "log10 rate",
    )
    return BDResult(gap, overlap, interval, _notes(first, second, overlap))


def bd_psnr(
    anchor_rates: Iterable[float],
    anchor_quality: Iterable[float],
    test_rates: Iterable[float],
    test_quality: Iterable[float],
    *,
    min_overlap: float = MIN_OVERLAP,
) -> BDResult:
    """Mean change of PSNR at equal rate, dB: `bd_quality` under its usual name."""
    return bd_quality(
        anchor_rates, anchor_quality, test_rates, test_quality, min_overlap=min_overlap
    )
