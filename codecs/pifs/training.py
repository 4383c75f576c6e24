"""Initial states of the pifs coder (``tables.npz``): those of the tiles, and of the maps."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...shared.entropy import Tables
from ...shared.priors import fit_prior
from ...shared.tiles import training as tile_training
from ...shared.tiles.contexts import WEIGHT_INPUTS as TILE_INPUTS
from ...shared.tiles.stream import TileSet, default_tables
from .analysis import analyze, choose
from .coding import CONTEXTS, WEIGHT_INPUTS, WEIGHTS
from .format import write

TABLES = Path(__file__).with_name("tables.npz")
_STEP_RANGE = (126, 228)


def untrained() -> Tables:
    """States of the trained tiles, and untrained ones for the maps."""
    known = Tables.load(tile_training.TABLES)
    blank = default_tables(CONTEXTS, WEIGHTS, (*TILE_INPUTS, *WEIGHT_INPUTS))
    out = blank
    out.probability[: len(known.probability)] = known.probability
    out.confidence[: len(known.confidence)] = known.confidence
    out.weights[: len(known.weights)] = known.weights
    return out


def tally_files(
    job: tuple[list[Path], int, Tables, int],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Encode pictures at random steps; return their tallies and the weights reached."""
    from PIL import Image

    paths, seed, tables, per_image = job
    rng = np.random.default_rng(seed)
    weights, tallies = tables.weights.copy(), []
    for number, path in enumerate(paths):
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        # Every fourth picture in the pure profile, whose contexts are few.
        analysis = analyze(pixels, pure=number % 4 == 3)
        for step in rng.integers(*_STEP_RANGE, per_image):
            tiles, maps, _, _ = choose(analysis, int(step), tables)
            tally = np.zeros((CONTEXTS, 2), np.int64)
            start = Tables(tables.probability, tables.confidence, weights)
            again = TileSet.blank(tiles.geometry, tiles.steps, tiles.leaves, tiles.levels)
            coder = write(start, again, maps, pure=analysis.pure, tally=tally).coder
            weights = coder.weights
            tallies.append(tally.astype(np.uint32))
    return np.stack(tallies), weights


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-image", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=8, help="use every n-th picture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="start from the present tables")
    options = parser.parse_args()
    suffixes = {".png", ".webp", ".jpg", ".tif"}
    paths = [p for p in sorted(options.corpus.iterdir()) if p.suffix in suffixes]
    paths, tables = paths[:: options.every], Tables.load(TABLES) if options.resume else untrained()
    tables.save(TABLES)
    for number in range(options.rounds):
        rng = np.random.default_rng([options.seed, number])
        order = [paths[i] for i in rng.permutation(len(paths))]
        parts = [
            (order[i :: options.jobs], options.seed + 1000 * number + i, tables, options.per_image)
            for i in range(options.jobs)
        ]
        with ProcessPoolExecutor(options.jobs) as pool:
            results = list(pool.map(tally_files, parts))
        tallies = np.concatenate([result[0] for result in results]).astype(np.float64)
        weights = np.mean([result[1] for result in results], axis=0).round().astype(np.int32)
        tables = Tables(*fit_prior(tallies), weights)
        tables.save(TABLES)
        sys.stderr.write(f"round {number + 1} of {options.rounds}: {len(tallies)} files\n")


if __name__ == "__main__":
    main()
