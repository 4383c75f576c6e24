"""Drawing with a pen: strokes of integer splines, stamped with a nib at four times the size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .lattice import Integers

OVER = 4  # sub-pixels a pixel, each way
UNIT = 64  # coordinates are 1/64 pixel

Point = tuple[int, int]
Nib = Sequence[Point]


def sine(degrees: int) -> int:
    """Sine in 1/4096, by Bhaskara's rational formula: no library's rounding is involved."""
    degrees %= 360
    half = degrees % 180
    product = half * (180 - half)
    value = 4 * 4096 * product // (40500 - product)
    return value if degrees < 180 else -value


def cosine(degrees: int) -> int:
    """Cosine in 1/4096."""
    return sine(degrees + 90)


def broad_nib(length: int, thickness: int) -> list[Point]:
    """Edge of a broad pen held at 45 degrees, in sub-pixels."""
    return [
        (along + across, -along)
        for along in range(-length // 2, length // 2 + 1)
        for across in range(thickness)
    ]


def round_nib(diameter: int) -> list[Point]:
    """Disc, in sub-pixels."""
    span = range(diameter)
    return [
        (i - diameter // 2, j - diameter // 2)
        for i in span
        for j in span
        if (2 * i + 1 - diameter) ** 2 + (2 * j + 1 - diameter) ** 2 <= diameter * diameter
    ]


def curve(points: Sequence[Point]) -> Integers:
    """Sample a line (2 points), a quadratic (3) or a cubic (4) Bezier curve, (n, 2)."""
    control = np.array(points, np.int64)
    length = int(np.abs(np.diff(control, axis=0)).sum())
    # A sample every half sub-pixel leaves no holes.
    count = max(2, 2 * length * OVER // UNIT)
    t = np.arange(count + 1, dtype=np.int64)[:, None] * 1024 // count
    level: list[Integers] = [np.broadcast_to(point, (count + 1, 2)) for point in control]
    while len(level) > 1:
        level = [np.right_shift(a * (1024 - t) + b * t, 10) for a, b in pairwise(level)]
    return level[0]


class Sheet:
    """A sheet of ink coverage.

    Parameters
    ----------
    height, width : int
        Pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self.ink = np.zeros((height * OVER, width * OVER), np.bool_)

    def stamp(self, strokes: Iterable[Sequence[Point]], nib: Nib) -> None:
        """Draw strokes (points in 1/64 pixel) with `nib`; what leaves the sheet is lost."""
        sampled = [curve(stroke) for stroke in strokes]
        if not sampled:
            return
        places = np.unique(np.concatenate(sampled) * OVER // UNIT, axis=0)
        height, width = self.ink.shape
        for dx, dy in nib:
            x, y = places[:, 0] + dx, places[:, 1] + dy
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            self.ink[y[inside], x[inside]] = True

    def erase_below(self, edge: Integers) -> None:
        """Wipe everything below `edge`, the y of every sub-pixel column in 1/64 pixel."""
        rows = np.arange(self.ink.shape[0])[:, None]
        self.ink[rows >= (edge * OVER // UNIT)[None, :]] = False

    def coverage(self) -> Integers:
        """Share of every pixel that is inked, 0..256."""
        height, width = (side // OVER for side in self.ink.shape)
        blocks: npt.NDArray[np.int64] = self.ink.reshape(height, OVER, width, OVER).sum(
            axis=(1, 3), dtype=np.int64
        )
        return blocks * 256 // (OVER * OVER)
