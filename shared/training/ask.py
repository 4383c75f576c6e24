"""Asking a trained network about a picture, from an encoder."""

from __future__ import annotations

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
    return ask_importance(network, image, limit or image.shape[0] * image.shape[1] // 40)


def ask_importance(network: ImportanceNetwork, image: Image, limit: int) -> Importance:
    """Ask what counts in a picture that gets `limit` bytes.

    Parameters
    ----------
    network : ImportanceNetwork
    image : (H, W, C) uint8
    limit : int

    Returns
    -------
    Importance
        Of large pictures block by block, so that memory is bounded.
    """
    height, width = image.shape[:2]
    bpp = bits_a_pixel(image, limit)
    shape = (ROLES, OCTAVES, -(-height // GRID), -(-width // GRID))
    out: npt.NDArray[np.float32] = np.zeros(shape, np.float32)
    for top in range(0, height, _BLOCK):
        for left in range(0, width, _BLOCK):
            y, x = max(top - _MARGIN, 0), max(left - _MARGIN, 0)
            part = image[y : top + _BLOCK + _MARGIN, x : left + _BLOCK + _MARGIN]
            with torch.inference_mode():
                found = network.importance(as_pictures(part), bpp)[0].numpy()
            rows = min(_BLOCK // GRID, shape[2] - top // GRID)
            columns = min(_BLOCK // GRID, shape[3] - left // GRID)
            r, c = (top - y) // GRID, (left - x) // GRID
            out[:, :, top // GRID :, left // GRID :][:, :, :rows, :columns] = found[
                :, :, r : r + rows, c : c + columns
            ]
    return Importance(out)
