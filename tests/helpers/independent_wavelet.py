"""A second decoder of wavelet files, written from the two FORMAT.md alone. Slow, plain Python.

Of fractour it takes nothing but ``tables.npz``. Section numbers: *S* is ``shared/FORMAT.md``, *W*
``codecs/wavelet/FORMAT.md``. NumPy only reads the tables and holds the pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np

LL, HL, LH, HH = range(4)
CROSS = ((0, -1), (0, 1), (-1, 0), (1, 0))
CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
FAR = ((0, -2), (0, 2), *((y, x) for y in (-2, 2) for x in (-1, 0, 1)))


class InvalidFileError(Exception):
    """The bytes are not valid."""


def clamp(value: int, low: int, high: int) -> int:
    """Limit `value` to ``low..high``."""
    return min(max(value, low), high)


def wrap(value: int) -> int:
    """Keep 32 bits, two's complement."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


# S 1: container ------------------------------------------------------------------------------


@dataclass
class Container:
    """What a file holds (S 1); `width` and `height` are those that the codec codes."""

    codec: int
    version: int
    width: int
    height: int
    channels: int
    packets: list[bytes]
    complete: bool
    full: tuple[int, int]
    reduction: int


def read_container(data: bytes, *, partial: bool) -> Container:
    """Parse and check a file (S 1.1 to 1.3).

    Parameters
    ----------
    data : bytes
    partial : bool
        Whether a file that is cut inside a packet is wanted.
    """
    at = 0

    def byte() -> int:
        nonlocal at
        if at >= len(data):
            raise InvalidFileError("ends in its header")
        at += 1
        return data[at - 1]

    def varint() -> int:
        value = 0
        for i in range(5):
            b = byte()
            value |= (b & 127) << 7 * i
            if b < 128:
                return value
        raise InvalidFileError("varint")

    flags = byte()
    if flags >> 4 == 9:
        width, height, codec, version, channels, reduction = short_header(flags, byte, varint)
        if flags & 3 == 3:
            raise InvalidFileError("kind of checksum")
        crc_bytes = 2 * (flags & 3)
    elif flags >> 4 == 10:
        version, shape = flags & 15, byte()
        if not version:
            raise InvalidFileError("version")
        width, height = short_sides(shape >> 6, byte, varint)
        codec, channels, reduction = (2, 3, 4, 6)[shape % 4], 3 if shape & 4 else 1, shape >> 3 & 7
        flags = crc_bytes = 0
    else:
        if bytes([flags, byte()]) != b"\x8f\x46":
            raise InvalidFileError("magic")
        codec, flags = byte(), byte()
        version, channels, reduction, crc_bytes = flags >> 4, (flags & 3) + 1, 0, 4
        width, height = varint(), varint()
    head = data[:at]
    crc = int.from_bytes(bytes(byte() for _ in range(crc_bytes)), "big")
    rest = data[at:]
    n = 1
    if flags & 4:
        n = byte() + 1
        if not 2 <= n <= 32:
            raise InvalidFileError("number of packets")
    lengths = [varint() for _ in range(n - 1)]
    if codec > 127 or not width or not height or 0 in lengths:
        raise InvalidFileError("header")
    packets = []
    inside = False
    for length in [*lengths, len(data)]:
        if at < len(data):
            packets.append(data[at : at + length])
        inside = inside or (len(packets) < n and at < len(data) < at + length)
        at += length
    if not packets:
        raise InvalidFileError("no packet")
    checks = {0: lambda _: 0, 2: crc16, 4: zlib.crc32}
    if len(packets) == n and checks[crc_bytes](head + rest) != crc:
        raise InvalidFileError("checksum")
    if inside and not partial:
        raise InvalidFileError("cut inside a packet")
    complete = not flags & 8 and len(packets) == n
    coded = [-(-side // 2**reduction) for side in (width, height)]
    full = (width, height)
    return Container(codec, version, *coded, channels, packets, complete, full, reduction)


def short_header(flags: int, byte: Callable[[], int], varint: Callable[[], int]) -> tuple[int, ...]:
    """Read what follows the first byte of a short frame (S 1.2)."""
    both = byte()
    version, codec = both >> 4, both & 15
    if codec == 0:
        codec = byte()
        if 1 <= codec <= 15:
            raise InvalidFileError("codec number")
    shape = byte()
    if bool(shape & 32) != (flags & 3 == 0):
        raise InvalidFileError("compact")
    width, height = short_sides(shape >> 6, byte, varint)
    return width, height, codec, version, shape % 4 + 1, shape >> 2 & 7


def short_sides(form: int, byte: Callable[[], int], varint: Callable[[], int]) -> tuple[int, int]:
    """Read width and height in one of four forms (S 1.2)."""
    if form == 0:
        return varint(), varint()
    if form == 1:
        value = byte() << 16 | byte() << 8 | byte()
        return (value >> 12) + 1, (value & 4095) + 1
    if form == 2:
        return 16 * (byte() + 1), 16 * (byte() + 1)
    value = byte()
    return 64 * (value // 16 + 1), 64 * (value % 16 + 1)


def crc16(data: bytes) -> int:
    """CRC-16 (S 1.2), bit by bit."""
    crc = 0xFFFF
    for value in data:
        crc ^= value << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


# S 4: reduced pictures -----------------------------------------------------------------------


def enlarge(pixels: np.ndarray, file: Container) -> np.ndarray:
    """Enlarge (h, w, C) pixels to the size of the picture (S 4)."""
    if file.reduction == 0:
        return pixels
    values = pixels.astype(int) * 16
    for k in reversed(range(file.reduction)):
        width, height = (-(-side // 2**k) for side in file.full)
        old = np.pad(values, ((2, 2), (2, 2), (0, 0)), mode="edge")
        values = np.zeros((height, width, file.channels), int)
        for y in range(height):
            for x in range(width):
                total = 0
                for j, a in zip((-1, 0, 1, 2), (-9, 111, 29, -3), strict=True):
                    row = old[2 + y // 2 + (j if y % 2 else -j)]
                    for i, b in zip((-1, 0, 1, 2), (-9, 111, 29, -3), strict=True):
                        total = total + a * b * row[2 + x // 2 + (i if x % 2 else -i)]
                values[y, x] = np.clip((total + 8192) >> 14, 0, 4080)
    return np.minimum((values + 8) >> 4, 255).astype(np.uint8)


# S 2: entropy coder --------------------------------------------------------------------------


def _squash() -> list[int]:
    low = [1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267]
    low += [342, 439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108, 3938, 4971, 6249, 7812, 9702]
    low += [11955, 14595, 17625, 21025, 24743, 28693, 32768]
    k = low + [65536 - low[44 - j] for j in range(1, 45)] + [0]
    out = []
    for s in range(-2816, 2817):
        i, r = (s + 2816) >> 6, (s + 2816) & 63
        out.append(clamp((k[i] * (64 - r) + k[i + 1] * r + 32) >> 6, 1, 65535))
    return out


def _stretch(squash: list[int]) -> list[int]:
    out = []
    s = -2816
    for q in range(4096):
        while squash[s + 2816] >> 4 < q:
            s += 1
        out.append(s)
    return out


SQUASH = _squash()  # index s + 2816
STRETCH = _stretch(SQUASH)
RATE = [131072 // (2 * n + 3) for n in range(256)]


class Coder:
    """Range decoder and adaptive states (S 2.1 to 2.4)."""

    def __init__(
        self, stream: bytes, p: list[int], n: list[int], w: list[int], *, complete: bool
    ) -> None:
        self.stream, self.complete = stream, complete
        self.p, self.n, self.w = p, n, w
        self.range = 2**32 - 1
        self.code = int.from_bytes(stream[:4] + bytes(4 - len(stream[:4])), "big")
        self.pos = 4
        self.ended = not complete and len(stream) < 4

    def decide(self, p: int) -> int:
        """Decode a decision with the probability `p` of a 1."""
        bound = (self.range * p) >> 16
        if self.code < bound:
            bit = 1
            self.range = bound
        else:
            bit = 0
            self.code -= bound
            self.range -= bound
        while self.range < 1 << 24:
            self.range <<= 8
            byte = 0
            if self.pos < len(self.stream):
                byte = self.stream[self.pos]
            elif not self.complete or self.pos >= len(self.stream) + 4:
                self.ended = True
            self.code = self.code << 8 | byte
            self.pos += 1
        return bit

    def mixed(self, contexts: list[int], a: int, b: int) -> int:
        """Decode a decision that `contexts` predict, with the weights at `a` and `b`."""
        x = [STRETCH[self.p[c] >> 4] for c in contexts]
        dot = sum(x[i] * (self.w[a + i] + self.w[b + i]) for i in range(len(x)))
        p = SQUASH[clamp((dot + 32768) >> 16, -2816, 2816) + 2816]
        bit = self.decide(p)
        t = 65535 if bit else 0
        e = t - p
        for i, c in enumerate(contexts):
            d = (x[i] * e + 32768) >> 16
            self.w[a + i] = wrap(self.w[a + i] + d)
            self.w[b + i] = wrap(self.w[b + i] + d)
            self.p[c] += ((t - self.p[c]) * RATE[self.n[c]]) >> 16
            self.n[c] = min(self.n[c] + 1, 255)
        return bit


# W 2, 3: subbands, and what is known of them ---------------------------------------------------


class Grid:
    """Numbers in rows and columns; outside is zero."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.data = [0] * (rows * columns)

    def __getitem__(self, at: tuple[int, int]) -> int:
        y, x = at
        if 0 <= y < self.rows and 0 <= x < self.columns:
            return self.data[y * self.columns + x]
        return 0

    def __setitem__(self, at: tuple[int, int], value: int) -> None:
        self.data[at[0] * self.columns + at[1]] = value


NOTHING = Grid(0, 0)


@dataclass(eq=False)
class Known:
    """What the decoder knows of one subband of one component (W 3)."""

    rows: int
    columns: int
    m: Grid = field(init=False)
    g: Grid = field(init=False)
    b: list[Grid] = field(init=False)

    def __post_init__(self) -> None:
        self.m, self.g = Grid(self.rows, self.columns), Grid(self.rows, self.columns)
        sides = (4, 16, 64)
        self.b = [Grid(-(-self.rows // s), -(-self.columns // s)) for s in sides]


@dataclass(eq=False)
class Band:
    """A subband (W 2), and what is known of it in each component."""

    orient: int
    level: int
    rows: int
    columns: int
    top: int
    left: int
    known: list[Known]
    parent: Band | None = None
    siblings: list[Band] = field(default_factory=list)


def make_bands(height: int, width: int, components: int) -> tuple[list[int], list[int], list[Band]]:
    """Lay out the subbands: h[], w[], and the subbands in order (W 2)."""
    h, w = [height], [width]
    while (h[-1], w[-1]) != (1, 1):
        h.append((h[-1] + 1) // 2)
        w.append((w[-1] + 1) // 2)
    top = len(h) - 1
    places = [(LL, top, 1, 1, 0, 0)]
    for l in range(top, 0, -1):  # noqa: E741
        high, wide = h[l - 1] - h[l], w[l - 1] - w[l]
        places.append((HL, l, h[l], wide, 0, w[l]))
        places.append((LH, l, high, w[l], h[l], 0))
        places.append((HH, l, high, wide, h[l], w[l]))
    bands: list[Band] = []
    found: dict[tuple[int, int], Band] = {}
    for orient, level, rows, columns, y, x in places:
        if not rows or not columns:
            continue
        known = [Known(rows, columns) for _ in range(components)]
        band = Band(orient, level, rows, columns, y, x, known)
        band.parent = found.get((orient, level + 1))
        wanted = {LH: [HL], HH: [LH, HL]}.get(orient, [])
        band.siblings = [found[o, level] for o in wanted if (o, level) in found]
        found[orient, level] = band
        bands.append(band)
    return h, w, bands


# W 4 to 6: coefficients ------------------------------------------------------------------------


def four(v: int) -> int:
    """FOUR of W 6."""
    return (0, 1, 2, 2)[v] if v < 4 else 3


def six(v: int) -> int:
    """SIX of W 6."""
    return (0, 1, 2, 3, 3, 4, 4, 4)[v] if v < 8 else 5


def near_class(v: int) -> int:
    """NEAR of W 6."""
    if v < 12:
        return (0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 7)[v]
    return 8 if v < 16 else 9 if v < 24 else 10 if v < 36 else 11


class _EndedError(Exception):
    """The data ends here."""


class Pass:
    """One plane of one subband of one component."""

    def __init__(self, coder: Coder, band: Band, comp: int, plane: int) -> None:
        self.coder, self.band, self.comp, self.plane = coder, band, comp, plane
        self.own = band.known[comp]
        self.parent = band.parent.known[comp] if band.parent else None
        self.siblings = [other.known[comp] for other in band.siblings]
        self.chroma = int(comp in (1, 2))
        self.c2, self.p11 = min(comp, 2), min(plane, 11)
        self.depth = clamp(band.level, 1, 8) - 1

    def mixed(self, contexts: list[int], a: int, b: int) -> int:
        """Decode, unless the data has ended."""
        if self.coder.ended:
            raise _EndedError
        return self.coder.mixed(contexts, a, b)

    def cap(self, grid: Grid, y: int, x: int, limit: int) -> int:
        """cap() of W 6."""
        return min(grid[y, x] >> self.plane, limit)

    def around(self, grid: Grid, y: int, x: int, limit: int) -> int:
        """Sum of cap() of the four neighbours."""
        return sum(self.cap(grid, y + dy, x + dx, limit) for dy, dx in CROSS)

    def flag(self, k: int, i: int, j: int) -> int:
        """Decode a flag (W 6.1)."""
        grid = self.own.b[k]
        near = sum(grid[i + dy, j + dx] for dy, dx in CROSS)
        diag = sum(grid[i + dy, j + dx] for dy, dx in CORNERS)
        above = 0
        if self.parent and k == 0:
            m = self.parent.m
            above = four(sum(self.cap(m, 2 * i + a, 2 * j + b, 2) for a in (0, 1) for b in (0, 1)))
        elif self.parent:
            up, u, v = self.parent.b[k], i >> 1, j >> 1
            above = 2 * up[u, v] + int(any(up[u + dy, v + dx] for dy, dx in CROSS))
        twins = 1 + sum(s.b[k][i, j] for s in self.siblings) if self.siblings else 0
        luma = 0
        if self.comp:
            luma = self.band.known[0].b[k][i, j]
        if self.comp == 2:
            luma |= self.band.known[1].b[k][i, j]
        chroma, depth = self.chroma, self.depth
        contexts = [
            ((k * 5 + near) * 5 + diag) * 2 + chroma,
            150 + (((k * 4 + above) * 4 + twins) * 2 + luma) * 2 + chroma,
            342 + ((k * 8 + depth) * 12 + self.p11) * 2 + chroma,
        ]
        return self.mixed(contexts, ((k * 2 + chroma) * 3 + min(near, 2)) * 3, 54 + depth * 3)

    def _side(self, index: int, y: int, x: int) -> int:
        if index >= len(self.siblings):
            return 0
        m = self.siblings[index].m
        v = self.cap(m, y, x, 3)
        if v:
            return min(v + 1, 3)
        return int(self.around(m, y, x, 1) > 0)

    def significance(self, y: int, x: int) -> int:
        """Decode whether a coefficient becomes significant (W 6.2)."""
        m = self.own.m
        w, e, n, s = (self.cap(m, y + dy, x + dx, 3) for dy, dx in CROSS)
        hor, ver = min(w, 2) + min(e, 2), min(n, 2) + min(s, 2)
        if self.band.orient == HL:
            hor, ver = ver, hor
        cross = w + e + n + s
        diag = sum(self.cap(m, y + dy, x + dx, 3) for dy, dx in CORNERS)
        near = near_class(2 * cross + diag)
        far = sum(self.cap(m, y + dy, x + dx, 1) for dy, dx in FAR)
        over = self.parent.m if self.parent else NOTHING
        up = self.cap(over, y >> 1, x >> 1, 3)
        upnear = four(self.around(over, y >> 1, x >> 1, 2))
        side, side2 = self._side(0, y, x), self._side(1, y, x)
        other0 = ring = other1 = 0
        if self.chroma:
            luma = self.band.known[0].m
            other0 = self.cap(luma, y, x, 3)
            ring = four(self.around(luma, y, x, 2))
        if self.comp == 2:
            other1 = 1 + self.cap(self.band.known[1].m, y, x, 2)
        kind = {HH: 1, LL: 2}.get(self.band.orient, 0)
        chroma, depth = self.chroma, self.depth
        last = (((chroma + int(other1 > 0)) * 4 + other0) * 4 + ring) * 16 + other1 * 4 + four(near)
        contexts = [
            918 + ((min(kind, 1) * 5 + hor) * 5 + ver) * 4 + four(diag),
            1118 + (near * 4 + up) * 4 + upnear,
            1310 + (depth * 12 + self.p11) * 3 + self.c2,
            1598 + ((side * 4 + side2) * 6 + six(cross)) * 3 + kind,
            1886 + (depth * 9 + far) * 2 + int(near > 0),
            2030 + last,
        ]
        a = 78 + ((chroma * 6 + six(cross)) * 2 + int(self.plane == 0)) * 6
        return self.mixed(contexts, a, 222 + ((kind * 8 + depth) * 4 + up) * 6)

    def sign(self, y: int, x: int) -> int:
        """Decode a sign (W 6.3)."""
        g, orient = self.own.g, self.band.orient
        gw, ge, gn, gs = (1 + g[y + dy, x + dx] for dy, dx in CROSS)
        luma = 1 + self.band.known[0].g[y, x] if self.chroma else 1
        blue = 1 + self.band.known[1].g[y, x] if self.comp == 2 else 1
        up = 1 + self.parent.g[y >> 1, x >> 1] if self.parent else 1
        along = gn if orient == HL else gw
        contexts = [
            2798 + (((gw * 3 + ge) * 3 + gn) * 3 + gs) * 4 + orient,
            3122 + ((self.c2 * 3 + luma) * 3 + blue) * 4 + orient,
            3230 + ((up * 3 + along) * 3 + min(orient, 2)) * 3 + self.c2,
        ]
        return self.mixed(contexts, 798 + self.chroma * 3, 804 + (orient * 3 + self.c2) * 3)

    def refinement(self, y: int, x: int) -> int:
        """Decode one more bit of a magnitude (W 6.4)."""
        m = self.own.m
        v = m[y, x] >> (self.plane + 1)
        size = 0 if v == 1 else 1 if v in (2, 3) else 2
        near = self.around(m, y, x, 9)
        grade = sum(near > limit for limit in (0, 2, 4, 7, 12))
        up = self.cap(self.parent.m, y >> 1, x >> 1, 6) if self.parent else 0
        contexts = [
            3311 + (size * 6 + grade) * 2 + self.chroma,
            3347 + (self.depth * 12 + self.p11) * 3 + size,
            3635 + (size * 8 + up) * 3 + (0 if near <= 2 else 1 if near <= 6 else 2),
        ]
        return self.mixed(contexts, 840 + (self.chroma * 3 + size) * 3, 858 + self.depth * 3)

    def enter(self, k: int, i: int, j: int) -> bool:
        """Tell whether a block is open (W 4)."""
        grid = self.own.b[k]
        if grid[i, j]:
            return True
        flagged = k == 0 or max(self.band.rows, self.band.columns) > 4**k
        if flagged and not self.flag(k, i, j):
            return False
        grid[i, j] = 1
        return True

    def inside(self, k: int, i: int, j: int) -> Iterator[tuple[int, int]]:
        """Blocks of class `k` (coefficients for -1) in a block of the next class."""
        grid = self.own.b[k] if k >= 0 else self.own.m
        for y in range(4 * i, min(4 * i + 4, grid.rows)):
            for x in range(4 * j, min(4 * j + 4, grid.columns)):
                yield y, x

    def coefficient(self, y: int, x: int) -> None:
        """Decode one bit of a coefficient (W 4)."""
        m, g = self.own.m, self.own.g
        if m[y, x]:
            m[y, x] |= self.refinement(y, x) << self.plane
        elif self.significance(y, x):
            negative = self.sign(y, x)
            m[y, x] = 1 << self.plane
            g[y, x] = -1 if negative else 1

    def run(self) -> None:
        """Decode the pass (W 4)."""
        widest = self.own.b[2]
        for i in range(widest.rows):
            for j in range(widest.columns):
                self._block(2, i, j)

    def _block(self, k: int, i: int, j: int) -> None:
        if self.enter(k, i, j):
            for y, x in self.inside(k - 1, i, j):
                if k:
                    self._block(k - 1, y, x)
                else:
                    self.coefficient(y, x)


def read_coefficients(coder: Coder, bands: list[Band], components: int, first: int) -> list[int]:
    """Decode all coefficients; return the last plane of each subband (W 4, 5)."""
    done = 0
    try:
        for plane in range(first, -1, -1):
            for band in bands:
                for comp in range(components):
                    Pass(coder, band, comp, plane).run()
                if coder.ended:
                    raise _EndedError
                done += 1
    except _EndedError:
        pass
    if coder.complete and coder.ended:
        raise InvalidFileError("the stream is too short")
    q, r = divmod(done, len(bands))
    return [first + 1 - q - (1 if b < r else 0) for b in range(len(bands))]


# W 7: dequantization ---------------------------------------------------------------------------

MANTISSA = [
    *(16384, 16562, 16743, 16925, 17109, 17296, 17484, 17674, 17867, 18061, 18258, 18457, 18658),
    *(18861, 19066, 19274, 19484, 19696, 19911, 20127, 20347, 20568, 20792, 21019, 21247, 21479),
    *(21713, 21949, 22188, 22430, 22674, 22921, 23170, 23423, 23678, 23936, 24196, 24460, 24726),
    *(24995, 25268, 25543, 25821, 26102, 26386, 26674, 26964, 27258, 27554, 27855, 28158, 28464),
    *(28774, 29088, 29405, 29725, 30048, 30376, 30706, 31041, 31379, 31720, 32066, 32415),
]
LOW = [3594, 3053, 2628, 2279, 1981, 1723, 1499, 1304, 1134, 986, 858, 746]
HIGH = [4616, 4165, 3494, 2989, 2587, 2248, 1954, 1700, 1479, 1286, 1119, 973]


def gain(table: list[int], level: int) -> int:
    """Gain of a level (W 7.1)."""
    if level == 0:
        return 4096
    value = table[min(level, 12) - 1]
    for _ in range(12, level):
        value = (value * 4096 + 2354) // 4709
    return value or 1


def band_step(band: Band, step: int, comp: int, components: int) -> int:
    """Step of a subband (W 7.1)."""
    base = MANTISSA[step % 64] << (step // 64)
    own = (base * ((4096, 3931, 4509, 4096)[comp] if components > 2 else 4096)) >> 12
    ver = gain(HIGH if band.orient in (LH, HH) else LOW, band.level)
    hor = gain(HIGH if band.orient in (HL, HH) else LOW, band.level)
    return max((own * ver * hor) >> 24, 1)


def value_of(m: int, g: int, last: int, q: int) -> int:
    """Coefficient with 6 fractional bits (W 7.2)."""
    if m == 0:
        return 0
    u = last
    if u > 0 and m >> (u - 1) & 1:
        u -= 1
    v = ((2 * m + (1 << u) - 1) * q + 1024) >> 11
    return min(v, 1 << 26) * g


# W 8: inverse transform ------------------------------------------------------------------------


def merge(t: list[int], a: int) -> list[int]:
    """Merge a line (W 8)."""
    lo, hi = t[:a], t[a:]
    m = len(hi)
    if not m:
        return t

    def lift_low(factor: int) -> None:
        for i in range(a):
            change = (factor * (hi[max(i - 1, 0)] + hi[min(i, m - 1)]) + 8192) >> 14
            lo[i] = wrap(lo[i] - change)

    def lift_high(factor: int) -> None:
        for i in range(m):
            change = (factor * (lo[i] + lo[min(i + 1, a - 1)]) + 8192) >> 14
            hi[i] = wrap(hi[i] - change)

    lift_low(7266)
    lift_high(14466)
    lift_low(-868)
    lift_high(-25987)
    out = [0] * len(t)
    out[0::2], out[1::2] = lo, hi
    return out


def inverse(area: list[list[int]], h: list[int], w: list[int]) -> None:
    """Undo the decomposition in place (W 8)."""
    for level in range(len(h) - 1, 0, -1):
        rows, columns = h[level - 1], w[level - 1]
        for x in range(columns):
            column = merge([area[y][x] for y in range(rows)], h[level])
            for y in range(rows):
                area[y][x] = column[y]
        for y in range(rows):
            area[y][:columns] = merge(area[y][:columns], w[level])


# S 3: colour -----------------------------------------------------------------------------------


def to_pixel(samples: list[int], fraction: int) -> list[int]:
    """Pixel of the components' samples at one place."""

    def plain(v: int) -> int:
        return ((v + (1 << (fraction - 1))) >> fraction) + 128

    if len(samples) < 3:
        out = [plain(v) for v in samples]
    else:
        y, cb, cr = samples[:3]
        s = fraction + 14
        u = (y << 14) + (1 << (s - 1))
        out = [
            ((u + 22970 * cr) >> s) + 128,
            ((u - 5638 * cb - 11700 * cr) >> s) + 128,
            ((u + 29032 * cb) >> s) + 128,
            *(plain(v) for v in samples[3:]),
        ]
    return [clamp(v, 0, 255) for v in out]


# -----------------------------------------------------------------------------------------------


def read_tables() -> dict[str, list[int]]:
    """Initial states (W 6.5): lists by name."""
    with (files("fractour") / "codecs/wavelet/tables.npz").open("rb") as stream:
        stored: Callable[[str], np.ndarray] = np.load(stream).__getitem__
        return {key: stored(key).tolist() for key in ("probability", "confidence", "weights")}


def decode(data: bytes, *, partial: bool = False) -> np.ndarray:
    """Decode a wavelet file.

    Parameters
    ----------
    data : bytes
    partial : bool
        Whether a file that is cut inside a packet is wanted.

    Returns
    -------
    (H, W) or (H, W, C) uint8
    """
    file = read_container(data, partial=partial)
    if (file.codec, file.version) != (2, 1):
        raise InvalidFileError("not a wavelet file of version 1")
    payload = b"".join(file.packets)
    if len(payload) < 2:
        if file.complete:
            raise InvalidFileError("the payload is too short")
        payload += b"\0"
    parameters = int.from_bytes(payload[:2], "big")
    step, first = parameters >> 5, parameters & 31
    if step > 1023 or first > 23:
        raise InvalidFileError("parameters")
    h, w, bands = make_bands(file.height, file.width, file.channels)
    tables = read_tables()
    coder = Coder(
        payload[2:],
        tables["probability"],
        tables["confidence"],
        tables["weights"],
        complete=file.complete,
    )
    last = read_coefficients(coder, bands, file.channels, first)
    planes = []
    for comp in range(file.channels):
        area = [[0] * file.width for _ in range(file.height)]
        for band, unknown in zip(bands, last, strict=True):
            q = band_step(band, step, comp, file.channels)
            known = band.known[comp]
            for y in range(band.rows):
                for x in range(band.columns):
                    value = value_of(known.m[y, x], known.g[y, x], unknown, q)
                    area[band.top + y][band.left + x] = value
        inverse(area, h, w)
        planes.append(area)
    pixels = np.zeros((file.height, file.width, file.channels), np.uint8)
    for y in range(file.height):
        for x in range(file.width):
            pixels[y, x] = to_pixel([plane[y][x] for plane in planes], 6)
    pixels = enlarge(pixels, file)
    return pixels[:, :, 0] if file.channels == 1 else pixels
