"""A second decoder of contour files without tiles, written from FORMAT.md alone. Slow.

Of fractour it takes nothing but the tables; container, entropy coder and colour are those of the
other independent decoder, `independent_wavelet`. Section numbers are those of
``codecs/contour/FORMAT.md``. NumPy holds the samples, 64 bits each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np

# 2 tables --------------------------------------------------------------------------------------


def _cosines() -> list[int]:
    q = [2**60, 1152899801185339686]
    for k in range(1, 255):
        q.append((2305799602370679373 * q[k] >> 60) - q[k - 1])
    cos = [0] * 1024
    for k in range(256):
        cos[k] = (q[k] + 2**45) >> 46
    for k in range(256):
        cos[512 - k] = -cos[k]
    for k in range(512):
        cos[512 + k] = -cos[k]
    return cos


TABLE = np.array(_cosines(), np.int64)


def COS(k: Any) -> Any:
    return TABLE[k & 1023]


def SIN(k: Any) -> Any:
    return TABLE[(k - 256) & 1023]


def R(i: int) -> int:
    o = i // 4
    part = (1024, 1218, 1448, 1722)[i % 4]
    return part << (o - 6) if o > 6 else part >> (6 - o)


S = [16384, 17109, 17867, 18658, 19484, 20347, 21247, 22188]
S += [23170, 24196, 25268, 26386, 27554, 28774, 30048, 31379]
ACROSS = [0, 2, 3, 4, 5, 6, 8, 10]
PAIRS = [(0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (0, 4), (4, 0), (2, 2), (2, -2), (0, 6), (6, 0)]
PAIRS += [(2, 4), (2, -4), (4, 2), (4, -2), (0, 8)]
STEPS = [16384, 16864, 17358, 17867, 18390, 18929, 19484, 20055, 20643, 21247, 21870, 22511]
STEPS += [23170, 23849, 24548, 25268, 26008, 26770, 27554, 28362, 29193, 30048, 30929, 31835]


def clamp(v: int, low: int, high: int) -> int:
    return min(max(v, low), high)


def AMP(bucket: int, fine: int, step: int) -> int:
    i = 128 - 8 * bucket - fine
    h = 24 - i // 16
    return clamp((step * S[i % 16] + (1 << (h - 1))) >> h, 1, 65536)


def PRECISION(bucket: int, scale: int) -> int:
    return clamp((scale + 16 - bucket) >> 1, 0, 3)


def sgn(v: int) -> int:
    return 0 if v < 0 else 2 if v > 0 else 1


# 4 symbols -------------------------------------------------------------------------------------

SYMBOLS = {
    name: (no, n, a, b)
    for no, (name, n, a, b) in enumerate(
        [
            *(("ASPECT", 4, 15979, 16363), ("FREQUENCY", 3, 17387, 17627)),
            *(("ANGLE", 4, 17883, 18315), ("PHASE", 3, 18795, 18995), ("FINE", 3, 19187, 19283)),
            *(("PAIR", 4, 19539, 19667), ("DIRECTION", 4, 20179, 20227)),
            *(("OFFSET", 4, 20387, 20435), ("SOFT", 2, 20499, 20511), ("BEND", 3, 20575, 20599)),
            *(("COUNT", 4, 20727, 20759), ("EDGE", 3, 21271, 21287), ("TAPER", 3, 21543, 21551)),
            *(("EMPTY", 1, 21679, 21727), ("SIZE", 12, 21759, 22335), ("SIDE", 1, 22431, 22543)),
            *(("SPLIT", 8, 22557, 23061), ("EIGHTH", 7, 23205, 23254), ("KIND", 2, 23268, 23332)),
            *(("MORE", 5, 23348, 23588), ("DROP", 7, 23628, 23684), ("CUTS", 3, 23712, 23808)),
            *(("BLUE", 9, 23832, 23940), ("RED", 9, 24084, 24192)),
            *(("SLOPE_SIGN", 1, 24363, 24369), ("NODE", 8, 24407, 24487)),
            *(("NODE_SIGN", 1, 24535, 24541), ("BASE", 14, 24547, 24883)),
            ("BASE_SIGN", 1, 25009, 25018),
        ]
    )
}


class Reader:
    """Decisions, trees and runs (4)."""

    def __init__(self, coder: Any) -> None:
        self.coder = coder

    @property
    def ended(self) -> bool:
        return bool(self.coder.ended)

    def bit(self, symbol: str, x: int, y: int, i: int) -> int:
        if self.coder.ended:
            return 0
        no, _, a, b = SYMBOLS[symbol]
        row = 581 + 8 * no + 2 * min(i, 3)
        return int(self.coder.mixed([a + x, b + y], row, 813 + 2 * no))

    def flat(self) -> int:
        return 0 if self.coder.ended else int(self.coder.decide(32768))

    def tree(self, symbol: str, bits: int, a: int, b: int) -> int:
        n = SYMBOLS[symbol][1]
        d, node = min(bits, n), 1
        for i in range(d):
            node = 2 * node + self.bit(symbol, (a << n) + node, (b << n) + node, i)
        value = node - (1 << d)
        for _ in range(bits - d):
            value = 2 * value + self.flat()
        return value

    def run(self, symbol: str, most: int, a: int, b: int) -> int:
        n, v = SYMBOLS[symbol][1], 0
        while v < most:
            i = min(v, n - 1)
            if not self.bit(symbol, a * n + i, b * n + i, i):
                break
            v += 1
        return v

    def sign(self, symbol: str, a: int, b: int) -> int:
        return -1 if self.run(symbol, 1, a, b) else 1

    def number(self, bits: int) -> int:
        v = 1
        for _ in range(bits):
            v = 2 * v + self.flat()
        return v

    def escape(self) -> int:
        s = 0
        while s < 16 and self.flat():
            s += 1
        return self.number(s) - 1


# 5, 6 parsing ----------------------------------------------------------------------------------


@dataclass
class Layer:
    """Fields of a layer (6.4)."""

    bucket: int
    comp: int
    scale: int
    top: int
    left: int
    kind: int = 0
    aspect: int = 0
    frequency: int = 0
    angle: int = 0
    phase: int = 0
    fine: int = 0
    blue: int = 0
    red: int = 0
    further: list[tuple[int, int, int]] = field(default_factory=list)  # pair, drop, phase
    cuts: list[tuple[int, int, int, int]] = field(default_factory=list)
    count: int = 0
    edge: int = 0
    taper: int = 0
    node: list[int] = field(default_factory=list)

    @property
    def radii(self) -> tuple[int, int]:
        middle = 6 + 2 * self.scale
        return R(middle + self.aspect), R(middle - self.aspect)


class Parser:
    """Base and layers of a file."""

    def __init__(self, coder: Any, height: int, width: int, comps: int, invalid: Any) -> None:
        self.r = Reader(coder)
        self.h, self.w, self.c, self.invalid = height, width, comps, invalid
        self.rows, self.columns = -(-height // 16), -(-width // 16)
        self.density = [[0] * self.columns for _ in range(self.rows)]
        self.turn = [[0] * self.columns for _ in range(self.rows)]
        self.pair = comps >= 3

    def base(self, code: int) -> list[list[list[int]]]:
        """5."""
        if not code:
            return []
        r, side = self.r, 16 << code
        out = []
        for comp in range(self.c):
            grid: list[list[int]] = []
            for y in range(-(-self.h // side)):
                grid.append([])
                for x in range(-(-self.w // side)):
                    w = n = c = 0
                    if x:
                        w = n = c = grid[y][x - 1]
                    if y:
                        n = grid[y - 1][x]
                        w, c = (w, grid[y - 1][x - 1]) if x else (n, n)
                    expected = clamp(w + n - c, min(w, n), max(w, n))
                    k = min(comp, 2)
                    spread = min((abs(w - c) + abs(n - c)).bit_length(), 7)
                    lean = k * 3 + sgn(w - n)
                    v = r.run("BASE", 14, k * 8 + spread, lean)
                    if v == 14:
                        v += r.escape()
                    if v:
                        v *= r.sign("BASE_SIGN", lean, lean)
                    if r.ended:
                        v = 0
                    grid[y].append(clamp(expected + v, -16384, 16384))
            out.append(grid)
        return out

    def cell(self, layer: Layer) -> tuple[int, int]:
        return min(layer.top >> 8, self.rows - 1), min(layer.left >> 8, self.columns - 1)

    def layers(self, first: int, buckets: int) -> list[Layer]:
        """6.1, 6.2."""
        r = self.r
        out: list[Layer] = []
        most, area = min(self.h * self.w // 4 + 64, 65535), 256 * self.h * self.w + 2**22
        counts: dict[tuple[int, int, int], int] = {}
        for bucket in range(first, first + buckets):
            for comp in range(self.c):
                role = int(self.pair and comp in (1, 2))
                for scale in range(16):
                    smaller = counts.get((bucket, comp, scale - 1), 0)
                    busy = counts.get((bucket - 1, comp, scale), 0)
                    s3 = min(smaller, 3)
                    near = min(busy, 3) * 4 + s3
                    weight = clamp(scale + 22 - bucket, 0, 23)
                    count = 0
                    if r.run("EMPTY", 1, role * 24 + weight, role * 16 + near):
                        s = r.run("SIZE", 15, role * 24 + weight, role * 4 + s3)
                        count = r.number(s)
                    counts[bucket, comp, scale] = count
                    if not count:
                        continue
                    if r.ended:
                        return out
                    if len(out) + count > most:
                        raise self.invalid("layers")
                    p = PRECISION(bucket, scale)
                    g = clamp(4 + (scale >> 1) - p, 2, 10)
                    places: list[tuple[int, int]] = []
                    y, x = ((16 * n + 2**g - 1) >> g for n in (self.h, self.w))
                    self.halve(0, 0, y, x, count, g, role, places)
                    for top, left in places:
                        layer = Layer(bucket, comp, scale, top, left)
                        self.fields(layer, role, p)
                        if r.ended:
                            return out
                        area -= self.footprint(layer)
                        if area < 0:
                            raise self.invalid("area")
                        self.enter(layer)
                        out.append(layer)
        return out

    def mass(self, y0: int, x0: int, y1: int, x1: int) -> int:
        rows = range(max(y0 >> 4, 0), min((y1 - 1) >> 4, self.rows - 1) + 1)
        columns = range(max(x0 >> 4, 0), min((x1 - 1) >> 4, self.columns - 1) + 1)
        return sum(self.density[i][j] for i in rows for j in columns)

    def halve(
        self, y0: int, x0: int, y1: int, x1: int, n: int, g: int, role: int, out: list[Any]
    ) -> None:
        """6.3."""
        r = self.r
        if not n:
            return
        if y1 - y0 == 1 == x1 - x0:
            out += [(y0 << g, x0 << g)] * n
            return
        t, l = (y0 << g) >> 4, (x0 << g) >> 4  # noqa: E741
        b, e = max((y1 << g) >> 4, t + 1), max((x1 << g) >> 4, l + 1)
        tall = y1 - y0 >= x1 - x0
        if tall:
            m = (y0 + y1) >> 1
            cut = (m << g) >> 4
            low, high = self.mass(t - 8, l, max(cut, t - 7), e), self.mass(cut, l, b + 8, e)
        else:
            m = (x0 + x1) >> 1
            cut = (m << g) >> 4
            low, high = self.mass(t, l - 8, b, max(cut, l - 7)), self.mass(t, cut, b, e + 8)
        p, q = 2 * low + 1, 2 * high + 1
        lean = 3
        if p > q:
            lean = 6 if p >= 4 * q else 5 if p >= 2 * q else 4
        elif p < q:
            lean = 0 if q >= 4 * p else 1 if q >= 2 * p else 2
        level = min(((y1 - y0) * (x1 - x0)).bit_length() - 1, 15)
        k = 0
        if n == 1:
            k = r.bit("SIDE", lean * 16 + level, lean * 2 + role, 0)
        elif n <= 8:
            while k < n:
                i = min(k, 7)
                if not r.bit("SPLIT", (n * 7 + lean) * 8 + i, (n * 2 + role) * 8 + i, i):
                    break
                k += 1
        else:
            lo, hi, node = 0, n + 1, 0
            for _ in range(3):
                mid = (lo + hi) >> 1
                d = r.bit("EIGHTH", lean * 7 + node, role * 7 + node, node)
                node = 2 * node + 1 + d
                lo, hi = (mid, hi) if d else (lo, mid)
            while hi - lo > 1:
                mid = (lo + hi) >> 1
                lo, hi = (mid, hi) if r.flat() else (lo, mid)
            k = lo
        if tall:
            self.halve(y0, x0, m, x1, k, g, role, out)
            self.halve(m, x0, y1, x1, n - k, g, role, out)
        else:
            self.halve(y0, x0, y1, m, k, g, role, out)
            self.halve(y0, m, y1, x1, n - k, g, role, out)

    def fields(self, a: Layer, role: int, p: int) -> None:
        """6.4."""
        r, scale = self.r, a.scale
        i, j = self.cell(a)
        turn, band = self.turn[i][j], scale >> 1
        a.kind = kind = r.run("KIND", 2, role * 16 + scale, role * 4 + p)
        if kind != 2:
            v = r.tree("ASPECT", 4, kind * 8 + band, (role * 4 + p) * 8 + band)
            a.aspect = min(v, 9)
        a.frequency = r.tree("FREQUENCY", 3, kind * 10 + a.aspect, role * 16 + scale)
        e = clamp(3 + p + (a.aspect >> 2), 3, 6)
        if kind == 2:
            e = 6
        elif not a.aspect and not a.frequency and kind != 1:
            e = 0
        v = r.tree("ANGLE", e, turn * 3 + kind, kind * 10 + a.aspect)
        a.angle = v << (6 - e) if e else 0
        if a.frequency:
            v = r.tree("PHASE", 3 + p, a.frequency * 3 + kind, role * 12 + p * 3)
            a.phase = v << (3 - p)
        else:
            a.phase = 32 * r.flat()
        v = r.tree("FINE", p, p * 3 + kind, role * 16 + scale)
        a.fine = ((2 * v + 1) << (3 - p)) >> 1
        if self.pair and a.comp <= 1:
            near = 17
            if a.comp == 0:
                a.blue = r.run("BLUE", 8, kind * 4 + p, scale)
                if a.blue:
                    a.blue *= r.sign("SLOPE_SIGN", kind, 0)
                near = a.blue + 8
            a.red = r.run("RED", 8, kind * 4 + p, near)
            if a.red:
                a.red *= r.sign("SLOPE_SIGN", 3 + kind, 19 + near)
        more = r.run("MORE", 5, kind * 16 + scale, role * 4 + p)
        pair = 0
        for i in range(more):
            pair = r.tree("PAIR", 4, a.frequency, pair * 2 + min(i, 1))
            drop = r.run("DROP", 7, a.frequency, p)
            if pair:
                e = 3 + PRECISION(a.bucket + drop, scale)
                phase = r.tree("PHASE", e, 24, role * 12 + p * 3 + 1) << (6 - e)
            else:
                phase = 32 * r.flat()
            a.further.append((pair, drop, phase))
        if kind == 0:
            for i in range(r.run("CUTS", 3, role * 16 + scale, p * 2)):
                direction = r.tree("DIRECTION", 4, i, a.aspect)
                offset = r.tree("OFFSET", 4, i, p) - 8
                soft = r.tree("SOFT", 2, i, scale)
                a.cuts.append((direction, offset, soft, r.tree("BEND", 3, i, scale) - 4))
            return
        st = int(kind == 2)
        a.count = 1 + r.tree("COUNT", 4, st, st * 16 + scale)
        a.edge = r.tree("EDGE", 3 if st else 2, st, st * 16 + scale)
        if st:
            a.taper = r.tree("TAPER", 3, 0, scale)
        a.node = [0] * a.count
        change, before = 0, 7
        for i in range(st, a.count):
            expected = 0 if st else before
            side = st * 3 + sgn(change)
            v = r.run("NODE", 15, st * 5 + min(abs(change), 4), side)
            if v:
                v *= r.sign("NODE_SIGN", side, st * 3 + min(i, 2))
            change = v
            before = clamp(v, -7, 7) if st else clamp(expected + v, 0, 15)
            a.node[i] = before

    def footprint(self, a: Layer) -> int:
        """6.5."""
        major, minor = ((radius >> 4) + 2 for radius in a.radii)
        if a.kind == 1:
            major = minor = 2 * major
        elif a.kind == 2:
            length = ((R(8 + 2 * a.edge) >> 4) * a.count) >> 1
            major = minor = (R(2 * a.scale - 2) >> 4) + 2 + length
        return min(4 * major * minor, self.h * self.w)

    def enter(self, a: Layer) -> None:
        """6.6."""
        y, x = self.cell(a)
        self.density[y][x] += 1
        if a.kind == 2 or (a.aspect < 2 and not a.frequency):
            return
        reach = min(a.radii[1] >> 9, 4)
        for i in range(max(y - reach, 0), min(y + reach, self.rows - 1) + 1):
            for j in range(max(x - reach, 0), min(x + reach, self.columns - 1) + 1):
                self.turn[i][j] = 1 + ((a.angle + 4) >> 3) % 8


# 1, 11, 13 -------------------------------------------------------------------------------------


def steps(index: int, chroma: int, comps: int) -> list[int]:
    """Section 1 of the tiles format."""
    out = []
    for comp in range(comps):
        role = comp if comps >= 3 else 0
        i = index
        if role in (1, 2):
            i = clamp(i + (-12, -6, 0, 6, 12, 18, 24, 36)[chroma], 0, 303)
        out.append((STEPS[i % 24] << (i // 24)) * (4096, 3931, 4509, 4096)[role] >> 12)
    return out


def read_tables() -> list[list[int]]:
    """14."""
    out = []
    for name in ("probability", "confidence", "weights"):
        arrays = []
        for path in ("shared/tiles/tables.npz", "codecs/contour/tables.npz"):
            with (files("fractour") / path).open("rb") as stream:
                arrays.append(np.load(stream)[name].tolist())
        out.append(arrays[0] + arrays[1][len(arrays[0]) :])
    return out


def decode(data: bytes, other: Any, drawing: Any, *, partial: bool = False, z: int = 1) -> Any:
    """Decode a contour file without tiles; `other` and `drawing` are the modules named above."""
    file = other.read_container(data, partial=partial)
    invalid = other.InvalidFileError
    if file.codec not in (6, 7) or file.version != 1:
        raise invalid("not a contour file of version 1")
    payload = b"".join(file.packets)
    if len(payload) < 4 and file.complete:
        raise invalid("the payload is too short")
    head = (payload + bytes(4))[:4]
    first, buckets, code = head[2] & 63, head[3], head[2] >> 6
    bare = head[1] >> 6 & 1
    if head[1] >> 7 or first + buckets > 48 or (file.codec == 7 and file.complete and not bare):
        raise invalid("parameters")
    if not bare:
        raise NotImplementedError("tiles")
    step = steps(head[0], head[1] & 7, file.channels)
    coder = other.Coder(payload[4:], *read_tables(), complete=file.complete)
    height, width = file.height, file.width
    parser = Parser(coder, height, width, file.channels, invalid)
    base = parser.base(code)
    layers = parser.layers(first, buckets)
    if file.complete and coder.ended:
        raise invalid("the stream is too short")
    planes = np.zeros((file.channels, height * z, width * z), np.int64)
    drawing.draw_base(base, code, step, planes, z)
    for layer in layers:
        drawing.Pen(_TABLES, layer, step, planes, z).draw()
    planes = (planes + 2**31) % 2**32 - 2**31
    samples = np.moveaxis(planes, 0, -1).reshape(-1, file.channels).tolist()
    pixels = np.array([other.to_pixel(sample, 6) for sample in samples], np.uint8)
    pixels = pixels.reshape(height * z, width * z, file.channels)
    return pixels[:, :, 0] if file.channels == 1 else pixels


class _TABLES:
    """What the drawing needs of this module."""

    COS, SIN, R, AMP = staticmethod(COS), staticmethod(SIN), staticmethod(R), staticmethod(AMP)
    clamp = staticmethod(clamp)
    ACROSS, PAIRS = ACROSS, PAIRS
