"""Header and packets of the pifs format: integers to bytes and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared.codec import Geometry
from ....shared.errors import BitstreamError
from ....shared.tiles.format.packets import HEADER, parse_header, whole_header
from ....shared.tiles.format.stream import (
    NO_PRICES,
    Coder,
    TileSet,
    capacity,
    component_steps,
)
from .maps import code_maps

PURE = 1
"""Flag: leaves are a constant and a map, nothing else."""
SECOND = 2
"""Flag that is always set: it told version 2 from version 1, which is no longer read."""
_NO_MAP = 9


@dataclass(frozen=True)
class Symbols:
    """Everything that the decoder knows, integers.

    Parameters
    ----------
    tiles : TileSet
    known : (n,) bool
        Leaves whose levels arrived.
    maps : (n, 3) int32
        Scale in quarters (0: no map), top and left of the domain.
    postfilter : int
        0 for none, else one more than the set of Wiener filters.
    bits : dict
        Bits of the payload by kind.
    """

    tiles: TileSet
    known: npt.NDArray[np.bool_]
    maps: npt.NDArray[np.int32]
    postfilter: int
    bits: dict[str, float]


@dataclass
class Written:
    """What writing gives; see `shared.tiles.analysis.encoder.Written` for the fields not listed.

    Parameters
    ----------
    map_bits : (n,) float64
        Bits of each leaf's map.
    marks : (k,) int64
        Coder shifts after each map and after the levels of each leaf.
    """

    coder: Coder
    prices: npt.NDArray[np.float32]
    spent: npt.NDArray[np.float64]
    map_bits: npt.NDArray[np.float64]
    first: int
    marks: npt.NDArray[np.int64]


@cache
def initial_tables(*, pure: bool) -> entropy.Tables:
    """Trained initial states, part of the format: ``tables.npz``, ``pure.npz`` if `pure`."""
    name = "pure.npz" if pure else "tables.npz"
    return entropy.Tables.load(files(__package__.rpartition(".")[0]).joinpath(name))


def smallest_mapped(components: int, *, pure: bool) -> npt.NDArray[np.int64]:
    """Logarithm of the smallest leaf that may have a map, by component.

    In the full profile only luma and grey have maps, of 8 pixels up; in the pure one all
    components, of 4 pixels up.
    """
    out = np.full(components, 2 if pure else _NO_MAP, np.int64)
    if not pure:
        out[0] = 3
    return out


def _maps(
    coder: Coder, tiles: TileSet, maps: npt.NDArray[np.int32], *, pure: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Code the maps; return the shifts after each leaf and its bits."""
    marks, spent = np.zeros(len(maps), np.int64), np.zeros(len(maps))
    geometry = tiles.geometry
    smallest = smallest_mapped(geometry.channels, pure=pure)
    size = geometry.height, geometry.width
    code_maps(coder.state, *size, tiles.leaves, maps, tiles.owner, smallest, marks, spent)
    return marks, spent


def write(
    tables: entropy.Tables,
    tiles: TileSet,
    maps: npt.NDArray[np.int32],
    *,
    pure: bool,
    priced: bool = False,
    counted: bool = False,
) -> Written:
    """Write tiles whose maps of cells are still empty, and their fractal maps."""
    coder = Coder(tables, capacity=capacity(tiles.geometry), counted=counted, priced=priced)
    rows = coder.partition(tiles, plain=pure)
    after_maps, map_bits = _maps(coder, tiles, maps.copy(), pure=pure)
    prices = np.zeros(tiles.levels.shape, np.float32) if priced else NO_PRICES
    _, spent, after = coder.details(tiles, tiles.order(), prices)
    marks = np.concatenate([after_maps, after[:-1]])
    return Written(coder, prices, spent, map_bits, int(rows[-1]), marks)


def read(geometry: Geometry, packets: Sequence[bytes], *, complete: bool, pure: bool) -> Symbols:
    """Parse packets, see `shared.codec.Codec.read`."""
    data = whole_header(b"".join(packets), HEADER, "pifs", complete=complete)
    step, chroma, postfilter, flags = parse_header(data, "pifs", PURE | SECOND)
    if complete and flags != (SECOND | PURE if pure else SECOND):
        message = "the pifs data is of another profile than the file says; the file is damaged"
        raise BitstreamError(message)
    coder = Coder(initial_tables(pure=pure), data=data[HEADER:], complete=complete)
    tiles = TileSet.blank(geometry, component_steps(step, chroma, geometry.channels))
    coder.partition(tiles, plain=pure)
    maps = np.zeros((len(tiles.leaves), 3), np.int32)
    _maps(coder, tiles, maps, pure=pure)
    order = tiles.order()
    done, _, _ = coder.details(tiles, order)
    entropy.check_ended(coder.state)
    known = np.zeros(len(tiles.leaves), np.bool_)
    known[order[:done]] = True
    shares = {**coder.shares(), "parameters": 8.0 * HEADER}
    return Symbols(tiles, known, maps, postfilter, shares)
