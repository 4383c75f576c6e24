"""What every layer of a picture is worth, for ranking and cutting. Encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....shared.codec import Geometry
from ..format.layout import BUCKET, COMP, FINE, FIRST, SCALE
from ..format.point_sets import arrange
from ..format.stream import Ground, initial_tables, most_area
from ..format.syntax import footprint
from ..synthesis.reconstruction import render_ground
from .prices import layer_prices
from .pursuit import in_steps, pyramid_of, ratios_of
from .windows import matching

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Worths:
    """What layers are worth, all float64 of shape (n,).

    Parameters
    ----------
    contrast : ndarray
        Peak amplitude, code values.
    area : ndarray
        Pixels.
    gain : ndarray
        Squared error that each removes from the picture as it is, in squared steps.
    bits : ndarray
        About.
    """

    contrast: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    bits: npt.NDArray[np.float64]


def worths(planes: list[FloatArray], ground: Ground) -> Worths:
    """Judge every layer of a picture, the others as they are."""
    shown = render_ground(np, ground)
    off = [p - s.astype(np.float32) / np.float32(64) for p, s in zip(planes, shown, strict=True)]
    pyramid = pyramid_of(in_steps(off, ground.steps))
    layers, count = ground.layers, len(ground.layers)
    gain: npt.NDArray[np.float64] = np.zeros(count)
    bits: npt.NDArray[np.float64] = np.zeros(count)
    prices = layer_prices(initial_tables(), ground.geometry.height, ground.geometry.width)
    ratios = ratios_of(ground.steps)
    matching.judge(pyramid, layers, ratios, prices, gain, bits, matching.scratch())
    sizes = 2.0 ** ((FIRST * 8 - layers[:, BUCKET] * 8 - layers[:, FINE]) / 16.0)
    steps = ground.steps[layers[:, COMP]] / 65536.0
    area = np.pi * 2.0 ** (3.0 + layers[:, SCALE].astype(np.float64))
    contrast = (sizes * steps).astype(np.float64)
    return Worths(contrast, area, gain, np.maximum(bits, 1.0))


def grounded(
    planes: list[FloatArray],
    steps: npt.NDArray[np.int64],
    base_code: int,
    base: npt.NDArray[np.int32],
    layers: npt.NDArray[np.int32],
) -> Ground:
    """Put base and layers together as a file holds them: in its order, and within its bounds."""
    height, width = planes[0].shape
    order = arrange(layers, height, width)
    geometry = Geometry(height, width, len(planes))
    return bounded(planes, Ground(geometry, steps, base_code, base, layers[order]))


def bounded(planes: list[FloatArray], ground: Ground) -> Ground:
    """Leave out layers where all together cover more than a file may ask of a decoder.

    Only pictures that are smooth all over come near it: wide windows overlap there by the hundred.
    Those go first that remove the least error for the pixels they cover.
    """
    geometry, layers = ground.geometry, ground.layers
    areas = np.array([footprint(layer, geometry.height, geometry.width) for layer in layers])
    if areas.sum() <= most_area(geometry):
        return ground
    gain = worths(planes, ground).gain
    order = np.argsort(-gain / areas, kind="stable")
    keep = np.zeros(len(layers), np.bool_)
    keep[order[np.cumsum(areas[order]) <= most_area(geometry)]] = True
    return Ground(geometry, ground.steps, ground.base_code, ground.base, layers[keep])
