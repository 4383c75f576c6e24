"""The drawing of the second decoder of contour files, see `independent_contour`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

Plane = np.ndarray


def draw_base(base: list[Any], code: int, step: list[int], planes: Plane, z: int) -> None:
    """7."""
    if not code:
        return
    s = (16 << code) * z
    total = 8 * s * s

    def weights(i: int) -> tuple[int, int, int]:
        t = 2 * (i % s) + 1
        w0, w2 = (2 * s - t) ** 2, t**2
        return w0, total - w0 - w2, w2

    for comp, grid in enumerate(base):
        value = [[(level * step[comp] + 8192) >> 14 for level in row] for row in grid]
        rows, columns = len(value), len(value[0])
        height, width = planes.shape[1:]
        u = np.zeros((rows, width), np.int64)
        for i in range(rows):
            for x in range(width):
                near = [min(max(x // s + k, 0), columns - 1) for k in (-1, 0, 1)]
                dot = sum(w * value[i][j] for w, j in zip(weights(x), near, strict=True))
                u[i, x] = (dot * 64) // total
        for y in range(height):
            near = [min(max(y // s + k, 0), rows - 1) for k in (-1, 0, 1)]
            dots = sum(w * u[j] for w, j in zip(weights(y), near, strict=True))
            planes[comp, y] += (dots + 32 * total) // (64 * total)


class Pen:
    """Draws one layer (8 to 10); `t` is the module with the tables."""

    def __init__(self, t: Any, layer: Any, step: list[int], planes: Plane, z: int) -> None:
        self.t, self.a, self.planes, self.z = t, layer, planes, z
        self.step = step[layer.comp]
        self.height, self.width = planes.shape[1:]
        self.top, self.left = layer.top * z, layer.left * z
        self.major, self.minor = (radius * z for radius in layer.radii)
        self.c, self.s = int(t.COS(8 * layer.angle)), int(t.SIN(8 * layer.angle))
        ux, uy = (self.c << 14) // self.major, (self.s << 14) // self.major
        vx, vy = (-self.s << 14) // self.minor, (self.c << 14) // self.minor
        dy = (16 * np.arange(self.height, dtype=np.int64) + 8 - self.top)[:, None]
        dx = (16 * np.arange(self.width, dtype=np.int64) + 8 - self.left)[None, :]
        self.u, self.v = (dx * ux + dy * uy) >> 16, (dx * vx + dy * vy) >> 16

    def sum(self) -> Plane:
        """SUM of 8, everywhere."""
        a, t = self.a, self.t
        waves = [(t.AMP(a.bucket, a.fine, self.step), 0, t.ACROSS[a.frequency], a.phase)]
        for pair, drop, phase in a.further:
            waves.append((t.AMP(a.bucket + drop, 4, self.step), *t.PAIRS[pair], phase))
        total = np.zeros((self.height, self.width), np.int64)
        for amplitude, along, across, phase in waves:
            turn = ((along * self.u + across * self.v) >> 4) + 16 * phase
            total += amplitude * t.COS(turn)
        return total

    def add(self, value: Plane) -> None:
        """Add, wrapping, to the component and to those that follow it."""
        a = self.a
        self.planes[a.comp] += value
        if a.blue or a.red:
            self.planes[1] += (value * a.blue) >> 3
            self.planes[2] += (value * a.red) >> 3

    def draw(self) -> None:
        """9."""
        u, v = self.u, self.v
        q = (u * u + v * v) >> 12
        w = np.where(q >= 4096, 0, 4096 - q)
        w = (((w * w) >> 12) * w) >> 12
        value = np.where(q >= 4096, 0, (self.sum() * w + 2**25) >> 26)
        reach = ((abs(self.s) * self.major + abs(self.c) * self.minor) >> 14) + 16
        y = np.arange(self.height)[:, None]
        inside = ((self.top - reach) >> 4 <= y) & (y <= (self.top + reach) >> 4)
        self.add(np.where(inside, value, 0))


def _line(cover: Plane, ya: int, xa: int, yb: int, xb: int, clamp: Any) -> None:
    """One line of 10.4."""
    rows, columns = cover.shape[0], cover.shape[1] - 1
    if ya == yb:
        return
    g = -1
    if ya > yb:
        ya, xa, yb, xb, g = yb, xb, ya, xa, 1
    for r in range(max(ya // 256, 0), rows):
        if 256 * r >= yb:
            break
        y0, y1 = max(ya, 256 * r), min(yb, 256 * r + 256)
        h = y1 - y0
        p, q = sorted(
            clamp(xa + (xb - xa) * (y - ya) // (yb - ya), 0, 256 * columns) for y in (y0, y1)
        )
        if p >> 8 == q >> 8:
            c = p >> 8
            part = h * ((p & 255) + (q & 255))
            cover[r, c] += g * (512 * h - part)
            if c != columns:
                cover[r, c + 1] += g * part
            continue
        done, c = 0, p >> 8
        while 256 * c < q:
            a, b = max(p, 256 * c), min(256 * c + 256, q)
            reach = h * (b - p) // (q - p)
            v = reach - done
            part = v * (a + b - 512 * c)
            cover[r, c] += g * (512 * v - part)
            cover[r, c + 1] += g * part
            done = reach
            c += 1


def _curve(ring: Any, z: int) -> list[tuple[int, int]]:
    """Points of a ring, the last repeats the first."""
    top, left, nodes = ring
    at = [((top + y) * 16 * z, (left + x) * 16 * z) for y, x, _ in nodes]
    count = len(at)
    middle = [tuple((at[i][k] + at[(i + 1) % count][k]) >> 1 for k in (0, 1)) for i in range(count)]
    points: list[tuple[int, int]] = [middle[-1]]  # type: ignore[list-item]
    for i, (_, _, corner) in enumerate(nodes):
        a, m, e = middle[i - 1], at[i], middle[i]
        if corner:
            points += [m, e]  # type: ignore[list-item]
            continue
        bend = max(abs(a[k] - 2 * m[k] + e[k]) for k in (0, 1))
        b = 0
        while b < 5 and bend >> (6 + 2 * b):
            b += 1
        n = 1 << b
        for t in range(1, n + 1):
            y, x = (
                ((n - t) ** 2 * a[k] + 2 * t * (n - t) * m[k] + t * t * e[k] + (n * n >> 1))
                >> (2 * b)
                for k in (0, 1)
            )
            points.append((y, x))
    return points


def draw_fill(t: Any, fill: Any, planes: Plane, z: int) -> None:
    """10.4."""
    if not fill.rings:
        return
    comps, height, width = planes.shape
    cover = np.zeros((height, width + 1), np.int64)
    ys, xs = [], []
    for ring in fill.rings:
        ys += [ring[0] + y for y, _, _ in ring[2]]
        xs += [ring[1] + x for _, x, _ in ring[2]]
        points = _curve(ring, z)
        for (ya, xa), (yb, xb) in pairwise(points):
            _line(cover, ya, xa, yb, xb, t.clamp)
    m = np.cumsum(cover, 1)[:, :width]
    for _ in range(fill.soft):
        for axis in (1, 0):
            wide = np.pad(m, [(int(axis == 0),) * 2, (int(axis == 1),) * 2], mode="edge")
            n = m.shape[axis]
            before, after = wide.take(range(n), axis), wide.take(range(2, n + 2), axis)
            m = (before + 2 * m + after + 2) >> 2
    y0, y1, x0, x1 = min(ys) * z, max(ys) * z, min(xs) * z, max(xs) * z
    y, x = (16 * np.arange(n, dtype=np.int64) + 8 for n in (height, width))
    for comp in range(comps):
        total = np.full((height, width), 64 * fill.value[comp], np.int64)
        for mine, down, right, phase, amount in fill.waves:
            if mine == comp:
                d = (y - y0) * 512 * down // max(y1 - y0, 1) + 64 * phase
                e = (x - x0) * 512 * right // max(x1 - x0, 1)
                total += (amount * t.COS(d[:, None] + e[None, :])) >> 8
        planes[comp] += np.where(m != 0, (m * total + 2**16) >> 17, 0)
