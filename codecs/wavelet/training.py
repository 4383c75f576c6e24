"""Train the initial states of the entropy coder (``tables.npz``).

Run ``python -m fractour.codecs.wavelet.training CORPUS_FOLDER``. Every picture is encoded at
random steps; what each context saw is summed up, and the prior that a Beta-binomial model
finds most likely becomes its starting probability and confidence. Mixing weights are carried
from file to file.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...shared.entropy import Tables, start_model
from ...shared.priors import fit_prior
from .analysis import analyze, propose
from .contexts import CONTEXTS
from .format import default_tables, write_coefficients

TABLES = Path(__file__).with_name("tables.npz")
_STEP_RANGE = (336, 600)
"""About 1.5 bpp down to 0.02 bpp."""


def _tally_files(
    job: tuple[list[Path], int, Tables, int],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Encode pictures at random steps; return their tallies and the weights reached."""
    from PIL import Image

    paths, seed, tables, per_image = job
    rng = np.random.default_rng(seed)
    weights = tables.weights.copy()
    tallies = []
    for path in paths:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        analysis = analyze(pixels)
        for step in rng.integers(*_STEP_RANGE, per_image):
            state = propose(analysis, int(step)).state
            tally = np.zeros((CONTEXTS, 2), np.int64)
            model = start_model(Tables(tables.probability, tables.confidence, weights), tally)
            write_coefficients(analysis.layout, state.magnitude, state.sign, model=model)
            weights = model[2]
            tallies.append(tally.astype(np.uint32))
    return np.stack(tallies), weights


def train(
    paths: list[Path], *, rounds: int, per_image: int, jobs: int, seed: int, start: Tables
) -> Tables:
    """Run `rounds` of encoding and fitting; each round starts from the tables of the last."""
    tables = start
    for number in range(rounds):
        rng = np.random.default_rng([seed, number])
        order = [paths[i] for i in rng.permutation(len(paths))]
        parts = [(order[i::jobs], seed + 1000 * number + i, tables, per_image) for i in range(jobs)]
        with ProcessPoolExecutor(jobs) as pool:
            results = list(pool.map(_tally_files, parts))
        tallies = np.concatenate([result[0] for result in results]).astype(np.float64)
        weights = np.mean([result[1] for result in results], axis=0).round().astype(np.int32)
        tables = Tables(*fit_prior(tallies), weights)
        sys.stderr.write(f"round {number + 1} of {rounds}: {len(tallies)} files\n")
    return tables


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-image", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="use every n-th picture")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    suffixes = {".png", ".webp", ".jpg", ".tif"}
    paths = [p for p in sorted(options.corpus.iterdir()) if p.suffix in suffixes]
    tables = train(
        paths[:: options.every],
        rounds=options.rounds,
        per_image=options.per_image,
        jobs=options.jobs,
        seed=options.seed,
        start=default_tables(),
    )
    tables.save(TABLES)


if __name__ == "__main__":
    main()
