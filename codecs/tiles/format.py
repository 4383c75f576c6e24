"""Header and packets of the tiles format: integers to bytes and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ...shared import entropy, tiles
from ...shared.codec import Geometry
from ...shared.tiles.format.packets import HEADER, parse_header, whole_header
from ...shared.tiles.format.stream import Coder, TileSet, component_steps


@dataclass(frozen=True)
class Symbols:
    """Everything that the decoder knows, integers.

    Parameters
    ----------
    tiles : TileSet
    known : (n,) bool
        Leaves whose levels arrived.
    postfilter : int
        0 for none, else one more than the set of Wiener filters.
    bits : dict
        Bits of the payload by kind.
    """

    tiles: TileSet
    known: npt.NDArray[np.bool_]
    postfilter: int
    bits: dict[str, float]


@cache
def initial_tables() -> entropy.Tables:
    """Trained initial states, part of the format (``shared/tiles/tables.npz``)."""
    return entropy.Tables.load(files(tiles).joinpath("tables.npz"))


def read(geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Symbols:
    """Parse packets, see `shared.codec.Codec.read`."""
    data = whole_header(b"".join(packets), HEADER, "tiles", complete=complete)
    step, chroma, postfilter, _ = parse_header(data, "tiles")
    coder = Coder(initial_tables(), data=data[HEADER:], complete=complete)
    found = TileSet.blank(geometry, component_steps(step, chroma, geometry.channels))
    coder.partition(found)
    order = found.order()
    done, _, _ = coder.details(found, order)
    entropy.check_ended(coder.state)
    known = np.zeros(len(found.leaves), np.bool_)
    known[order[:done]] = True
    return Symbols(found, known, postfilter, {**coder.shares(), "parameters": 8.0 * HEADER})
