"""Train the filters after deblocking (``wiener.npz``), by least squares on decoded pictures.

Run ``python -m fractour.shared.tiles.wiener_training CORPUS_FOLDER``. Pictures and sets of filters
find each other as in vector quantization (Lloyd 1982, doi:10.1109/TIT.1982.1056489): each set is
solved for the pictures that it serves best.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..entropy import Tables
from ..picture import color
from ..picture.files import read_image
from .analysis.encoder import choose
from .analysis.spectra import transform
from .format.stream import NEUTRAL_CHROMA
from .format.syntax import CELL, FRACTION_BITS
from .synthesis import deblocking, reconstruction, wiener

TABLE = Path(__file__).with_name("wiener.npz")
STEP_RANGE = (105, 230)
_EACH = 2
"""Steps at which a picture is coded."""
_ROUNDS = 12
_RIDGE, _SHRINK = 1e-3, 2e-5
"""Towards nothing, and of a class towards the filter of all, relative to the matrices' traces."""
_WEIGHTS = len(wiener.TAPS) * wiener.LIMITS
FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Equations:
    """Normal equations of decoded pictures, whose errors before the filter count one each.

    Parameters
    ----------
    matrix : (n, 2, CLASSES, 36, 36) float32
        Of luma and chroma.
    right : (n, 2, CLASSES, 36) float32
    """

    matrix: npt.NDArray[np.float32]
    right: npt.NDArray[np.float32]

    def gains(self, weights: FloatArray) -> npt.NDArray[np.float64]:
        """Part of each picture's error that filters (2, CLASSES, 36) take away, (n,) float64."""
        pulled = 2.0 * np.einsum("pck,npck->n", weights, self.right)
        bent = np.einsum("npckl,pcl->npck", self.matrix, weights)
        return np.asarray(pulled - np.einsum("npck,pck->n", bent, weights), np.float64)

    def solve(self, mine: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Filters of some of the pictures, (2, CLASSES, 36) float64."""
        matrix, right = (a[mine].sum(0, dtype=np.float64) for a in (self.matrix, self.right))
        return np.stack([solve(*both) for both in zip(matrix, right, strict=True)])


def gather(plane: npt.NDArray[np.int32], wanted: FloatArray, step: int) -> npt.NDArray[np.float64]:
    """Products of differences and error in each class of a decoded plane, in squared steps.

    Returns
    -------
    (CLASSES, 37, 37) float64
        The error to be taken away is the last row and column.
    """
    wide, limits = wiener.extended(np, plane), wiener.limits_of(step)
    kinds = wiener.classes(np, wide, step).repeat(CELL, 0).repeat(CELL, 1)
    flat = kinds[: plane.shape[0], : plane.shape[1]].ravel()
    unit = step / 2.0**10
    off = ((wanted - plane) / unit).ravel().astype(np.float32)
    products = np.zeros((wiener.CLASSES, _WEIGHTS + 1, _WEIGHTS + 1))
    products[0, -1, -1] = np.square(off[flat == 0]).sum(dtype=np.float64)
    # Flat cells have no filter: most samples need not be looked at.
    order = np.argsort(flat, kind="stable")[np.count_nonzero(flat == 0) :]
    ends = np.searchsorted(flat[order], np.arange(wiener.CLASSES + 1))
    found = np.empty((_WEIGHTS + 1, len(order)), np.float32)
    for i, feature in enumerate(wiener.features(np, wide, limits, plane.shape)):
        found[i] = feature.ravel()[order] / unit
    found[-1] = off[order]
    for k in range(1, wiener.CLASSES):
        mine = found[:, ends[k] : ends[k + 1]]
        products[k] = mine @ mine.T
    return products


def solve(matrix: FloatArray, right: FloatArray) -> npt.NDArray[np.float64]:
    """Filters of all classes, (CLASSES, 36) float64.

    Flat cells, the first class, have none; a rare class has that of all.
    """
    count = right.shape[1]
    eye, whole = np.eye(count), matrix[1:].sum(0)
    mean = float(np.trace(whole)) / count
    usual = np.linalg.solve(whole + eye * (mean * _RIDGE + 1e-12), right[1:].sum(0))
    out = np.zeros(right.shape)
    for k in range(1, len(right)):
        ridge = float(np.trace(matrix[k])) / count * _RIDGE
        pull = mean * _SHRINK + 1e-12
        out[k] = np.linalg.solve(matrix[k] + eye * (ridge + pull), right[k] + pull * usual)
    return out


def cluster(equations: Equations, sets: int) -> npt.NDArray[np.float64]:
    """Filters, (sets, 2, CLASSES, 36) float64, the set that serves most pictures first."""
    every = np.ones(len(equations.matrix), np.bool_)
    usual = equations.solve(every)
    place = np.argsort(np.argsort(equations.gains(usual), kind="stable"), kind="stable")
    owner = place * sets // len(every)
    found = [usual] * sets
    for _ in range(_ROUNDS):
        found = [equations.solve(owner == i) if (owner == i).any() else usual for i in range(sets)]
        owner = np.argmax([equations.gains(filters) for filters in found], axis=0)
    order = np.argsort(-np.bincount(owner, minlength=sets), kind="stable")
    return np.stack([found[i] for i in order])


def decoded(paths: Sequence[Path], tables: Tables) -> Equations:
    """Equations of pictures, each coded as tiles at a few steps drawn with a fixed seed."""
    rng = np.random.default_rng(0)
    found = []
    for path in paths:
        planes = color.to_components(read_image(path, path.name))
        spectra = transform(planes)
        height, width = planes[0].shape
        for index in rng.integers(*STEP_RANGE, _EACH).tolist():
            tiles = choose(spectra, index, NEUTRAL_CHROMA, tables).tiles
            shown = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
            shown = deblocking.smooth(np, tiles, shown)[:, :height, :width]
            products = np.zeros((2, wiener.CLASSES, _WEIGHTS + 1, _WEIGHTS + 1))
            for comp, step in enumerate(wiener.filtered_steps(tiles.steps)):
                wanted = planes[comp] * np.float32(1 << FRACTION_BITS)
                products[min(comp, 1)] += gather(shown[comp], wanted, step)
            error = float(products[..., -1, -1].sum())
            found.append((products / max(error, 1e-9)).astype(np.float32))
    every = np.stack(found)
    return Equations(every[..., :-1, :-1], every[..., :-1, -1])


def rounded(filters: FloatArray) -> npt.NDArray[np.int8]:
    """Weights as the format has them."""
    return np.clip(np.rint(filters * (1 << wiener.WEIGHT_BITS)), -128, 127).astype(np.int8)


def pictures_in(folder: Path) -> list[Path]:
    """Training pictures of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix in {".png", ".jpg", ".webp"})


if __name__ == "__main__":
    pictures = pictures_in(Path(sys.argv[1]))
    initial = Tables.load(Path(__file__).with_name("tables.npz"))
    filters = cluster(decoded(pictures, initial), wiener.SETS)
    np.savez_compressed(TABLE, weights=rounded(filters))
