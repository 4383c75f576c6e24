"""What fills a mask: chroma, further harmonics; and how much that explains. Encoder."""

from __future__ import annotations

import numpy as np

from .....shared.compiled import compiled
from ...format.layout import BLUE, BUCKET, COMP, MORE, MOST_EXTRA, PAIRS, RED, SCALE
from ..windows.correlation import SUMS, tally
from ..windows.harmonics import best_harmonic, take
from ..windows.residual import follow, waves_of
from .masks import place, project_masked, value_of

_PAIRS = np.array(PAIRS, np.int64)


@compiled
def explained(pyramid, layer, room):  # type: ignore[no-untyped-def]
    """Part of the squared residual on a mask and beside it that the layer removes.

    What a layer leaves there others must mend, and they would have been cheaper without it.
    """
    plane = pyramid[0][layer[COMP]]
    if place(layer, plane.shape[0], plane.shape[1], room) == 0:
        return 0.0
    box, mask, waves, frame = room[1], room[2], room[5], room[6]
    count = waves_of(layer, waves)
    rows, columns = box[2] - box[0], box[3] - box[1]
    before, after = 0.0, 0.0
    for i in range(rows):
        for j in range(columns):
            cover = mask[i, j]
            if cover == 0 and not (
                (i and mask[i - 1, j])
                or (j and mask[i, j - 1])
                or (i + 1 < rows and mask[i + 1, j])
                or (j + 1 < columns and mask[i, j + 1])
            ):
                continue
            y, x = i + box[0], j + box[1]
            r = plane[y, x]
            before += r * r
            r -= value_of(layer, count, y - frame[0], x - frame[1], frame, waves) * cover / 2048.0
            after += r * r
    return 1.0 - after / max(before, 1e-9)


@compiled
def color_masked(pyramid, layer, ratios, lmbda, room):  # type: ignore[no-untyped-def]
    """Choose how chroma follows a layer of any kind; return what that is worth."""
    layer[BLUE], layer[RED] = 0, 0
    comp = layer[COMP]
    total = 0.0
    if pyramid[0].shape[0] < 3 or comp > 1:
        return total
    for other in range(comp + 1, 3):
        product, norm = project_masked(pyramid, other, layer, room)
        total += follow(layer, other, product, norm, ratios[other] / 8.0, lmbda)
    return total


@compiled
def enrich(pyramid, layer, lmbda, room, pairs):  # type: ignore[no-untyped-def]
    """Give a masked layer further harmonics while they pay, see `correlation.extend`."""
    layer[MORE] = 0
    plane = pyramid[0][layer[COMP]]
    worth = 0.0
    bucket, scale = np.int64(layer[BUCKET]), np.int64(layer[SCALE])
    if place(layer, plane.shape[0], plane.shape[1], room) == 0:
        return worth
    box, mask, sums, waves, frame = room[1], room[2], room[4], room[5], room[6]
    while layer[MORE] < MOST_EXTRA:
        count = waves_of(layer, waves)
        for f in range(pairs):
            for k in range(SUMS):
                sums[f, k] = 0.0
        for y in range(box[0], box[2]):
            dy = y - frame[0]
            for x in range(box[1], box[3]):
                cover = mask[y - box[0], x - box[1]]
                if cover == 0:
                    continue
                w = cover / 2048.0
                dx = x - frame[1]
                r = plane[y, x] - w * value_of(layer, count, dy, dx, frame, waves)
                u, v = dx * frame[2] + dy * frame[3], dx * frame[4] + dy * frame[5]
                for f in range(1, pairs):
                    p = int((u * _PAIRS[f, 0] + v * _PAIRS[f, 1]) * 256.0 + 262144.0) & 1023
                    tally(sums, f, p, w, r, 1.0)
        best, chosen = best_harmonic(sums, 1, pairs, bucket, scale, lmbda)
        if best <= 0.0:
            break
        take(layer, chosen)
        worth += best
    return worth
