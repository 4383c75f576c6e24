"""Palette blocks of many pictures over their pixels, in one launch on a GPU: see `palette`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...compiled import compiled
from ...parallel.kernels import constants, launch, together
from ...parallel.threads import in_threads
from ...picture import color
from ..format.palette import BLOCK, BLOCK_LOG, MARGIN, MOST_COLOURS, Palette
from ..format.stream import TileSet
from ..format.syntax import FRACTION_BITS

_THREADS = 64
_FIELDS = 4

_SOURCE = (
    constants({"BLOCK_LOG": BLOCK_LOG, "MOST_COLOURS": MOST_COLOURS, "FIELDS": _FIELDS})
    + r"""
/* A block of threads a palette block. blocks: (n, FIELDS), its row and column, the picture, and
   where its colours are; indices: (n, BLOCK, BLOCK); colours: (palettes, MOST_COLOURS, channels);
   pixels: (pictures, height, width, channels). */
extern "C" __global__ void paint_blocks(
    const int *blocks, const unsigned char *indices, const unsigned char *colours,
    unsigned char *pixels, int channels, int height, int width, int scale
) {
    const int *block = blocks + (word)blockIdx.x * FIELDS, side = scale << BLOCK_LOG;
    const unsigned char *mine = indices + ((word)blockIdx.x << 2 * BLOCK_LOG);
    const unsigned char *its = colours + (word)block[3] * MOST_COLOURS * channels;
    for (int at = (int)threadIdx.x; at < side * side; at += (int)blockDim.x) {
        const int down = at / side, across = at % side;
        const int y = block[0] * side + down, x = block[1] * side + across;
        if (y >= height || x >= width) continue;
        const int index = mine[((down / scale) << BLOCK_LOG) + across / scale];
        unsigned char *out = pixels + (((word)block[2] * height + y) * width + x) * channels;
        for (int c = 0; c < channels; c++) out[c] = its[index * channels + c];
    }
}
"""
)


@compiled
def _list(blocks, indices, height, width, picture, slot, table, chosen):  # type: ignore[no-untyped-def]
    """List palette blocks and the indices of their pixels; return how many there are."""
    count = np.int64(0)
    for y in range(len(blocks) - 2):
        for x in range(blocks.shape[1] - 2):
            if not blocks[y + 1, x + 1]:
                continue
            table[count, 0], table[count, 1], table[count, 2], table[count, 3] = y, x, picture, slot
            for down in range(min(BLOCK, height - y * BLOCK)):
                row = indices[MARGIN + y * BLOCK + down]
                for across in range(min(BLOCK, width - x * BLOCK)):
                    chosen[count, down, across] = row[MARGIN + x * BLOCK + across]
            count += 1
    return count


def _listed(
    given: tuple[int, int, TileSet, Palette],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Blocks, indices, and colours as pixels, of one picture."""
    slot, picture, tiles, palette = given
    most = palette.blocks.size
    table = np.empty((most, _FIELDS), np.int32)
    chosen = np.empty((most, BLOCK, BLOCK), np.uint8)
    size = tiles.geometry.height, tiles.geometry.width
    count = _list(palette.blocks, palette.indices, *size, picture, slot, table, chosen)
    components = list((palette.colours.astype(np.int32) << FRACTION_BITS).T[:, None])
    colours = np.zeros((MOST_COLOURS, len(components)), np.uint8)
    colours[: len(palette.colours)] = color.to_pixels(np, components, FRACTION_BITS)[0]
    return table[:count], chosen[:count], colours


def paint(xp: Any, pixels: Any, tiles: Sequence[TileSet | None], scale: int = 1) -> None:
    """Put palette blocks over the pixels of their pictures, in place.

    Parameters
    ----------
    xp : module
        One that has kernels.
    pixels : (n, H, W, C) uint8
    tiles : sequence of TileSet or None
        Of each picture.
    scale : int
        How many pixels a side stand for one of the file's.
    """
    given: list[tuple[int, int, TileSet, Palette]] = []
    for picture, one in enumerate(tiles):
        if one is not None and one.palette is not None:
            given.append((len(given), picture, one, one.palette))
    if not given:
        return
    found = in_threads(_listed, given)
    parts = [np.concatenate(one) for one in zip(*found, strict=True)]
    _, height, width, channels = pixels.shape
    launch(
        xp, _SOURCE, "paint_blocks", (len(parts[0]),), (_THREADS,),
        *together(xp, parts), pixels, channels, height, width, scale,
    )  # fmt: skip
