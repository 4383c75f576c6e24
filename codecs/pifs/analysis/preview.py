"""What the decoder shows before deblocking, for the encoders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....shared.tiles.format.stream import TileSet
from ....shared.tiles.format.syntax import COMP, FRACTION_BITS
from ....shared.tiles.synthesis import reconstruction
from ..synthesis.pyramid import attract

FloatArray = npt.NDArray[np.float32]
UNIT = np.float32(1 << FRACTION_BITS)


def decode_planes(tiles: TileSet, maps: npt.NDArray[np.int32]) -> list[list[npt.NDArray[np.int32]]]:
    """Decode without deblocking: the pyramid of each component."""
    planes = reconstruction.render(np, tiles, np.ones(len(tiles.leaves), np.bool_))
    mapped = maps[:, 0] != 0
    out = []
    for comp in range(len(planes)):
        mine = mapped & (tiles.leaves[:, COMP] == comp)
        out.append(attract(np, planes[comp], tiles.leaves[mine], maps[mine]))
    return out


def seen(tiles: TileSet, maps: npt.NDArray[np.int32]) -> list[FloatArray]:
    """What `decode_planes` gives, code values."""
    return [pyramid[0].astype(np.float32) / UNIT for pyramid in decode_planes(tiles, maps)]
