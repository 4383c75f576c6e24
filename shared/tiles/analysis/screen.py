"""The colours of a picture that looks drawn by a machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...codec import Image
from ...picture import color

_LEAST_RUNS = 0.2
"""Share of pixels that must be exactly like the one at their left for a search to be made."""


@dataclass(frozen=True)
class Screen:
    """A picture of few colours.

    Parameters
    ----------
    colours : (n, C) float32
        Distinct colours as components, code values; the most frequent first.
    counts : (n,) int64
    place : (H, W) int32
        Colour of each pixel.
    """

    colours: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int64]
    place: npt.NDArray[np.int32]


def screen_of(image: Image) -> Screen | None:
    """Count the colours of a picture; None if it does not look drawn by a machine.

    Parameters
    ----------
    image : (H, W, C) uint8
    """
    if image.shape[1] < 2:
        return None
    if np.all(image == image[:1, :1]):
        return None
    runs = np.all(image[:, 1:] == image[:, :-1], axis=2).mean()
    if runs < _LEAST_RUNS:
        return None
    wide = np.zeros((*image.shape[:2], 4), np.uint8)
    wide[..., : image.shape[2]] = image
    packed = wide.view(np.uint32)[..., 0]
    _, first, place, counts = np.unique(
        packed, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    colours = image.reshape(-1, image.shape[2])[first[order]]
    components = np.stack(color.to_components(colours[None]), axis=-1)[0]
    return Screen(components, counts[order], rank[place].reshape(packed.shape).astype(np.int32))
