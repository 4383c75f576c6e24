"""A book hand for synthetic manuscripts: letters as pen strokes.

Letter space: x to the right, y up, 100 = the height of a small ``n``; 0 is the base line.
A stroke of 2, 3 or 4 points is a line, a quadratic or a cubic curve.
"""

from __future__ import annotations

from .lattice import random_below
from .pen import Point

Stroke = tuple[Point, ...]

_BOWL_LEFT: Stroke = ((62, 92), (0, 110), (-6, -14), (62, 8))
_BOWL_RIGHT: Stroke = ((30, 94), (98, 112), (96, -10), (28, 4))
_FOOT: Stroke = ((0, 8), (8, -2), (20, 10))


def _minim(x: int, top: int = 100, bottom: int = 6) -> tuple[Stroke, ...]:
    """A short upright with its entry and exit serif."""
    return (
        ((x - 16, top - 18), (x, top)),
        ((x, top), (x - 3, bottom)),
        ((x - 3, bottom), (x + 4, bottom - 8), (x + 16, bottom + 8)),
    )


def _arch(x: int, width: int = 54) -> tuple[Stroke, ...]:
    """An arch from one upright into the next."""
    return (
        ((x, 76), (x + 20, 102), (x + width - 14, 104), (x + width, 84)),
        ((x + width, 84), (x + width - 3, 6)),
        ((x + width - 3, 6), (x + width + 4, -2), (x + width + 16, 12)),
    )


# Letter: advance, strokes.
LETTERS: dict[str, tuple[int, tuple[Stroke, ...]]] = {
    "a": (
        84,
        (
            ((10, 82), (30, 108), (58, 104), (58, 70)),
            ((58, 70), (54, 4)),
            ((58, 56), (-8, 58), (-2, -14), (54, 20)),
            ((54, 4), (62, -4), (74, 10)),
        ),
    ),
    "b": (88, (((0, 190), (0, 12)), _BOWL_RIGHT, ((0, 12), (12, -4), (40, 4)))),
    "c": (70, (_BOWL_LEFT,)),
    "d": (90, (_BOWL_LEFT, ((24, 190), (78, 150), (92, 50), (58, 4)))),
    "e": (72, (_BOWL_LEFT, ((62, 92), (74, 62), (12, 50)))),
    "f": (62, (((18, -10), (20, 150)), ((20, 150), (24, 194), (66, 184)), ((-2, 96), (54, 96)))),
    "g": (
        84,
        (
            ((58, 92), (6, 106), (2, 32), (54, 40)),
            ((58, 92), (70, 20), (70, -60), (20, -66)),
            ((20, -66), (-14, -60), (2, -28)),
        ),
    ),
    "h": (86, (((0, 190), (-3, 6)), *_arch(0))),
    "i": (42, _minim(10)),
    "l": (46, (((8, 190), (4, 6)), ((4, 6), (12, -4), (28, 10)))),
    "m": (138, (*_minim(6), *_arch(6, 50), *_arch(56, 50))),
    "n": (86, (*_minim(6), *_arch(6))),
    "o": (86, (_BOWL_LEFT, _BOWL_RIGHT)),
    "p": (90, (((2, 96), (-2, -70)), _BOWL_RIGHT, ((-18, -66), (16, -66)))),
    "q": (90, (_BOWL_LEFT, ((64, 96), (62, -70)), ((46, -66), (80, -62)))),
    "r": (62, (*_minim(6), ((6, 74), (26, 108), (46, 96)))),
    "s": (64, (((56, 90), (8, 116), (-2, 56), (32, 50)), ((32, 50), (66, 40), (54, -12), (2, 8)))),
    "t": (58, (((18, 122), (14, 20)), ((14, 20), (22, -8), (48, 8)), ((-4, 96), (46, 96)))),
    "u": (
        90,
        (
            *_minim(6),
            ((3, 6), (30, -8), (58, 24)),
            ((60, 100), (57, 6)),
            ((57, 6), (64, -2), (76, 10)),
        ),
    ),
    "v": (80, (((0, 98), (32, 2)), ((32, 2), (78, 50), (60, 100)))),
    "x": (76, (((0, 96), (58, 4)), ((60, 98), (-8, -30)))),
    ".": (40, (((6, 6), (10, 10)),)),
}

TEXT = (
    "in principio creavit deus caelum et terram. terra autem erat inanis et vacua et tenebrae "
    "super faciem abissi et spiritus dei ferebatur super aquas. dixitque deus fiat lux et facta "
    "est lux. et vidit deus lucem quod esset bona et divisit lucem ac tenebras. appellavitque "
    "lucem diem et tenebras noctem factumque est vespere et mane dies unus. dixit quoque deus "
    "fiat firmamentum in medio aquarum et dividat aquas ab aquis. et fecit deus firmamentum "
    "divisitque aquas quae erant sub firmamento ab his quae erant super firmamentum"
)


def word_width(word: str, x_height: int) -> int:
    """Width of a word, in the unit of `x_height`."""
    return sum(LETTERS[letter][0] for letter in word if letter in LETTERS) * x_height // 100


def write_word(word: str, x: int, y: int, x_height: int, seed: int) -> list[Stroke]:
    """Place the strokes of a word at (x, y) on the base line; the hand trembles by `seed`."""
    strokes: list[Stroke] = []
    for index, letter in enumerate(word):
        if letter not in LETTERS:
            continue
        advance, shapes = LETTERS[letter]
        drift, swell, lean = (int(random_below(9, index, i, seed)) - 4 for i in range(3))
        size = x_height * (100 + swell) // 100
        strokes += [
            tuple(
                # Leaning 1 in 12 to the right, a little more or less by letter.
                (
                    x + (px + py * (8 + lean) // 100) * size // 100,
                    y - (py * size // 100) + drift * x_height // 100,
                )
                for px, py in shape
            )
            for shape in shapes
        ]
        x += advance * x_height // 100
    return strokes
