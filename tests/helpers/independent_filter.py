"""The classified Wiener filter, written from section 5.2 of codecs/tiles/FORMAT.md alone.

Of fractour it takes nothing but the weights. Plain and slow.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

_TAPS = (
    *((0, 1), (0, 2), (0, 3), (1, -2), (1, -1), (1, 0)),
    *((1, 1), (1, 2), (2, -1), (2, 0), (2, 1), (3, 0)),
)
_LINES = ((0, 1), (1, 0), (1, 1), (1, -1))


@cache
def _weights() -> Any:
    with files("fractour.shared.tiles").joinpath("wiener.npz").open("rb") as file:
        return np.load(file)["weights"].astype(np.int64)


def _class(p: Any, cy: int, cx: int, step: int) -> int:
    """Class of a cell; `p(y, x)` is a bounded sample, the nearest one outside the picture."""
    h, v, d, e = 0, 0, 0, 0
    for y in range(4 * cy - 2, 4 * cy + 5, 2):
        for x in range(4 * cx - 2, 4 * cx + 6):
            a, b, c, f = (abs(2 * p(y, x) - p(y - i, x - j) - p(y + i, x + j)) for i, j in _LINES)
            h, v, d, e = h + a, v + b, d + c, e + f
    s, f = max(h, v), min(h, v)
    o, g = max(d, e), min(d, e)
    if s * g >= o * f:
        high, low, way = s, f, (0 if h > v else 1)
    else:
        high, low, way = o, g, (2 if d > e else 3)
    clear = (high > 2 * low) + (2 * high > 9 * low)
    direction = 0 if clear == 0 else 1 + way + 4 * (clear - 1)
    group = sum(least <= ((h + v) << 10) // step for least in (1, 4, 12, 32, 80))
    return 0 if group == 0 else 5 * direction + group


def filtered(plane: Any, step: int, weights: Any) -> Any:
    """Filter one component, (H, W) int64, 6 fractional bits."""
    height, width = plane.shape
    samples = np.clip(plane, -16383, 16383).tolist()

    def p(y: int, x: int) -> int:
        value: int = samples[min(max(y, 0), height - 1)][min(max(x, 0), width - 1)]
        return value

    unit = step >> 10
    limits = (unit >> 2, unit, unit << 2)
    out = np.array(samples, np.int64)
    for cy in range(-(-height // 4)):
        for cx in range(-(-width // 4)):
            kind = _class(p, cy, cx, step)
            if kind == 0:
                continue
            w = weights[kind].tolist()
            for y in range(4 * cy, min(4 * cy + 4, height)):
                for x in range(4 * cx, min(4 * cx + 4, width)):
                    here, total = p(y, x), 0
                    for i, (dy, dx) in enumerate(_TAPS):
                        ahead, behind = p(y + dy, x + dx) - here, p(y - dy, x - dx) - here
                        for k, most in enumerate(limits):
                            u = min(max(ahead, -most), most) + min(max(behind, -most), most)
                            total += w[3 * i + k] * u
                    out[y, x] = here + ((total + 128) >> 8)
    return out


def refine(planes: Any, steps: Any, postfilter: int) -> Any:
    """Filter all components but alpha, (C, H, W) int64; nothing happens with post-filter 0."""
    if postfilter == 0:
        return planes
    seen = 3 if len(planes) >= 3 else 1
    sets = _weights()[postfilter - 1]
    done = [filtered(planes[c], int(steps[c]), sets[min(c, 1)]) for c in range(seen)]
    return np.stack([*done, *planes[seen:]])
