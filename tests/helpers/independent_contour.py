"""A second decoder of contour files without tiles, written from FORMAT.md alone. Slow.

Of fractour it takes nothing but the tables; container, entropy coder and colour are those of the
other independent decoder, `independent_wavelet`. Section numbers are those of
``codecs/contour/FORMAT.md``. NumPy holds the samples, 64 bits each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import independent_filter
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
            ("ASPECT", 4, 19693, 19821),
            ("FREQUENCY", 3, 20845, 20925),
            ("ANGLE", 4, 21181, 21325),
            ("PHASE", 3, 21485, 21557),
            ("FINE", 3, 21685, 21717),
            ("PAIR", 4, 21973, 22101),
            ("HEADING", 3, 22613, 22709),
            ("TURN", 6, 22725, 23877),
            ("MANTISSA", 2, 25413, 25461),
            ("EMPTY", 1, 25477, 25525),
            ("SIZE", 12, 25557, 26133),
            ("SIDE", 1, 26229, 26453),
            ("SPLIT", 8, 26474, 27482),
            ("EIGHTH", 7, 27698, 27796),
            ("MORE", 5, 27817, 27897),
            ("DROP", 7, 27937, 27993),
            ("BLUE", 9, 28021, 28057),
            ("RED", 9, 28201, 28237),
            ("SLOPE_SIGN", 1, 28408, 28410),
            ("BASE", 14, 28448, 28784),
            ("BASE_SIGN", 1, 28910, 28919),
            ("SOURCE", 1, 28928, 28931),
            ("NODES", 12, 28933, 29005),
            ("CORNER", 1, 29053, 29061),
            ("LENGTH", 12, 29073, 29229),
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
        row = 695 + 8 * no + 2 * min(i, 3)
        return int(self.coder.mixed([a + x, b + y], row, 895 + 2 * no))

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

    def below(self, n: int) -> int:
        lo, hi = 0, n
        while hi - lo > 1:
            mid = (lo + hi) >> 1
            lo, hi = (mid, hi) if self.flat() else (lo, mid)
        return lo

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
    aspect: int = 0
    frequency: int = 0
    angle: int = 0
    phase: int = 0
    fine: int = 0
    blue: int = 0
    red: int = 0
    further: list[tuple[int, int, int]] = field(default_factory=list)  # pair, drop, phase

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
        k, other = 0, int(role == 2)
        if n == 1:
            k = r.bit("SIDE", (other * 7 + lean) * 16 + level, lean * 3 + role, 0)
        elif n <= 8:
            while k < n:
                i = min(k, 7)
                if not r.bit(
                    "SPLIT", ((other * 9 + n) * 7 + lean) * 8 + i, (n * 3 + role) * 8 + i, i
                ):
                    break
                k += 1
        else:
            lo, hi, node = 0, n + 1, 0
            for _ in range(3):
                mid = (lo + hi) >> 1
                d = r.bit("EIGHTH", (other * 7 + lean) * 7 + node, role * 7 + node, node)
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
        v = r.tree("ASPECT", 4, band, (role * 4 + p) * 8 + band)
        a.aspect = min(v, 9)
        a.frequency = r.tree("FREQUENCY", 3, a.aspect, role * 16 + scale)
        e = clamp(3 + p + (a.aspect >> 2), 3, 6) if a.aspect or a.frequency else 0
        v = r.tree("ANGLE", e, turn, a.aspect)
        a.angle = v << (6 - e) if e else 0
        if a.frequency:
            v = r.tree("PHASE", 3 + p, a.frequency, role * 8 + p * 2)
            a.phase = v << (3 - p)
        else:
            a.phase = 32 * r.flat()
        v = r.tree("FINE", p, p, role * 16 + scale)
        a.fine = ((2 * v + 1) << (3 - p)) >> 1
        if self.pair and a.comp <= 1:
            near = 17
            if a.comp == 0:
                a.blue = r.run("BLUE", 8, p, scale)
                if a.blue:
                    a.blue *= r.sign("SLOPE_SIGN", 0, 0)
                near = a.blue + 8
            a.red = r.run("RED", 8, p, near)
            if a.red:
                a.red *= r.sign("SLOPE_SIGN", 1, 19 + near)
        more = r.run("MORE", 5, scale, role * 4 + p)
        pair = 0
        for i in range(more):
            pair = r.tree("PAIR", 4, a.frequency, pair * 2 + min(i, 1))
            drop = r.run("DROP", 7, a.frequency, p)
            if pair:
                e = 3 + PRECISION(a.bucket + drop, scale)
                phase = r.tree("PHASE", e, 8, role * 8 + p * 2 + 1) << (6 - e)
            else:
                phase = 32 * r.flat()
            a.further.append((pair, drop, phase))

    def footprint(self, a: Layer) -> int:
        """6.5."""
        major, minor = ((radius >> 4) + 2 for radius in a.radii)
        return min(4 * major * minor, self.h * self.w)

    def enter(self, a: Layer) -> None:
        """6.6."""
        y, x = self.cell(a)
        self.density[y][x] += 1
        if a.aspect < 2 and not a.frequency:
            return
        reach = min(a.radii[1] >> 9, 4)
        for i in range(max(y - reach, 0), min(y + reach, self.rows - 1) + 1):
            for j in range(max(x - reach, 0), min(x + reach, self.columns - 1) + 1):
                self.turn[i][j] = 1 + ((a.angle + 4) >> 3) % 8


# 10 outlines -----------------------------------------------------------------------------------


@dataclass
class Fill:
    """A fill (10.1) and its rings: (top, left) and nodes (y, x, corner), sixteenths."""

    soft: int
    value: list[int]
    waves: list[tuple[int, int, int, int, int]]
    rings: list[tuple[int, int, list[tuple[int, int, int]]]] = field(default_factory=list)


def P(k: int, n: int) -> int:
    """10.3."""
    if k <= n:
        return k
    if k <= 3 * n:
        return n
    if k <= 5 * n:
        return 4 * n - k
    return -n if k <= 7 * n else k - 8 * n


class Outliner:
    """Outlines of a file."""

    def __init__(self, parser: Parser, step: list[int]) -> None:
        self.p, self.r, self.step = parser, parser.r, step
        self.originals: list[tuple[int, int, int, list[tuple[int, int, int]]]] = []
        self.rings = self.nodes = self.work = 0

    def read(self) -> list[Fill]:
        """10.1."""
        p, r = self.p, self.r
        p.density = [[0] * p.columns for _ in range(p.rows)]
        out: list[Fill] = []
        fills = r.escape() + 1
        if fills > 4096:
            raise p.invalid("fills")
        for _ in range(fills):
            coarse, soft = r.below(4), r.below(4)
            value = [r.number(10) - 1024 - 512 if r.flat() else 0 for _ in range(p.c)]
            waves: list[tuple[int, int, int, int, int]] = []
            while len(waves) < 8 and r.flat():
                waves.append((0, 0, 0, 0, 0))
            for i in range(len(waves)):
                comp, down, right = r.below(p.c), r.below(8), r.below(15) - 7
                waves[i] = comp, down, right, r.below(16), min(r.escape(), 511)
            count = r.escape() + 1
            if r.ended:
                return out
            if self.rings + count > min(p.h * p.w // 4 + 64, 65535):
                raise p.invalid("rings")
            most = max((abs(v) << 20) // s for v, s in zip(value, self.step, strict=True))
            g = clamp(7 - most.bit_length(), 0, 4) + coarse
            places: list[tuple[int, int]] = []
            p.halve(0, 0, p.h, p.w, count, 4, 2, places)
            fill = Fill(soft, value, waves)
            out.append(fill)
            repeated = 0
            for top, left in places:
                again = 0
                if self.originals:
                    again = r.run("SOURCE", 1, repeated, 0)
                    repeated = 1 + again
                found = self.again(top, left) if again else self.new(top, left, g)
                if found is None or r.ended:
                    p.density = [[0] * p.columns for _ in range(p.rows)]
                    return out
                if self.work > 256 * p.h * p.w + 2**20:
                    raise p.invalid("work")
                fill.rings.append(found)
                self.rings += 1
                p.density[min(top >> 8, p.rows - 1)][min(left >> 8, p.columns - 1)] += 1
        p.density = [[0] * p.columns for _ in range(p.rows)]
        return out

    def again(self, top: int, left: int) -> Any:
        y, x, work, nodes = self.originals[self.r.below(len(self.originals))]
        self.work += work
        return top + y, left + x, nodes

    def new(self, top: int, left: int, g: int) -> Any:
        """10.2."""
        p, r = self.p, self.r
        s = r.run("NODES", 15, min(len(self.originals).bit_length(), 5), min(g, 3))
        count = r.number(s) + 2
        if self.nodes + count > min(p.h * p.w // 4 + 256, 2**19):
            if r.ended:
                return None
            raise p.invalid("nodes")
        fine = []
        for _ in range(2):
            fine.append(0)
            for bit in range(3, g - 1, -1):
                fine[-1] |= r.flat() << bit
        nodes, length = self.way(count, g)
        self.nodes += count
        self.work += length << g
        self.originals.append((fine[0], fine[1], length << g, nodes))
        return top + fine[0], left + fine[1], nodes

    def way(self, count: int, g: int) -> tuple[list[tuple[int, int, int]], int]:
        """10.3."""
        r = self.r
        corner = r.run("CORNER", 1, 7, 11)
        nodes = [(0, 0, corner)]
        y = x = number = distance = earlier = 0
        turned, work = 4, 8
        far = (16 * max(self.p.h, self.p.w) + 4096) >> g
        for i in range(1, count):
            start, before = corner, min(distance.bit_length(), 12)
            corner = r.run("CORNER", 1, start * 2 + earlier, min(before, 11))
            earlier = start
            log = r.run("LENGTH", 17, before, corner * 9 + turned)
            top, size = min(log, 2), min(log, 11)
            rest = r.tree("MANTISSA", top, clamp(log - 1, 0, 11), corner * 2 + min(top, 1))
            n = 2**top + rest
            for _ in range(log - top):
                n = 2 * n + r.flat()
            if i == 1:
                k = r.tree("HEADING", 3, size, corner) * n + r.below(n)
            else:
                sector = r.tree("TURN", 6, start * 9 + turned, start * 12 + size)
                low = min((sector * n + 7) // 8, 8 * n - 1)
                part = r.below(((sector + 1) * n + 7) // 8 - low)
                k = (number * n // distance + low + part) % (8 * n)
                z = sector if sector < 32 else 63 - sector
                big = 0 if z == 0 else 1 if z < 4 else 2 if z < 8 else 3 if z < 16 else 4
                turned = 4 + big if sector < 32 else 4 - big
            y = clamp(y + P(k, n), -far, far)
            x = clamp(x + P((k + 2 * n) % (8 * n), n), -far, far)
            number, distance = k, n
            nodes.append((y << g, x << g, corner))
            work += n + 8
        return nodes, work + max(abs(y), abs(x))


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
    if file.codec not in (6, 7) or file.version != 5:
        raise invalid("not a contour file of version 5")
    payload = b"".join(file.packets)
    if len(payload) < 4 and file.complete:
        raise invalid("the payload is too short")
    head = (payload + bytes(4))[:4]
    first, buckets, code = head[2] & 63, head[3], head[2] >> 6
    bare = head[1] >> 6 & 1
    postfilter = head[1] >> 3 & 7
    if first + buckets > 48 or postfilter > 4 or (file.codec == 7 and file.complete and not bare):
        raise invalid("parameters")
    if not bare:
        raise NotImplementedError("tiles")
    step = steps(head[0], head[1] & 7, file.channels)
    coder = other.Coder(payload[4:], *read_tables(), complete=file.complete)
    height, width = file.height, file.width
    parser = Parser(coder, height, width, file.channels, invalid)
    base = parser.base(code)
    fills = Outliner(parser, step).read() if head[1] >> 7 else []
    layers = parser.layers(first, buckets)
    if file.complete and coder.ended:
        raise invalid("the stream is too short")
    planes = np.zeros((file.channels, height * z, width * z), np.int64)
    drawing.draw_base(base, code, step, planes, z)
    for fill in fills:
        drawing.draw_fill(_TABLES, fill, planes, z)
    for layer in layers:
        drawing.Pen(_TABLES, layer, step, planes, z).draw()
    planes = (planes + 2**31) % 2**32 - 2**31
    if z == 1:
        planes = independent_filter.refine(planes, step, postfilter)
    samples = np.moveaxis(planes, 0, -1).reshape(-1, file.channels).tolist()
    pixels = np.array([other.to_pixel(sample, 6) for sample in samples], np.uint8)
    pixels = pixels.reshape(height * z, width * z, file.channels)
    pixels = other.enlarge(pixels, file)
    return pixels[:, :, 0] if file.channels == 1 else pixels


class _TABLES:
    """What the drawing needs of this module."""

    COS, SIN, R, AMP = staticmethod(COS), staticmethod(SIN), staticmethod(R), staticmethod(AMP)
    clamp = staticmethod(clamp)
    ACROSS, PAIRS = ACROSS, PAIRS
