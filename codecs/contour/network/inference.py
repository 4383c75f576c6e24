"""Asking the trained network about a picture, from the encoder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ....shared.codec import Geometry
from ....shared.network.contract import trained_network
from ....shared.network.inference import bits_a_pixel, blocks_of
from ..analysis.guided_pursuit import Proposed
from ..analysis.pursuit import scales_of
from ..format.layout import COMP, FIELDS, LEFT, SCALE, TOP
from .model import BITS_EACH, ContourNetwork, smooth_ground
from .slots import Windows, to_layers

MARGIN = 3.5
"""Windows that are measured, in times of what may fit."""
_LEAST = 256


def ask(planes: list[npt.NDArray[np.float32]], limit: int) -> Proposed:
    """Ask what windows a picture wants that gets `limit` bytes.

    Parameters
    ----------
    planes : list of (H, W) float32
        Components; alpha is asked about as if it were a grey picture of its own.
    limit : int
    """
    network = trained_network("contour")
    assert isinstance(network, ContourNetwork)
    height, width = planes[0].shape
    bpp = bits_a_pixel(limit, height, width)
    most = max(int(MARGIN * 8 * limit / BITS_EACH), _LEAST)
    parts, count = [], 0
    coloured = len(planes) >= 3
    groups = [(0, 1, 2), (3,)] if coloured else [(0,), (1,)]
    for group in groups:
        if group[0] >= len(planes):
            continue
        mine = torch.from_numpy(np.stack([planes[comp] for comp in group]))
        rest = mine - smooth_ground(mine)
        # Where the base leaves nothing there is nothing to say (opaque alpha, blank pictures).
        if float(rest.abs().max()) < 1.0:
            continue
        if len(group) == 1:
            rest = torch.cat([rest, torch.zeros_like(rest), torch.zeros_like(rest)])
        layers, confidence, said = _layers(network, rest, bpp, most)
        if len(group) == 1:
            kept = layers[:, COMP] == 0
            layers, confidence = layers[kept], confidence[kept]
            layers[:, COMP] = group[0]
        parts.append((layers, confidence))
        count += said
    if not parts:
        return Proposed(np.zeros((0, FIELDS), np.int32), np.zeros(0, np.float32), 0)
    layers, confidence = (np.concatenate(values) for values in zip(*parts, strict=True))
    return Proposed(layers, confidence, count)


def _layers(
    network: ContourNetwork, rest: Tensor, bpp: Tensor, most: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], int]:
    """Ask block by block; return the outlines that it is surest of, and how many there were."""
    layers, confidence, count = [], [], 0
    height, width = rest.shape[1:]
    largest = scales_of(Geometry(height, width, 1), 0)[-1] + 1
    for block in blocks_of(height, width):
        y, x = block.rows.start, block.columns.start
        with torch.inference_mode():
            windows = network.windows(rest[None, :, block.rows, block.columns], bpp)
            at_y, at_x = windows.y + y, windows.x + x
            inside = (at_y >= block.top) & (at_y < block.bottom)
            inside &= (at_x >= block.left) & (at_x < block.right)
            inside = inside.nonzero()[:, 0]
            chosen = _surest(windows, inside, most)
        count += len(inside)
        found = to_layers(windows.at(chosen))
        found[:, SCALE] = np.minimum(found[:, SCALE], largest)
        found[:, TOP] += 16 * y
        found[:, LEFT] += 16 * x
        layers.append(found)
        confidence.append(windows.confidence[chosen].numpy())
    return np.concatenate(layers), np.concatenate(confidence), count


def _surest(windows: Windows, inside: Tensor, most: int) -> Tensor:
    confidence = windows.confidence[inside]
    return inside[confidence.topk(min(most, len(confidence))).indices]
