"""Asking a trained network about a picture, from an encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..codec import Image
from ..error.importance import GRID, OCTAVES, ROLES, Importance
from ..picture.raster import as_colour
from .contract import trained_network
from .importance import ImportanceNetwork

LOW, HIGH = 0.02, 1.0
"""Budgets that networks are trained for, bits a pixel; beyond them the nearest is meant."""
_BLOCK, _MARGIN = 1024, 64
"""Pixels a side that are asked about at once, and around them; they bound the memory."""


def as_pictures(image: Image) -> torch.Tensor:
    """Turn (H, W, C) uint8 into (1, 3, H, W) float32; alpha is left out, grey repeated."""
    wide = as_colour(image).transpose(2, 0, 1)[None]
    return torch.from_numpy(np.ascontiguousarray(wide, np.float32))


def bits_a_pixel(limit: int, height: int, width: int) -> torch.Tensor:
    """Return the budget of a file of `limit` bytes as networks take it, (1,)."""
    return torch.tensor([min(max(8.0 * limit / (height * width), LOW), HIGH)])


@dataclass(frozen=True)
class Block:
    """What is asked about at once: pixels from `top` and `left` on, and some around them.

    Parameters
    ----------
    top, left, bottom, right : int
        Pixels whose answer counts.
    rows, columns : slice
        Pixels that are shown.
    """

    top: int
    left: int
    bottom: int
    right: int
    rows: slice
    columns: slice


def blocks_of(height: int, width: int) -> Iterator[Block]:
    """Divide a picture so that memory is bounded, row by row."""
    for top in range(0, height, _BLOCK):
        for left in range(0, width, _BLOCK):
            yield Block(
                top,
                left,
                min(top + _BLOCK, height),
                min(left + _BLOCK, width),
                slice(max(top - _MARGIN, 0), min(top + _BLOCK + _MARGIN, height)),
                slice(max(left - _MARGIN, 0), min(left + _BLOCK + _MARGIN, width)),
            )


def importance_for(codec: str, image: Image, limit: int | None) -> Importance:
    """Ask the shipped network of a codec, see `ask_importance`."""
    network = trained_network(codec)
    assert isinstance(network, ImportanceNetwork)
    return ask_importance(network, image, limit)


def ask_importance(network: ImportanceNetwork, image: Image, limit: int | None) -> Importance:
    """Ask what counts in a picture (H, W, C) that gets `limit` bytes."""

    def look(pictures: torch.Tensor, bpp: torch.Tensor) -> list[torch.Tensor]:
        return [network.importance(pictures, bpp).flatten(1, 2)]

    (found,) = look_around(image, limit, look, [GRID])
    return Importance(found.reshape(ROLES, OCTAVES, *found.shape[1:]))


def look_around(
    image: Image,
    limit: int | None,
    look: Callable[[torch.Tensor, torch.Tensor], list[torch.Tensor]],
    strides: Sequence[int],
) -> list[npt.NDArray[np.float32]]:
    """Ask a network about a picture; about large ones block by block, so that memory is bounded.

    Parameters
    ----------
    image : (H, W, C) uint8
    limit : int, optional
        Bytes of the file.
    look : callable
        Takes (1, 3, h, w) pictures and (1,) bits a pixel, gives (1, C, rows, columns) tensors.
    strides : sequence of int
        Pixels from one row or column to the next, for each of them; powers of two up to 64.

    Returns
    -------
    list of (C, ceil(H / stride), ceil(W / stride)) float32
    """
    height, width = image.shape[:2]
    bpp = bits_a_pixel(limit or height * width // 40, height, width)
    out: list[npt.NDArray[np.float32]] = []
    for block in blocks_of(height, width):
        part = image[block.rows, block.columns]
        with torch.inference_mode():
            found = [planes[0].numpy() for planes in look(as_pictures(part), bpp)]
        if not out:
            out = [
                np.zeros((len(planes), -(-height // stride), -(-width // stride)), np.float32)
                for planes, stride in zip(found, strides, strict=True)
            ]
        for whole, planes, stride in zip(out, found, strides, strict=True):
            room = whole[:, block.top // stride :, block.left // stride :]
            room = room[:, : _BLOCK // stride, : _BLOCK // stride]
            rows, columns = room.shape[1:]
            r = (block.top - block.rows.start) // stride
            c = (block.left - block.columns.start) // stride
            room[:] = planes[:, r : r + rows, c : c + columns]
    return out
