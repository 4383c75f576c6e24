"""Initial states of the entropy coder, fitted to counts from many training files.

Every picture is encoded at random steps; what each context saw is summed up, and the prior
that a Beta-binomial model finds most likely becomes its starting probability and confidence.
Mixing weights are carried from file to file. A codec describes itself in a `Trainee` and calls
`train_command` from its module ``training``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..codec import Image
from .tables import COUNT_LIMIT, IntArray, Tables

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


@dataclass(frozen=True)
class Trainee:
    """What training needs of a codec; the functions stand at module level, to be pickled.

    Parameters
    ----------
    prepare : callable
        ``(pixels, number) -> analysis``; `number` counts the pictures of a process.
    count : callable
        ``(analysis, step, tables) -> (tally, weights)``: encode once from `tables`; return the
        (contexts, 2) zeros and ones that each context saw, and the weights reached.
    steps : tuple of int
        Range of the random steps, the end excluded.
    path : Path
        The ``tables.npz``.
    start : callable
        Makes the tables to start from.
    """

    prepare: Callable[[Image, int], Any]
    count: Callable[[Any, int, Tables], tuple[npt.NDArray[np.int64], IntArray]]
    steps: tuple[int, int]
    path: Path
    start: Callable[[], Tables]


def _tally_files(
    job: tuple[Trainee, list[Path], int, Tables, int],
) -> tuple[npt.NDArray[np.uint32], IntArray]:
    """Encode pictures at random steps; return their tallies and the weights reached."""
    from PIL import Image as Pictures

    trainee, paths, seed, tables, per_image = job
    rng = np.random.default_rng(seed)
    tallies = []
    for number, path in enumerate(paths):
        with Pictures.open(path) as picture:
            analysis = trainee.prepare(np.asarray(picture.convert("RGB")), number)
        for step in rng.integers(*trainee.steps, per_image):
            tally, weights = trainee.count(analysis, int(step), tables)
            tables = Tables(tables.probability, tables.confidence, weights)
            tallies.append(tally.astype(np.uint32))
    return np.stack(tallies), tables.weights


def train(
    trainee: Trainee,
    paths: list[Path],
    tables: Tables,
    *,
    rounds: int,
    per_image: int,
    jobs: int,
    seed: int,
) -> Tables:
    """Run `rounds` of encoding and fitting; each round starts from the tables of the last."""
    for number in range(rounds):
        rng = np.random.default_rng([seed, number])
        order = [paths[i] for i in rng.permutation(len(paths))]
        parts = [
            (trainee, order[i::jobs], seed + 1000 * number + i, tables, per_image)
            for i in range(jobs)
        ]
        with ProcessPoolExecutor(jobs) as pool:
            results = list(pool.map(_tally_files, parts))
        tallies = np.concatenate([result[0] for result in results]).astype(np.float64)
        weights = np.mean([result[1] for result in results], axis=0).round().astype(np.int32)
        probability, confidence = fit_prior(tallies)
        # What this training never meets keeps what another one found.
        seen = tallies.sum(axis=(0, 2)) > 0
        tables = Tables(
            np.where(seen, probability, tables.probability).astype(np.int32),
            np.where(seen, confidence, tables.confidence).astype(np.int32),
            weights,
        )
        sys.stderr.write(f"round {number + 1} of {rounds}: {len(tallies)} files\n")
    return tables


def train_command(trainee: Trainee, description: str | None, *, every: int = 1) -> None:
    """Command line of a codec's ``training`` module: train on a folder, write the tables."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-image", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=every, help="use every n-th picture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="start from the present tables")
    parser.add_argument("--out", type=Path, default=trainee.path)
    options = parser.parse_args()
    suffixes = {".png", ".webp", ".jpg", ".tif"}
    paths = [path for path in sorted(options.corpus.iterdir()) if path.suffix in suffixes]
    tables = train(
        trainee,
        paths[:: options.every],
        Tables.load(trainee.path) if options.resume else trainee.start(),
        rounds=options.rounds,
        per_image=options.per_image,
        jobs=options.jobs,
        seed=options.seed,
    )
    tables.save(options.out)
