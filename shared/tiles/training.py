"""Train the initial states of the tile coder (``tables.npz``).

Run ``python -m fractour.shared.tiles.training CORPUS_FOLDER``. Every picture is encoded at
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

from .. import color
from ..entropy import Tables
from ..priors import fit_prior
from .contexts import CONTEXTS
from .encoder import choose, code, transform
from .stream import NEUTRAL_CHROMA, TileSet, default_tables

TABLES = Path(__file__).with_name("tables.npz")
_STEP_RANGE = (126, 228)


def tally_files(
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
        spectra = transform(color.to_components(pixels))
        for step in rng.integers(*_STEP_RANGE, per_image):
            tiles = choose(spectra, int(step), NEUTRAL_CHROMA, tables, passes=1).tiles
            tally = np.zeros((CONTEXTS, 2), np.int64)
            start = Tables(tables.probability, tables.confidence, weights)
            again = TileSet.blank(spectra.geometry, tiles.steps, tiles.leaves, tiles.levels)
            coder = code(start, again, priced=False, tally=tally).coder
            weights = coder.weights
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
            results = list(pool.map(tally_files, parts))
        tallies = np.concatenate([result[0] for result in results]).astype(np.float64)
        weights = np.mean([result[1] for result in results], axis=0).round().astype(np.int32)
        tables = Tables(*fit_prior(tallies), weights)
        tables.save(TABLES)
        sys.stderr.write(f"round {number + 1} of {rounds}: {len(tallies)} files\n")
    return tables


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-image", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="use every n-th picture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="start from the present tables")
    options = parser.parse_args()
    suffixes = {".png", ".webp", ".jpg", ".tif"}
    paths = [p for p in sorted(options.corpus.iterdir()) if p.suffix in suffixes]
    start = default_tables()
    if options.resume:
        start = Tables.load(TABLES)
    train(
        paths[:: options.every],
        rounds=options.rounds,
        per_image=options.per_image,
        jobs=options.jobs,
        seed=options.seed,
        start=start,
    )


if __name__ == "__main__":
    main()
