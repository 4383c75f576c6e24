"""Uncertainty of a mean over images: the bootstrap.

Images are the random draw: the question is how far a figure would move with other photographs
of the same sort. Codecs are compared on the same images, so differences are formed per image
first (paired) and then resampled; this removes the large spread between images.

References
----------
.. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ...shared.errors import FractourError

RESAMPLES = 2000


class StatisticsError(FractourError, ValueError):
    """There is nothing to average, or a value is not finite."""


@dataclass(frozen=True)
class Interval:
    """A mean and its percentile bootstrap interval.

    Parameters
    ----------
    mean : float
    low, high : float
        Ends of the interval; both the mean if there is a single value.
    n : int
        Number of images.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def bootstrap_mean(
    values: Iterable[float], *, seed: int = 0, resamples: int = RESAMPLES, level: float = 0.95
) -> Interval:
    """Mean over images with its percentile bootstrap interval.

    Parameters
    ----------
    values : iterable of float
        One per image.
    seed : int
        The same seed and number of images draw the same images, so intervals of two codecs
        on one corpus rest on the same resamples.
    resamples : int
        Number of bootstrap draws.
    level : float
        Coverage, between 0 and 1.

    Raises
    ------
    StatisticsError
        If there is no value, or one is not finite.
    """
    sample = np.asarray([float(value) for value in values], np.float64)
    if sample.size == 0:
        message = "no values to average"
        raise StatisticsError(message)
    if not np.all(np.isfinite(sample)):
        message = "a value is not finite; drop or count such images before averaging"
        raise StatisticsError(message)
    if not 0 < level < 1:
        message = f"level must lie between 0 and 1, not {level}"
        raise StatisticsError(message)
    # fsum: the mean must not depend on the order in which workers returned their rows.
    mean = math.fsum(sample) / sample.size
    if sample.size == 1:
        return Interval(mean, mean, mean, 1)
    rng = np.random.default_rng(np.random.SeedSequence([seed, sample.size]))
    draws = rng.integers(0, sample.size, size=(resamples, sample.size))
    means = sample[draws].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), int(sample.size))


def paired_difference(
    anchor: Mapping[str, float],
    test: Mapping[str, float],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Mean of test - anchor over the images that both have, with its interval.

    Parameters
    ----------
    anchor, test : mapping
        Image to value. Images that only one of them has are left out; `Interval.n` tells.

    Raises
    ------
    StatisticsError
        If they share no image.
    """
    shared = sorted(set(anchor) & set(test))
    if not shared:
        message = "the two codecs share no image; nothing can be paired"
        raise StatisticsError(message)
    gaps = [test[image] - anchor[image] for image in shared]
    return bootstrap_mean(gaps, seed=seed, resamples=resamples, level=level)
