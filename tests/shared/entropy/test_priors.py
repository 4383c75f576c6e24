"""Initial states fitted to counts: probability, confidence, and one round of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fractour.codecs.wavelet.priors import TRAINEE
from fractour.shared.conformance import sample_picture
from fractour.shared.entropy import Tables
from fractour.shared.entropy.priors import fit_prior, train
from PIL import Image


def _counts(chance: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    ones = rng.binomial(n, chance)
    return np.stack([n - ones, ones], -1).astype(float)


def test_probability_and_confidence_are_those_of_the_source() -> None:
    rng = np.random.default_rng(0)
    steady = _counts(np.full(400, 0.1), 200, rng)
    varied = _counts(rng.beta(0.5, 4.5, 400), 200, rng)
    never = np.zeros((400, 2))
    probability, confidence = fit_prior(np.stack([steady, varied, never], 1))
    assert abs(probability[0] / 65536 - 0.1) < 0.01
    assert abs(probability[1] / 65536 - 0.1) < 0.03
    assert confidence[0] > 100
    assert confidence[1] < 8
    assert confidence[2] == 0


def test_a_round_of_training_gives_usable_tables(tmp_path: Path) -> None:
    paths = []
    for seed in range(2):
        paths.append(tmp_path / f"{seed}.png")
        Image.fromarray(sample_picture(40, 48, 3, seed=seed)).save(paths[-1])
    start = TRAINEE.start()
    tables = train(TRAINEE, paths, start, rounds=1, per_image=2, jobs=1, seed=1)
    assert tables.probability.shape == start.probability.shape
    assert not np.array_equal(tables.probability, start.probability)
    tables.save(tmp_path / "tables.npz")
    again = Tables.load(tmp_path / "tables.npz")
    assert np.array_equal(again.weights, tables.weights)
