"""The ellipse under a window: its axes on a level of the pyramid, and the rows that it covers."""

from __future__ import annotations

import math

import numpy as np

from .....shared.compiled import compiled
from ...format.layout import ANGLE, ANGLES, ASPECT, LEFT, SCALE, TOP, radii


@compiled
def axes_of(layer, level):  # type: ignore[no-untyped-def]
    """Centre (y, x), both axes over their radii (x, y), and half the box (y, x).

    Units are samples of a level of the pyramid.
    """
    major16, minor16 = radii(np.int64(layer[SCALE]), np.int64(layer[ASPECT]))
    unit = 16.0 * (1 << level)
    major, minor = major16 / unit, minor16 / unit
    turn = math.pi * layer[ANGLE] / ANGLES
    c, s = math.cos(turn), math.sin(turn)
    return (
        layer[TOP] / unit - 0.5,
        layer[LEFT] / unit - 0.5,
        c / major,
        s / major,
        -s / minor,
        c / minor,
        math.sqrt(major * major * s * s + minor * minor * c * c),
        math.sqrt(major * major * c * c + minor * minor * s * s),
    )


@compiled
def frame_of(layer, level, frame):  # type: ignore[no-untyped-def]
    """Fill `frame` (8,) with `axes_of`."""
    axes = axes_of(layer, level)
    for i in range(8):
        frame[i] = axes[i]


@compiled
def rows_of(axes, height):  # type: ignore[no-untyped-def]
    """First and one past the last row of a plane that the ellipse reaches."""
    y0, reach = axes[0], axes[6]
    return max(math.ceil(y0 - reach), 0), min(math.floor(y0 + reach) + 1, height)


@compiled
def columns_of(axes, y, width):  # type: ignore[no-untyped-def]
    """First and one past the last column of row `y` that lies in the ellipse; 0, 0 if none does."""
    x0, ux, uy, vx, vy = axes[1], axes[2], axes[3], axes[4], axes[5]
    dy = y - axes[0]
    a = ux * ux + vx * vx
    b = (ux * uy + vx * vy) * dy
    root = b * b - a * ((uy * uy + vy * vy) * dy * dy - 1.0)
    if root <= 0:
        return 0, 0
    root = math.sqrt(root)
    return max(math.ceil(x0 + (-b - root) / a), 0), min(math.floor(x0 + (root - b) / a) + 1, width)
