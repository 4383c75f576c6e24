"""Images made by code, from an empty sky to a written page; integer arithmetic throughout.

`synthetic.toml` holds their hashes: they are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .lattice import Integers, blend, fractal_noise, ramp, random_below
from .pen import UNIT, Point, Sheet, broad_nib, cosine, round_nib, sine
from .script import TEXT, word_width, write_word

HEIGHT, WIDTH = 256, 384
Pixels = npt.NDArray[np.uint8]


def _grid() -> tuple[Integers, Integers]:
    rows = np.arange(HEIGHT, dtype=np.int64)[:, None]
    columns = np.arange(WIDTH, dtype=np.int64)[None, :]
    return np.broadcast_arrays(rows, columns)  # type: ignore[return-value]


def _color(*samples: int) -> Integers:
    return np.array(samples, np.int64)


def _finish(picture: Integers) -> Pixels:
    return np.clip(picture, 0, 255).astype(np.uint8)


def clouds(seed: int = 11) -> Pixels:
    """Cumulus over a pale horizon, (256, 384, 3): smooth, few edges."""
    row, column = _grid()
    # A plane of cloud seen from below: nearer the horizon everything is smaller.
    depth = 256 * 300 // (HEIGHT + 70 - row)
    x = (column - WIDTH // 2) * depth // 100 + 40_000
    y = 200 * depth // 100
    warp_x = fractal_noise(x, y, seed + 20, 3) >> 9
    warp_y = fractal_noise(x, y, seed + 30, 3) >> 9
    x, y = x + warp_x, y + warp_y
    density = fractal_noise(x, y, seed, 6)
    # Light comes from the upper left: what is thicker towards it lies in shade.
    toward = fractal_noise(x - 40, y - 60, seed, 6)
    shade = np.clip((toward - density) >> 6, -60, 90)
    sky = blend(_color(52, 104, 178), _color(196, 216, 232), (row * 256 // HEIGHT)[..., None])
    thick = ramp(density, 31_000, 52_000)
    lit = np.stack([250 - shade, 249 - shade, 250 - shade * 7 // 8], axis=-1)
    lit = blend(lit, _color(150, 158, 176), ramp(density, 42_000, 60_000)[..., None] * 5 // 8)
    veil = ramp(row, 150, 256)[..., None] // 3
    picture = blend(sky, lit, thick[..., None])
    return _finish(blend(picture, _color(214, 222, 230), veil))


def gradients() -> Pixels:
    """Plain gradients: a colour wheel of corners, a ball, rings, (256, 384, 3)."""
    row, column = _grid()
    across = (column * 256 // (WIDTH - 1))[..., None]
    down = (row * 256 // (HEIGHT - 1))[..., None]
    top = blend(_color(214, 72, 40), _color(244, 210, 90), across)
    bottom = blend(_color(30, 44, 120), _color(60, 180, 150), across)
    picture = blend(top, bottom, down)
    # A ball, lit from the upper left, by a quadratic fall-off.
    away = (row - 120) ** 2 + (column - 110) ** 2
    light = (row - 95) ** 2 + (column - 85) ** 2
    ball = np.stack([238 - light // k for k in (56, 44, 38)], axis=-1)
    picture = np.where((away < 70 * 70)[..., None], np.maximum(ball, 12), picture)
    # Rings whose period shrinks outwards, in grey.
    far = (row - 128) ** 2 + (column - 290) ** 2
    wave = np.abs((far // 2) % 256 - 128)
    rings = np.broadcast_to((64 + wave)[..., None], picture.shape)
    return _finish(np.where((far < 64 * 64)[..., None], rings, picture))


def noise(seed: int = 5) -> Pixels:
    """Noise whose contrast grows to the right and whose grain grows downwards, (256, 384)."""
    row, column = _grid()
    picture = np.full((HEIGHT, WIDTH), 128, np.int64)
    for band in range(4):
        # The sum of four is close to a normal distribution, deviation about 37 at full contrast.
        grain = sum(
            random_below(64, column >> band, row >> band, seed + 4 * band + i) for i in range(4)
        )
        here = (row >> 6) == band
        picture = np.where(here, 128 + (grain - 126) * (16 + column * 240 // WIDTH) // 256, picture)
    return _finish(picture)


def manuscript(seed: int = 7) -> Pixels:
    """Detail of a written page: a broad pen's book hand on stained parchment, (256, 384, 3)."""
    row, column = _grid()
    stain = fractal_noise(column * 3, row * 3, seed, 5)
    fibre = fractal_noise(column * 90, row * 30, seed + 50, 2)
    page = blend(
        _color(232, 214, 176), _color(196, 164, 114), ramp(stain, 20_000, 58_000)[..., None]
    )
    page = page + ((fibre - 32768) >> 12)[..., None]
    gutter = ramp(column, -10, 46)[..., None]
    page = blend(_color(150, 118, 80), page, 96 + gutter * 160 // 256)

    ruling, black, red = (Sheet(HEIGHT, WIDTH) for _ in range(3))
    left, right, pitch, x_height = 34 * UNIT, 376 * UNIT, 22 * UNIT, 8 * UNIT
    words, index = TEXT.split(), 0
    for number, y in enumerate(range(24 * UNIT, (HEIGHT + 20) * UNIT, pitch)):
        ruling.stamp([((left - 6 * UNIT, y), (WIDTH * UNIT, y + UNIT))], round_nib(2))
        # The first lines make room for the initial.
        x = left + (44 * UNIT if number < 3 else 0) + int(random_below(2 * UNIT, number, 0, seed))
        word = words[index % len(words)]
        while x + word_width(word, x_height) < right:
            # The initial is the first letter of the text.
            written = word[1:] if index == 0 else word
            strokes = write_word(written, x, y, x_height, seed + 100 + index)
            (red if index % 29 == 28 else black).stamp(strokes, broad_nib(6, 3))
            x += word_width(written, x_height) + x_height * 5 // 8
            index += 1
            word = words[index % len(words)]
    red.stamp(_initial(left + 14 * UNIT, 8 * UNIT), broad_nib(18, 5))
    black.stamp(_flourish(left + 14 * UNIT, 40 * UNIT), round_nib(3))

    # Ink thins out as the pen runs dry.
    flow = 170 + (fractal_noise(column * 12, row * 12, seed + 60, 3) * 86 >> 16)
    page = blend(page, _color(170, 140, 104), (ruling.coverage() // 3)[..., None])
    page = blend(page, _color(52, 34, 26), (black.coverage() * flow >> 8)[..., None])
    return _finish(blend(page, _color(166, 44, 30), (red.coverage() * flow >> 8)[..., None]))


def _initial(x: int, y: int) -> list[tuple[Point, ...]]:
    """An ``I`` three lines high."""
    h, w = 54 * UNIT, 12 * UNIT
    return [
        ((x, y), (x - 3 * UNIT, y + h // 2), (x, y + h)),
        ((x + 4 * UNIT, y), (x + 7 * UNIT, y + h // 2), (x + 4 * UNIT, y + h)),
        ((x - w, y + 2 * UNIT), (x, y - 3 * UNIT), (x + w + 4 * UNIT, y + 2 * UNIT)),
        ((x - w, y + h - UNIT), (x, y + h + 4 * UNIT), (x + w + 4 * UNIT, y + h - UNIT)),
    ]


def _flourish(x: int, y: int) -> list[tuple[Point, ...]]:
    """Penwork: spirals on both sides of the initial."""
    strokes = []
    for side in (-1, 1):
        for turn in range(0, 900, 15):
            ends = []
            for angle in (turn, turn + 15):
                radius = (11 * UNIT * (960 - angle)) // 960
                ends.append(
                    (
                        x + side * 17 * UNIT + side * radius * cosine(angle) // 4096 + 2 * UNIT,
                        y - 4 * UNIT + radius * sine(angle) // 4096,
                    )
                )
            strokes.append(tuple(ends))
    return strokes


def line_drawing(seed: int = 3) -> Pixels:
    """Pen drawing of hills, a sun and trees, black on white, (256, 384): nothing but edges."""
    sheet = Sheet(HEIGHT, WIDTH)
    _sun(sheet, 296, 62)
    columns = np.arange(WIDTH * 4, dtype=np.int64)
    for hill, (base, relief, scale) in enumerate(
        ((128, 70, 3), (158, 56, 3), (190, 40, 2), (222, 24, 2))
    ):
        wave = fractal_noise(columns * scale // 2, np.zeros_like(columns), seed + 10 * hill, 5)
        edge = base * UNIT - (wave - 32768) * relief * UNIT // 65536
        sheet.erase_below(edge)
        outline = [
            ((i * UNIT // 4, int(edge[i])), ((i + 4) * UNIT // 4, int(edge[i + 4])))
            for i in range(0, WIDTH * 4 - 4, 4)
        ]
        sheet.stamp(outline, round_nib(6 + hill))
        sheet.stamp(_hatching(edge, hill, seed), round_nib(3))
    for tree, (x, y, size) in enumerate(((58, 250, 46), (330, 252, 34), (118, 254, 22))):
        strokes: dict[int, list[tuple[Point, ...]]] = {}
        _branch(strokes, (x * UNIT, y * UNIT), 90, size * UNIT, 6, seed + 40 + tree)
        for level, parts in strokes.items():
            sheet.stamp(parts, round_nib(2 + level * level * size // 160))
    return _finish(255 - sheet.coverage() * 255 // 256)


def _sun(sheet: Sheet, x: int, y: int) -> None:
    def at(degrees: int, radius: int) -> Point:
        return (
            x * UNIT + radius * UNIT * cosine(degrees) // 4096,
            y * UNIT + radius * UNIT * sine(degrees) // 4096,
        )

    sheet.stamp([(at(a, 28), at(a + 6, 28)) for a in range(0, 360, 6)], round_nib(6))
    rays = [(at(a, 34), at(a, 46 if a % 24 else 56)) for a in range(0, 360, 12)]
    sheet.stamp(rays, round_nib(4))


def _hatching(edge: Integers, hill: int, seed: int) -> list[tuple[Point, ...]]:
    """Short strokes down the slopes that fall to the right, where the shade is."""
    strokes: list[tuple[Point, ...]] = []
    for i in range(12, len(edge) - 40, 14 - 2 * hill):
        fall = int(edge[i + 12] - edge[i - 12])
        if fall <= 0:
            continue
        jitter = int(random_below(8, i, hill, seed + 70))
        length = min(fall * 2, 30 * UNIT) + jitter * UNIT
        x, y = i * UNIT // 4, int(edge[i])
        strokes.append(((x, y), (x + length // 4, y + length // 2), (x + length // 3, y + length)))
    return strokes


def _branch(
    strokes: dict[int, list[tuple[Point, ...]]],
    start: Point,
    heading: int,
    length: int,
    level: int,
    seed: int,
) -> None:
    """Grow a tree, the strokes sorted by the level that sets their width."""
    end = (
        start[0] + length * cosine(heading) // 4096,
        start[1] - length * sine(heading) // 4096,
    )
    strokes.setdefault(level, []).append((start, end))
    if level == 0:
        return
    for side, (low, spread) in enumerate(((14, 22), (-36, 22))):
        key = 2 * seed + side
        turn = low + int(random_below(spread, level, key, 1))
        share = 62 + int(random_below(22, level, key, 2))
        _branch(strokes, end, heading + turn, length * share // 100, level - 1, 2 * seed + side)


MAKERS: dict[str, Callable[[], Pixels]] = {
    "clouds": clouds,
    "gradients": gradients,
    "line-drawing": line_drawing,
    "manuscript": manuscript,
    "noise": noise,
}
"""Functions that make the images of the corpus ``synthetic``, by name."""
