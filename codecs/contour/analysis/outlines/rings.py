"""Closed contours: even regions of the residual, outlined by radii, then fitted. Encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from ...format.layout import (
    ANGLE,
    ANGLES,
    ASPECT,
    ASPECTS,
    BUCKET,
    COMP,
    CONTOUR,
    COUNT,
    FIELDS,
    KIND,
    LEFT,
    NODE,
    SCALE,
    SCALES,
    SOFTNESS,
    TOP,
)
from ..windows.correlation import NOTHING
from .climbing import descend
from .fills import color_masked, enrich, explained
from .masks import add_masked, appraise, masked_price, masked_room

FloatArray = npt.NDArray[np.float32]

_NODES = (6, 8, 12, 16)
_LEVELS = (4.0, 2.0, 1.0, 0.5)
"""Steps above or below which a region lies."""
_LEAST_AREA = 24
_ROUNDS = 2
"""Times that regions are looked for in what is left."""
_PAIRS = 8
_WORK = 120_000_000
"""Pixels looked at, at effort 5."""


def outline_of(region: npt.NDArray[np.bool_], top: int, left: int, nodes: int) -> Any:
    """Contour around the centroid of a region.

    Parameters
    ----------
    region : (h, w) bool
        The region in its box.
    top, left : int
        Place of the box.
    nodes : int

    Returns
    -------
    (FIELDS,) int32 or None
        None for a region that no radii describe.
    """
    y, x = np.nonzero(region)
    cy, cx = y.mean() + 0.5, x.mean() + 0.5
    yy, xx, xy = y.var() + 0.1, x.var() + 0.1, np.mean((y + 0.5 - cy) * (x + 0.5 - cx))
    spread = np.hypot((xx - yy) / 2, xy)
    # The axes of an even ellipse are twice the deviations along them.
    major = 2 * np.sqrt((xx + yy) / 2 + spread)
    minor = 2 * np.sqrt(max((xx + yy) / 2 - spread, 0.05))
    aspect = int(np.clip(np.rint(2 * np.log2(major / minor)), 0, ASPECTS - 1))
    scale = int(np.rint((4 * np.log2(np.sqrt(major * minor)) - 6) / 2))
    if not 0 <= scale < SCALES:
        return None
    layer = np.zeros(FIELDS, np.int32)
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    layer[KIND], layer[SCALE], layer[ASPECT], layer[COUNT] = CONTOUR, scale, aspect, nodes
    layer[ANGLE] = int(np.rint(turn * ANGLES / np.pi)) % ANGLES
    layer[TOP], layer[LEFT] = round((top + cy) * 16), round((left + cx) * 16)
    layer[BUCKET] = 12
    a = 2.0 ** ((6 + 2 * scale + aspect) / 4)
    b = 2.0 ** ((6 + 2 * scale - aspect) / 4)
    angle = np.pi * layer[ANGLE] / ANGLES
    c, s = np.cos(angle), np.sin(angle)
    # Rays from the centre, in fractions of the ellipse: how much of each lies inside.
    t = np.arange(1, 65) / 32.0
    fine = nodes * 4
    phi = 2 * np.pi * np.arange(fine) / fine
    u, v = a * np.cos(phi)[:, None] * t, b * np.sin(phi)[:, None] * t
    rows = np.floor(cy + u * s + v * c).astype(int)
    columns = np.floor(cx + u * c - v * s).astype(int)
    within = (rows >= 0) & (rows < region.shape[0]) & (columns >= 0) & (columns < region.shape[1])
    inside = within & region[np.where(within, rows, 0), np.where(within, columns, 0)]
    reach = inside.sum(axis=1) / 32.0
    wide = np.concatenate([reach[-2:], reach, reach[:2]])
    smooth = (wide[:-4] + 2 * wide[1:-3] + 3 * wide[2:-2] + 2 * wide[3:-1] + wide[4:]) / 9
    radius = smooth[::4]
    layer[NODE : NODE + nodes] = np.clip(np.rint(8 * radius - 1), 0, 15)
    return layer


def _regions(plane: FloatArray) -> list[tuple[float, int, tuple[slice, slice], Any]]:
    """Regions above or below levels, those that hold most first: energy, id, box, region."""
    from scipy import ndimage

    found: list[tuple[float, int, tuple[slice, slice], Any]] = []
    smooth = ndimage.median_filter(plane, 3, mode="nearest")
    for level in _LEVELS:
        for sign in (1, -1):
            labels, count = ndimage.label(smooth * sign > level)
            if not count:
                continue
            areas = np.bincount(labels.ravel(), minlength=count + 1)
            for index, box in enumerate(ndimage.find_objects(labels), 1):
                if areas[index] < _LEAST_AREA or box is None:
                    continue
                sides = [s.stop - s.start for s in box]
                if areas[index] < 0.25 * sides[0] * sides[1] or areas[index] > 0.5 * plane.size:
                    continue
                region = labels[box] == index
                energy = float((smooth[box][region] ** 2).sum())
                found.append((energy, len(found), box, region))
    return sorted(found, key=lambda entry: (-entry[0], entry[1]))


@compiled
def _fit(pyramid, layer, ratios, lmbda, limits, prices, rounds, room, work):  # type: ignore[no-untyped-def]
    """Fit a contour, and take it away if it is worth its bits; return the worth or `NOTHING`."""
    margin, part = limits
    worth = descend(pyramid, layer, rounds, lmbda, prices, room, work)
    if worth <= -lmbda * 40.0:
        return NOTHING
    worth += enrich(pyramid, layer, lmbda, room, _PAIRS)
    worth += color_masked(pyramid, layer, ratios[layer[COMP]], lmbda, room)
    if worth <= lmbda * margin * masked_price(layer, prices):
        return NOTHING
    if explained(pyramid, layer, room) < part:
        return NOTHING
    add_masked(pyramid, layer, ratios[layer[COMP]], -1.0, room)
    return worth


def find_contours(
    pyramid: tuple[FloatArray, ...],
    ratios: npt.NDArray[np.float64],
    prices: tuple[Any, ...],
    lmbda: float,
    effort: int,
    margin: float,
    part: float,
) -> tuple[npt.NDArray[np.int32], int]:
    """Find closed contours in the residual, and take them away; see `strokes.find_strokes`."""
    components, height, width = pyramid[0].shape
    room = masked_room(height, width)
    work = np.array([_WORK * effort // 5], np.int64)
    out: list[npt.NDArray[np.int32]] = []
    looked = 0
    for comp in range(min(components, 3)):
        for _ in range(_ROUNDS):
            before = len(out)
            for energy, _, (rows, columns), region in _regions(pyramid[0][comp]):
                if work[0] <= 0 or energy < lmbda * 40.0:
                    break
                plane = pyramid[0][comp][rows, columns]
                if float((plane[region] ** 2).sum()) < 0.7 * energy:
                    continue  # another contour has it already
                looked += 1
                best, top = None, NOTHING
                for nodes in _NODES:
                    layer = outline_of(region, rows.start, columns.start, nodes)
                    if layer is None:
                        break
                    layer[COMP], layer[SOFTNESS] = comp, 1
                    worth = appraise(pyramid, layer, lmbda, prices, room, work)
                    if worth > top:
                        best, top = layer, worth
                if best is None or top < -lmbda * 40.0:
                    continue
                rounds = 1 + effort // 3
                limits = (margin, part)
                fitted = _fit(pyramid, best, ratios, lmbda, limits, prices, rounds, room, work)
                if fitted > NOTHING:
                    out.append(best)
            if len(out) == before:
                break
    if not out:
        return np.zeros((0, FIELDS), np.int32), looked
    return np.stack(out), looked
