"""Initial states of the entropy coder, fitted to counts from many training files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .entropy import COUNT_LIMIT

_STRENGTHS = np.array([0.5, 1, 2, 3, 5, 8, 12, 20, 32, 50, 80, 130, 250])


def fit_prior(
    tallies: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Fit a Beta prior to the counts of one context in many files, for all contexts.

    Parameters
    ----------
    tallies : (files, contexts, 2) float64
        Zeros and ones seen.

    Returns
    -------
    probability, confidence : (contexts,) int32
        As in `shared.entropy.Tables`.
    """
    from scipy.special import betaln

    n = tallies.sum(2)
    # A file counts for what it still has to learn, not for its length.
    share = np.minimum(n, 40.0) / np.maximum(n, 1.0)
    ones, zeros = (tallies[:, :, 1] * share).sum(0), (tallies[:, :, 0] * share).sum(0)
    pooled = (ones + 0.4) / (ones + zeros + 0.8)
    best_score = np.full(tallies.shape[1], -np.inf)
    probability, strength = pooled.copy(), np.full(tallies.shape[1], _STRENGTHS[0])
    for k in _STRENGTHS:
        a, b = pooled * k, (1 - pooled) * k
        score = (betaln(tallies[:, :, 1] + a, tallies[:, :, 0] + b) - betaln(a, b)).sum(0)
        better = score > best_score
        best_score[better], strength[better] = score[better], k
    # Contexts never seen learn fast.
    strength[n.sum(0) < 4] = 1.0
    confidence = np.clip(np.round(strength - 1.5), 0, COUNT_LIMIT).astype(np.int32)
    return np.clip(np.round(probability * 65536), 64, 65472).astype(np.int32), confidence
