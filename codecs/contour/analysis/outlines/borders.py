"""The tree of shapes: every region as the ring around it, filled with how it differs from outside.

Encoder. A region's ring takes in whatever lies inside of it; what lies inside has rings of its own.
So each border between two regions is drawn once, and the sum of all rings is the picture.

References
----------
P. Monasse, F. Guichard, "Fast computation of a contrast-invariant image representation", IEEE
Transactions on Image Processing 9(5), 2000, doi:10.1109/83.841532.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from .regions import Regions

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Border:
    """The ring around a region.

    Parameters
    ----------
    points : (n, 2) int64
        Where it crosses between pixels, sixteenths of a pixel, (y, x); the region lies right of the
        way from each to the next.
    inside, outside : int
        Palette index of the region, and of what it lies in; -1 for the ground of the picture.
    parent : int
        Border of what it lies in, or -1.
    area : int
        Pixels that it runs around.
    pixel : (int, int)
        Its first pixel, which tells regions of the same form apart.
    form : int
        Hash of the way around it, the same wherever it lies.
    """

    points: npt.NDArray[np.int64]
    inside: int
    outside: int
    parent: int
    area: int
    pixel: tuple[int, int]
    form: int


@compiled
def _trace(regions, y, x, walk, marks):  # type: ignore[no-untyped-def]
    """Walk around a region from its first pixel, the region at the right hand.

    Parameters
    ----------
    regions : (H, W) int32
    y, x : int
        Its first pixel in reading order.
    walk : (n, 4) int32
        Filled: pixel inside, pixel outside of each crack.
    marks : (H, W + 1) int32
        Set to the region where a crack of its ring has it at the left.

    Returns
    -------
    count, area : int
    """
    height, width = regions.shape
    mine = regions[y, x]
    # A corner of pixels, and a direction: 0 right, 1 down, 2 left, 3 up. Start along the top.
    cy, cx, way = y, x, 0
    count, area = 0, np.int64(0)
    while True:
        if way == 0:
            iy, ix, oy, ox = cy, cx, cy - 1, cx
        elif way == 1:
            iy, ix, oy, ox = cy, cx - 1, cy, cx
            marks[cy, cx] = mine
            area += cx
        elif way == 2:
            iy, ix, oy, ox = cy - 1, cx - 1, cy, cx - 1
        else:
            iy, ix, oy, ox = cy - 1, cx, cy - 1, cx - 1
            area -= cx
        if count < len(walk):
            walk[count, 0], walk[count, 1], walk[count, 2], walk[count, 3] = iy, ix, oy, ox
        count += 1
        if way == 0:
            cx += 1
        elif way == 1:
            cy += 1
        elif way == 2:
            cx -= 1
        else:
            cy -= 1
        # Pixels ahead at the left and at the right hand.
        if way == 0:
            ly, lx, ry, rx = cy - 1, cx, cy, cx
        elif way == 1:
            ly, lx, ry, rx = cy, cx, cy, cx - 1
        elif way == 2:
            ly, lx, ry, rx = cy, cx - 1, cy - 1, cx - 1
        else:
            ly, lx, ry, rx = cy - 1, cx - 1, cy - 1, cx
        left = 0 <= ly < height and 0 <= lx < width and regions[ly, lx] == mine
        right = 0 <= ry < height and 0 <= rx < width and regions[ry, rx] == mine
        if not right:
            way = (way + 1) % 4
        elif left:
            way = (way + 3) % 4
        if cy == y and cx == x and way == 0:
            return count, area


@compiled
def _parents(regions, firsts, walks, marks, out):  # type: ignore[no-untyped-def]
    """Trace all regions in reading order of their first pixels.

    Parameters
    ----------
    regions : (H, W) int32
    firsts : (n, 2) int64
        First pixel of each region.
    walks : (m, 4) int32
    marks : (H, W + 1) int32
        -1 everywhere.
    out : (n, 4) int64
        Filled: first row in `walks`, rows, area, parent.
    """
    at = np.int64(0)
    for k in range(len(firsts)):
        y, x = firsts[k, 0], firsts[k, 1]
        count, area = _trace(regions, y, x, walks[at:], marks)
        parent = np.int64(-1)
        if x > 0:
            beside = np.int64(regions[y, x - 1])
            # Over a crack of the neighbour's own ring one leaves it: both lie in the same region.
            parent = out[beside, 3] if marks[y, x] == beside else beside
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = at, count, area, parent
        at += count


def _regions_of(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Number connected regions (4 neighbours) of equal labels in reading order, (H, W)."""
    from scipy import ndimage

    out = np.zeros(labels.shape, np.int64)
    total = 0
    for label in np.unique(labels):
        found, count = ndimage.label(labels == label)
        out += np.where(found > 0, found + total, 0)
        total += count
    _, first, inverse = np.unique(out, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return rank[inverse].reshape(labels.shape)


def _places(
    walk: npt.NDArray[np.int64],
    planes: FloatArray,
    colors: FloatArray,
    labels: npt.NDArray[np.int32],
) -> npt.NDArray[np.int64]:
    """Where each crack of a walk is crossed, sixteenths of a pixel, (n, 2)."""
    _, height, width = planes.shape
    inner, outer = walk[:, :2], walk[:, 2:]
    valid = (outer >= 0).all(axis=1) & (outer[:, 0] < height) & (outer[:, 1] < width)
    safe = np.where(valid[:, None], outer, inner)
    a, b = planes[:, inner[:, 0], inner[:, 1]].T, planes[:, safe[:, 0], safe[:, 1]].T
    ca, cb = colors[labels[inner[:, 0], inner[:, 1]]], colors[labels[safe[:, 0], safe[:, 1]]]
    span = np.maximum(((cb - ca) ** 2).sum(axis=1), 1.0)
    ta = ((a - ca) * (cb - ca)).sum(axis=1) / span
    tb = ((b - ca) * (cb - ca)).sum(axis=1) / span
    # What both pixels have of the outer colour tells how far out the border lies.
    out_by = np.clip(1.0 - (np.clip(ta, 0, 1) + np.clip(tb, 0, 1)), -0.9, 0.9)
    out_by = np.where(valid, out_by, 0.0)
    middle = (inner + outer) * 8.0 + 8.0
    return np.rint(middle + (outer - inner) * 16.0 * out_by[:, None]).astype(np.int64)


def trace(planes: list[FloatArray], found: Regions) -> list[Border]:
    """Rings around all regions, each after the one that it lies in."""
    labels = found.labels
    regions = _regions_of(labels)
    count = int(regions.max()) + 1
    _, first = np.unique(regions, return_index=True)
    firsts = np.stack([first // labels.shape[1], first % labels.shape[1]], axis=1).astype(np.int64)
    cracks = int((np.diff(regions, axis=0) != 0).sum() + (np.diff(regions, axis=1) != 0).sum())
    walks = np.zeros((2 * cracks + 2 * sum(labels.shape) + 16, 4), np.int32)
    marks = np.full((labels.shape[0], labels.shape[1] + 1), -1, np.int32)
    rows = np.zeros((count, 4), np.int64)
    _parents(regions, firsts, walks, marks, rows)
    stack = np.stack(planes)
    own = labels[firsts[:, 0], firsts[:, 1]]
    out = []
    for k, (at, n, area, parent) in enumerate(rows.tolist()):
        walk = walks[at : at + n].astype(np.int64)
        points = _places(walk, stack, found.colors, labels)
        outside = int(own[parent]) if parent >= 0 else -1
        form = hash((walk - walk[0, [0, 1, 0, 1]]).tobytes())
        pixel = (int(walk[0, 0]), int(walk[0, 1]))
        out.append(Border(points, int(own[k]), outside, parent, area, pixel, form))
    return out
