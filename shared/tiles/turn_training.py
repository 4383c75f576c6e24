"""Train the secondary transforms of leaves (``turns.npz``), see `format.turns`.

Run ``python -m fractour.shared.tiles.turn_training CORPUS_FOLDER``. Leaves and tables find each
other as in vector quantization: each leaf takes the table and the variant under which it costs
least, and each table becomes the orthonormal transform that comes closest to the levels of its
leaves (Sezer, Guleryuz and Altunbasak 2015, doi:10.1109/TIP.2015.2414879; the closest one is that
of Schönemann 1966, doi:10.1007/BF02289451). They start from the principal axes of textures that
run in one direction.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..entropy import Tables
from ..picture import color
from ..picture.files import read_image
from .analysis.encoder import LAMBDA, choose
from .analysis.spectra import transform
from .format.contexts import TURN_GROUP, TURN_GROUPS
from .format.stream import NEUTRAL_CHROMA
from .format.syntax import CELL_LOG, COMP, GRADE, LEFT, LOG, TOP
from .format.turns import SCALE_BITS, TABLE, TABLES, VARIANTS, places, variants, varied
from .synthesis.dct import float_basis
from .wiener_training import pictures_in

FloatArray = npt.NDArray[np.floating]
STEP_RANGE = (126, 228)
_EACH = 3
"""Steps at which a picture is coded."""
_MOST = 45000
"""Leaves of a group of sizes that are looked at."""
_ROUNDS = 22
_SETTLED = 5
"""Rounds at the end in which no table's order changes any more."""
_KEPT = 0.6
_SIGN_AND_MORE = 2.2
_SIZE_BITS = 1.9
"""Bits of a level by the natural logarithm of its magnitude."""
_ALONG, _ACROSS = 0.012, 0.08
"""Decay of the correlation of a directed texture, a pixel."""


def collect(paths: Sequence[Path], tables: Tables) -> list[npt.NDArray[np.float32]]:
    """Lowest coefficients of luma's leaves with detail, in steps, (n, N) by group of sizes."""
    rng = np.random.default_rng(0)
    found: list[list[npt.NDArray[np.float32]]] = [[] for _ in range(TURN_GROUPS)]
    for path in paths:
        spectra = transform(color.to_components(read_image(path, path.name)))
        for index in rng.integers(*STEP_RANGE, _EACH).tolist():
            tiles = choose(spectra, index, NEUTRAL_CHROMA, tables).tiles
            leaves = tiles.leaves[(tiles.leaves[:, COMP] == 0) & (tiles.leaves[:, GRADE] > 0)]
            for k, blocks in enumerate(spectra.coefficients[0]):
                log = k + CELL_LOG
                mine = leaves[leaves[:, LOG] == log]
                u, v = places(log).T
                low = blocks[mine[:, TOP, None] >> log, mine[:, LEFT, None] >> log, u, v]
                found[TURN_GROUP[k]].append(low * np.float32(65536.0 / tiles.steps[0]))
    out = [np.concatenate(mine) for mine in found]
    return [mine[rng.permutation(len(mine))[:_MOST]] for mine in out]


def _start(log: int, angle: float) -> FloatArray:
    """Principal axes of a texture whose changes run at `angle`, the strongest first."""
    side, (u, v) = 1 << log, places(log).T
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2).reshape(2, -1)
    across, along = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    far = [np.subtract.outer(place, place) for place in (across, along)]
    likeness = np.exp(-np.hypot(_ACROSS * far[0], _ALONG * far[1]))
    basis = float_basis(log).astype(np.float64)
    both = np.einsum("un,vm->uvnm", basis, basis)[u, v].reshape(len(u), -1)
    axes: FloatArray = np.linalg.eigh(both @ likeness @ both.T)[1][:, ::-1].T
    return axes


class _Prices:
    """What levels cost at the places that are mixed, about."""

    def __init__(self, leaves: FloatArray) -> None:
        share = (np.abs(leaves) > _KEPT).mean(0) + 1e-3
        self.bits = (np.log2((1 - share) / share) + _SIGN_AND_MORE).astype(np.float32)

    def _said(self, size: FloatArray) -> FloatArray:
        return np.asarray(LAMBDA * (self.bits + _SIZE_BITS * np.log(np.maximum(size, 1.0))))

    def costs(self, values: FloatArray) -> FloatArray:
        """Lagrangian cost of each leaf."""
        size = np.abs(values)
        return np.asarray(np.minimum(size * size, self._said(size)).sum(1))

    def levels(self, values: FloatArray) -> FloatArray:
        """What is kept of coefficients."""
        size = np.abs(values)
        return np.where(size * size > self._said(size), values, 0.0)

    def ordered(self, table: FloatArray, leaves: FloatArray) -> FloatArray:
        """Put the rows that are used most where levels cost least."""
        values = np.abs(leaves @ table.T.astype(np.float32))
        used = (values > _KEPT).mean(0) + 1e-6 * values.mean(0)
        out = np.empty_like(table)
        out[np.argsort(self.bits, kind="stable")] = table[np.argsort(-used, kind="stable")]
        return out


def solve(leaves: npt.NDArray[np.float32], log: int) -> FloatArray:
    """Fit tables to leaves.

    Parameters
    ----------
    leaves : (n, N) float32
        See `collect`.
    log : int
        Of the smallest side of their group.

    Returns
    -------
    (TABLES, N, N) float64
        Orthonormal; levels by coefficients.
    """
    prices = _Prices(leaves)
    angles = np.pi / 4 * (np.arange(TABLES) + 0.5) / TABLES
    tables = [_start(log, float(angle)) for angle in angles]
    tables = [prices.ordered(table, leaves) for table in tables]
    stated = np.full(1 + TABLES * VARIANTS, 1.0 + np.log2(TABLES * VARIANTS))
    for number in range(_ROUNDS):
        costs = [prices.costs(leaves)]
        for table in tables:
            turns = varied(table[None], log).astype(np.float32)
            costs += [prices.costs(leaves @ turn.T) for turn in turns]
        owner = (np.stack(costs, 1) + LAMBDA * stated).argmin(1)
        stated = -np.log2(np.bincount(owner, minlength=len(stated)) / len(owner) + 1e-3)
        for k in range(TABLES):
            mine = np.concatenate(
                [
                    leaves[owner == 1 + k * VARIANTS + i][:, order] * signs.astype(np.float32)
                    for i, (order, signs) in enumerate(variants(log))
                ]
            )
            for _ in range(3):
                left, _, right = np.linalg.svd(
                    prices.levels(mine @ tables[k].T.astype(np.float32)).T @ mine
                )
                tables[k] = left @ right
            if number < _ROUNDS - _SETTLED:
                tables[k] = prices.ordered(tables[k], mine)
    return np.stack(tables)


def rounded(tables: FloatArray) -> npt.NDArray[np.int8]:
    """Tables as the format has them."""
    return np.clip(np.rint(tables * (1 << SCALE_BITS)), -127, 127).astype(np.int8)


if __name__ == "__main__":
    pictures = pictures_in(Path(sys.argv[1]))
    initial = Tables.load(Path(__file__).with_name("tables.npz"))
    groups = collect(pictures, initial)
    four, eight, more = (rounded(solve(mine, g + CELL_LOG)) for g, mine in enumerate(groups))
    np.savez_compressed(TABLE, four=four, eight=eight, more=more)
