"""Asking a trained network about a picture, from an encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..codec import Image
from ..importance import GRID, OCTAVES, ROLES, Importance
from .importance import ImportanceNetwork
from .network import trained_network

LOW, HIGH = 0.02, 1.0
"""Budgets that networks are trained for, bits a pixel; beyond them the nearest is meant."""
_BLOCK, _MARGIN = 1024, 64
"""Pixels a side that are asked about at once, and around them; they bound the memory."""


def as_pictures(image: Image) -> torch.Tensor:
    """Turn (H, W, C) uint8 into (1, 3, H, W) float32; alpha is left out, grey repeated."""
    colour = image[:, :, : image.shape[2] - (image.shape[2] in (2, 4))]
    wide = np.broadcast_to(colour, (*colour.shape[:2], 3)).transpose(2, 0, 1)[None]
    return torch.from_numpy(np.ascontiguousarray(wide, np.float32))


def bits_a_pixel(image: Image, limit: int) -> torch.Tensor:
    """Return the budget of a file of `limit` bytes as networks take it, (1,)."""
    bpp = 8.0 * limit / (image.shape[0] * image.shape[1])
    return torch.tensor([min(max(bpp, LOW), HIGH)])


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
    bpp = bits_a_pixel(image, limit or height * width // 40)
    out: list[npt.NDArray[np.float32]] = []
    for top in range(0, height, _BLOCK):
        for left in range(0, width, _BLOCK):
            y, x = max(top - _MARGIN, 0), max(left - _MARGIN, 0)
            part = image[y : top + _BLOCK + _MARGIN, x : left + _BLOCK + _MARGIN]
            with torch.inference_mode():
                found = [planes[0].numpy() for planes in look(as_pictures(part), bpp)]
            if not out:
                out = [
                    np.zeros((len(planes), -(-height // stride), -(-width // stride)), np.float32)
                    for planes, stride in zip(found, strides, strict=True)
                ]
            for whole, planes, stride in zip(out, found, strides, strict=True):
                room = whole[:, top // stride :, left // stride :]
                room = room[:, : _BLOCK // stride, : _BLOCK // stride]
                rows, columns = room.shape[1:]
                r, c = (top - y) // stride, (left - x) // stride
                room[:] = planes[:, r : r + rows, c : c + columns]
    return out
