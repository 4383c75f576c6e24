"""The drawing of the second decoder of contour files, see `independent_contour`."""

from __future__ import annotations

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
        if self.a.kind == 0:
            self.window()
            return
        mask = self.contour() if self.a.kind == 1 else self.stroke()
        self.add(np.where(mask != 0, (self.sum() * mask + 2**24) >> 25, 0))

    def window(self) -> None:
        """9."""
        t, u, v = self.t, self.u, self.v
        q = (u * u + v * v) >> 12
        w = np.where(q >= 4096, 0, 4096 - q)
        w = (((w * w) >> 12) * w) >> 12
        for direction, offset, soft, bend in self.a.cuts:
            cc, ss = int(t.COS(64 * direction)), int(t.SIN(64 * direction))
            a, b = (u * cc + v * ss) >> 14, (v * cc - u * ss) >> 14
            d = b - 512 * offset - ((bend * ((a * a) >> 12)) >> 2)
            x = np.clip(d * (16, 8, 4, 2)[soft] + 2048, 0, 4096)
            w = (w * ((((x * x) >> 12) * (12288 - 2 * x)) >> 12)) >> 12
        value = np.where(q >= 4096, 0, (self.sum() * w + 2**25) >> 26)
        reach = ((abs(self.s) * self.major + abs(self.c) * self.minor) >> 14) + 16
        y = np.arange(self.height)[:, None]
        inside = ((self.top - reach) >> 4 <= y) & (y <= (self.top + reach) >> 4)
        self.add(np.where(inside, value, 0))

    def box(self, points: list[tuple[int, int]], k: int) -> tuple[int, int, int, int]:
        """Rows and columns, exclusive ends."""
        ys, xs = zip(*points, strict=True)
        return (
            max((min(ys) >> 8) - k, 0),
            min((max(ys) >> 8) + k, self.height - 1) + 1,
            max((min(xs) >> 8) - k, 0),
            min((max(xs) >> 8) + k, self.width - 1) + 1,
        )

    def contour(self) -> Plane:
        """10.1."""
        a, t = self.a, self.t
        mask = np.zeros((self.height, self.width), np.int64)
        n, points = 8 * a.count, []
        for j in range(n):
            i, k = j // 8, j % 8
            m, o = (8 - k) ** 2, k**2
            before, here, after = (a.node[(i + d) % a.count] for d in (-1, 0, 1))
            r = m * before + (128 - m - o) * here + o * after + 128
            f = ((2 * j - 8) * 512) // n
            p, q = (r * self.major * int(t.COS(f))) >> 20, (r * self.minor * int(t.SIN(f))) >> 20
            y = 16 * self.top + ((p * self.s + q * self.c) >> 14)
            points.append((y, 16 * self.left + ((p * self.c - q * self.s) >> 14)))
        y0, y1, x0, x1 = self.box(points, a.edge + 1)
        if y0 >= y1 or x0 >= x1:
            return mask
        columns = x1 - x0
        cover = np.zeros((y1 - y0, columns + 1), np.int64)
        for (ya, xa), (yb, xb) in zip(points, points[1:] + points[:1], strict=True):
            g = 1
            if ya > yb:
                ya, xa, yb, xb, g = yb, xb, ya, xa, -1
            for line in range(8 * y0, 8 * y1):
                if not ya <= 32 * line + 16 < yb:
                    continue
                x = xa + ((xb - xa) * (32 * line + 16 - ya)) // (yb - ya) - 256 * x0
                x = t.clamp(x, 0, 256 * columns)
                row = cover[line // 8 - y0]
                row[x >> 8] += g * (256 - (x & 255))
                if x >> 8 != columns:
                    row[(x >> 8) + 1] += g * (x & 255)
        m = np.minimum(np.abs(np.cumsum(cover[:, :columns], 1)), 2048)
        for _ in range(a.edge):
            for axis in (1, 0):
                wide = np.pad(m, [(int(axis == 0),) * 2, (int(axis == 1),) * 2], mode="edge")
                n = m.shape[axis]
                before, after = wide.take(range(n), axis), wide.take(range(2, n + 2), axis)
                m = (before + 2 * m + after + 2) >> 2
        mask[y0:y1, x0:x1] = m
        return mask

    def stroke(self) -> Plane:
        """10.2."""
        a, t = self.a, self.t
        length, radius = t.R(8 + 2 * a.edge) * self.z * 16, t.R(2 * a.scale - 2) * self.z * 16
        f, y, x = 16 * a.angle, 16 * self.top, 16 * self.left
        points = [(y, x)]
        for i in range(a.count):
            if i:
                f += 32 * a.node[i]
            dy, dx = (length * int(t.SIN(f))) >> 14, (length * int(t.COS(f))) >> 14
            if i:
                ya, xa = points[-1]
                yb, xb = y + (dy >> 1), x + (dx >> 1)
                for k in range(1, 5):
                    m, o = (4 - k) ** 2, k**2
                    ym = (m * ya + (16 - m - o) * y + o * yb) >> 4
                    points.append((ym, (m * xa + (16 - m - o) * x + o * xb) >> 4))
            elif a.count > 1:
                points.append((y + (dy >> 1), x + (dx >> 1)))
            y, x = y + dy, x + dx
        points.append((y, x))
        mask = np.zeros((self.height, self.width), np.int64)
        y0, y1, x0, x1 = self.box(points, (radius >> 8) + 2)
        if y0 >= y1 or x0 >= x1:
            return mask
        outer, inner = (radius + 192) ** 2, max(radius - 192, 0) ** 2
        cy = (256 * np.arange(y0, y1, dtype=np.int64) + 128)[:, None]
        cx = (256 * np.arange(x0, x1, dtype=np.int64) + 128)[None, :]
        n = len(points) - 1
        for i in range(n):
            (ya, xa), (yb, xb) = points[i : i + 2]
            dy, dx = yb - ya, xb - xa
            py, px = cy - ya, cx - xa
            k = np.clip(((py * dy + px * dx) << 8) // max(dy * dy + dx * dx, 1), 0, 256)
            ey, ex = py - ((k * dy) >> 8), px - ((k * dx) >> 8)
            far = ey * ey + ex * ex
            cover = np.minimum(((outer - far) << 11) // (outer - inner), 2048)
            value = (cover * (512 + (a.taper - 2) * ((256 * i + k) // n))) >> 9
            part = mask[y0:y1, x0:x1]
            np.maximum(part, np.where(far >= outer, 0, value), out=part)
        return mask
