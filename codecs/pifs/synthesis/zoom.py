"""Fractal zoom: the same integers rendered two or four times as large.

A cosine is known between the pixels, and a map says how a leaf of any size is made of a domain
twice as large: the pyramid simply goes on below one pixel. What appears there is **invented**:
plausible structure that follows from the maps, not detail that the original had.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.tiles.format.stream import TileSet, padded
from ....shared.tiles.format.syntax import (
    COMP,
    GRADE,
    LEFT,
    LOG,
    MEAN,
    START,
    TOP,
)
from ....shared.tiles.format.turns import SCALE_BITS
from ....shared.tiles.synthesis.dct import TABLE_BITS
from ....shared.tiles.synthesis.reconstruction import LIMIT, SHIFT
from ....shared.tiles.synthesis.turning import turned_back

# round(2**14 * cos(m * pi / 512)), m = 0 .. 256.
_COSINES = (
    *(16384, 16384, 16383, 16381, 16379, 16376, 16373, 16369, 16364, 16359, 16353, 16347, 16340),
    *(16332, 16324, 16315, 16305, 16295, 16284, 16273, 16261, 16248, 16235, 16221, 16207, 16192),
    *(16176, 16160, 16143, 16125, 16107, 16088, 16069, 16049, 16029, 16008, 15986, 15964, 15941),
    *(15917, 15893, 15868, 15843, 15817, 15791, 15763, 15736, 15707, 15679, 15649, 15619, 15588),
    *(15557, 15525, 15493, 15460, 15426, 15392, 15357, 15322, 15286, 15250, 15213, 15175, 15137),
    *(15098, 15059, 15019, 14978, 14937, 14896, 14854, 14811, 14768, 14724, 14680, 14635, 14589),
    *(14543, 14497, 14449, 14402, 14354, 14305, 14256, 14206, 14155, 14104, 14053, 14001, 13949),
    *(13896, 13842, 13788, 13733, 13678, 13623, 13567, 13510, 13453, 13395, 13337, 13279, 13219),
    *(13160, 13100, 13039, 12978, 12916, 12854, 12792, 12729, 12665, 12601, 12537, 12472, 12406),
    *(12340, 12274, 12207, 12140, 12072, 12004, 11935, 11866, 11797, 11727, 11656, 11585, 11514),
    *(11442, 11370, 11297, 11224, 11151, 11077, 11003, 10928, 10853, 10778, 10702, 10625, 10549),
    *(10471, 10394, 10316, 10238, 10159, 10080, 10001, 9921, 9841, 9760, 9679, 9598, 9516, 9434),
    *(9352, 9269, 9186, 9102, 9019, 8935, 8850, 8765, 8680, 8595, 8509, 8423, 8337, 8250, 8163),
    *(8076, 7988, 7900, 7812, 7723, 7635, 7545, 7456, 7366, 7276, 7186, 7096, 7005, 6914, 6823),
    *(6731, 6639, 6547, 6455, 6363, 6270, 6177, 6084, 5990, 5897, 5803, 5708, 5614, 5520, 5425),
    *(5330, 5235, 5139, 5044, 4948, 4852, 4756, 4660, 4563, 4467, 4370, 4273, 4176, 4078, 3981),
    *(3883, 3786, 3688, 3590, 3492, 3393, 3295, 3196, 3098, 2999, 2900, 2801, 2702, 2603, 2503),
    *(2404, 2305, 2205, 2105, 2006, 1906, 1806, 1706, 1606, 1506, 1406, 1306, 1205, 1105, 1005),
    *(904, 804, 704, 603, 503, 402, 302, 201, 101, 0),
)
_FLAT = 11585  # 2**14 / sqrt(2)
_CHUNK = 1 << 22
"""Samples rendered at once."""
SCALES = {1: 0, 2: 1, 4: 2}
"""Binary logarithms of the scales that there are."""


def _cosine(m: int) -> int:
    m %= 1024
    m = min(m, 1024 - m)
    return _COSINES[m] if m <= 256 else -_COSINES[512 - m]


def basis(log: int, zoom: int) -> npt.NDArray[np.int64]:
    """Cosines of a tile of side ``2 ** log`` at ``2 ** (log + zoom)`` places, (side, places)."""
    side, places = 1 << log, 1 << (log + zoom)
    unit = 256 >> (log + zoom)
    rows = [[_cosine((2 * n + 1) * k * unit) for n in range(places)] for k in range(1, side)]
    return np.array([[_FLAT] * places, *rows], np.int64)


def render(xp: Any, tiles: TileSet, known: npt.NDArray[np.bool_], zoom: int) -> Any:
    """Render tiles ``2 ** zoom`` times as large, without maps and deblocking.

    Returns
    -------
    (C, H' << zoom, W' << zoom) int32
        As `shared.tiles.synthesis.reconstruction.render`, which this equals where `zoom` is 0.
    """
    geometry = tiles.geometry
    height, width = padded(geometry.height) << zoom, padded(geometry.width) << zoom
    out = xp.zeros((geometry.channels, height, width), xp.int32)
    turned, _ = turned_back(tiles)
    for comp in range(geometry.channels):
        levels, step = xp.asarray(turned[comp]), int(tiles.steps[comp])
        for log in range(2, 7):
            mine = np.nonzero((tiles.leaves[:, COMP] == comp) & (tiles.leaves[:, LOG] == log))[0]
            table = xp.asarray(basis(log, zoom))
            side, places = 1 << log, 1 << (log + zoom)
            count = max(_CHUNK >> 2 * (log + zoom), 1)
            for first in range(0, len(mine), count):
                some = mine[first : first + count]
                leaves = xp.asarray(tiles.leaves[some]).astype(xp.int64)
                at = leaves[:, START, None] + xp.arange(side * side)[None, :]
                blocks = levels[at].astype(xp.int64)
                blocks[:, 0] = leaves[:, MEAN] << SCALE_BITS
                blocks = (blocks * step + (1 << (SHIFT - 1))) >> SHIFT
                blocks = xp.clip(blocks, -LIMIT, LIMIT).reshape(-1, side, side)
                columns = xp.matmul(table.T, blocks)
                columns = (columns + (1 << (TABLE_BITS - 1))) >> TABLE_BITS
                shift = TABLE_BITS + log - 1
                samples = (xp.matmul(columns, table) + (1 << (shift - 1))) >> shift
                flat = (leaves[:, MEAN] * step + (1 << (log + 9))) >> (log + 10)
                flat = xp.clip(flat, -(1 << 20), 1 << 20)
                detailed = xp.asarray(known[some]) & (leaves[:, GRADE] > 0)
                samples = xp.where(detailed[:, None, None], samples, flat[:, None, None])
                y = (leaves[:, TOP, None, None] << zoom) + xp.arange(places)[None, :, None]
                x = (leaves[:, LEFT, None, None] << zoom) + xp.arange(places)[None, None, :]
                out[comp, y, x] = samples.astype(xp.int32)
    return out


def enlarged(
    tiles: TileSet, maps: npt.NDArray[np.int32], zoom: int
) -> tuple[TileSet, npt.NDArray[np.int32]]:
    """Leaves and maps ``2 ** zoom`` times as large, for attractor and deblocking."""
    leaves, maps = tiles.leaves.copy(), maps.copy()
    leaves[:, [TOP, LEFT]] <<= zoom
    leaves[:, LOG] += zoom
    maps[:, 1:] <<= zoom

    def repeated(cells: npt.NDArray[Any], margin: int) -> npt.NDArray[Any]:
        inside = cells[:, 1:-1, 1:-1].repeat(1 << zoom, 1).repeat(1 << zoom, 2)
        return np.pad(inside, ((0, 0), (1, 1), (1, 1)), constant_values=margin)

    logs = repeated(tiles.logs, 0) + np.int8(zoom)
    return replace(tiles, leaves=leaves, logs=logs, owner=repeated(tiles.owner, -1)), maps
