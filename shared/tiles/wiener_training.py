"""Train the filters after deblocking (``wiener.npz``), by least squares on decoded pictures.

Run ``python -m fractour.shared.tiles.wiener_training CORPUS_FOLDER``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..entropy.coder import Tables
from ..picture import color
from ..picture.files import read_image
from .analysis.encoder import choose, transform
from .format.stream import NEUTRAL_CHROMA
from .format.syntax import CELL, FRACTION_BITS
from .synthesis import deblocking, reconstruction, wiener

TABLE = Path(__file__).with_name("wiener.npz")
STEP_RANGE = (118, 235)
_EACH = 2
"""Steps at which a picture is coded."""
_RIDGE, _SHRINK = 1e-3, 2e-5
"""Towards nothing, and of a class towards the filter of all, relative to the matrices' traces."""
Sums = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def gather(plane: npt.NDArray[np.int32], wanted: npt.NDArray[np.int32], step: int) -> Sums:
    """Normal equations of each class from one decoded plane, (CLASSES, 12, 12) and (CLASSES, 12).

    Errors count in steps, so that fine and coarse pictures weigh alike.
    """
    wide, limit = wiener.extended(np, plane), wiener.limit_of(step)
    kinds = wiener.classes(np, wide, step).repeat(CELL, 0).repeat(CELL, 1)
    flat = kinds[: plane.shape[0], : plane.shape[1]].ravel()
    count = len(wiener.TAPS)
    unit = step / 2.0**10
    found = np.empty((count + 1, plane.size))
    for i in range(count):
        found[i] = wiener.feature(np, wide, i, limit, plane.shape).ravel() / unit
    found[count] = (wanted - plane).ravel() / unit
    products = np.zeros((wiener.CLASSES, count + 1, count + 1))
    order = np.argsort(flat, kind="stable")
    ends = np.searchsorted(flat[order], np.arange(wiener.CLASSES + 1))
    for k in range(wiener.CLASSES):
        mine = found[:, order[ends[k] : ends[k + 1]]]
        products[k] = mine @ mine.T
    return products[:, :count, :count], products[:, :count, count]


def solve(matrix: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    """Filters of all classes, (CLASSES, 12) int16; a rare class has that of all."""
    count = right.shape[1]
    eye, whole = np.eye(count), matrix.sum(0)
    mean = float(np.trace(whole)) / count
    usual = np.linalg.solve(whole + eye * (mean * _RIDGE + 1e-9), right.sum(0))
    out = np.empty_like(right)
    for k in range(len(right)):
        ridge = float(np.trace(matrix[k])) / count * _RIDGE
        pull = mean * _SHRINK + 1e-9
        out[k] = np.linalg.solve(matrix[k] + eye * (ridge + pull), right[k] + pull * usual)
    return np.clip(np.rint(out * (1 << wiener.WEIGHT_BITS)), -32768, 32767).astype(np.int16)


def train(paths: Sequence[Path], tables: Tables) -> npt.NDArray[np.int16]:
    """Filters from pictures, each coded as tiles at a few steps drawn with a fixed seed.

    Returns
    -------
    (2, CLASSES, 12) int16
        Of luma and grey, and of chroma.
    """
    rng = np.random.default_rng(0)
    count = len(wiener.TAPS)
    matrix = np.zeros((2, wiener.CLASSES, count, count))
    right = np.zeros((2, wiener.CLASSES, count))
    for path in paths:
        planes = color.to_components(read_image(path, path.name))
        spectra = transform(planes)
        height, width = planes[0].shape
        for index in rng.integers(*STEP_RANGE, _EACH).tolist():
            tiles = choose(spectra, index, NEUTRAL_CHROMA, tables).tiles
            shown = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
            shown = deblocking.smooth(np, tiles, shown, deblocking.USUAL)
            for comp, step in enumerate(wiener.steps_of(tiles.steps, deblocking.USUAL)):
                wanted = np.rint(planes[comp] * (1 << FRACTION_BITS)).astype(np.int32)
                more = gather(shown[comp, :height, :width], wanted, step)
                matrix[min(comp, 1)] += more[0]
                right[min(comp, 1)] += more[1]
    return np.stack([solve(*both) for both in zip(matrix, right, strict=True)])


if __name__ == "__main__":
    pictures = sorted(
        path for path in Path(sys.argv[1]).iterdir() if path.suffix in {".png", ".jpg", ".webp"}
    )
    initial = Tables.load(Path(__file__).with_name("tables.npz"))
    np.savez_compressed(TABLE, weights=train(pictures, initial))
