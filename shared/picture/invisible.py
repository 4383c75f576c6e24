"""Colours under zero alpha: nobody sees them, so they are replaced by what costs least.

Drawing programs leave noise and the remains of what was erased there. Encoders get a smooth
continuation of the visible colours instead: a pyramid of averages over what is visible, from whose
coarse levels the holes of the finer ones are filled and smoothed (push and pull).

References
----------
S. J. Gortler, R. Grzeszczuk, R. Szeliski, M. F. Cohen, "The Lumigraph", SIGGRAPH 1996, section 3.4
(push-pull); doi:10.1145/237170.237200.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .raster import Image

_NEUTRAL = 128
"""Grey that a picture gets of which nothing is visible; codecs code it as zero."""
_PASSES = 2
Plane = npt.NDArray[np.float32]


def _hidden(image: Image) -> npt.NDArray[np.bool_] | None:
    """Where nothing is visible, (H, W); None if that is nowhere."""
    if image.ndim < 3 or image.shape[2] not in (2, 4) or image[..., -1].all():
        return None
    found: npt.NDArray[np.bool_] = image[..., -1] == 0
    return found


def without_invisible(image: Image) -> Image:
    """Replace the colours of invisible pixels by a smooth continuation of the visible ones.

    Parameters
    ----------
    image : (H, W) or (H, W, C) uint8
        With alpha last if C is 2 or 4.

    Returns
    -------
    ndarray
        The image itself if every pixel is visible, else a copy.
    """
    hidden = _hidden(image)
    if hidden is None:
        return image
    out = image.copy()
    weight = (~hidden).astype(np.float32)
    for channel in range(image.shape[2] - 1):
        plane = image[..., channel].astype(np.float32)
        plane[hidden] = 0
        found = _filled(plane, weight) if not hidden.all() else np.float32(_NEUTRAL)
        np.copyto(out[..., channel], np.clip(np.rint(found), 0, 255).astype(np.uint8), where=hidden)
    return out


def as_seen(reference: Image, shown: Image) -> tuple[Image, Image]:
    """Bring two pictures to equal colours where `reference` is invisible, to judge the rest.

    Parameters
    ----------
    reference, shown : (H, W) or (H, W, C) uint8
        Of one shape.
    """
    hidden = _hidden(reference)
    if hidden is None or shown.shape != reference.shape:
        return reference, shown
    reference, shown = without_invisible(reference), shown.copy()
    shown[hidden, :-1] = reference[hidden, :-1]
    return reference, shown


def _halved(plane: Plane) -> Plane:
    """Sum blocks of 2 x 2; beyond an odd edge there is nothing."""
    height, width = (side + side % 2 for side in plane.shape)
    if plane.shape != (height, width):
        plane = np.pad(plane, ((0, height - plane.shape[0]), (0, width - plane.shape[1])))
    rows = plane[0::2] + plane[1::2]
    found: Plane = rows[:, 0::2] + rows[:, 1::2]
    return found


def _doubled(plane: Plane, side: int) -> Plane:
    """Interpolate the first axis to `side` samples, twice as dense."""
    padded = np.concatenate([plane[:1], plane, plane[-1:]])
    out = np.empty((2 * len(plane), *plane.shape[1:]), np.float32)
    out[0::2] = 0.75 * plane + 0.25 * padded[:-2]
    out[1::2] = 0.75 * plane + 0.25 * padded[2:]
    return out[:side]


def _smoothed(plane: Plane) -> Plane:
    """Mean of the four neighbours, edges repeated."""
    near = np.pad(plane, 1, mode="edge")
    total = near[:-2, 1:-1] + near[2:, 1:-1]
    total += near[1:-1, :-2]
    total += near[1:-1, 2:]
    total *= 0.25
    found: Plane = total
    return found


def _filled(sums: Plane, weight: Plane) -> Plane:
    """Means where `weight` is positive, and a smooth surface between them elsewhere."""
    known = weight > 0
    means = np.divide(sums, weight, out=np.zeros_like(sums), where=known)
    if known.all():
        return means
    coarse = _filled(_halved(sums), _halved(weight))
    guess = _doubled(coarse, sums.shape[0])
    guess = np.ascontiguousarray(_doubled(guess.T, sums.shape[1]).T)
    np.copyto(guess, means, where=known)
    for _ in range(_PASSES):
        np.copyto(guess, _smoothed(guess), where=~known)
    return guess
