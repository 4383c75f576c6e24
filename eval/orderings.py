"""The ordering bench: pairs of distortions of which one must be judged worse, made by code.

A pair is a reference and two distortions of it. Most are matched: both have the same mean
squared error, so squared error holds such a pair by chance only. Where a pair says that a lost
line is worse than a moved one, the moved one has even the larger squared error.

The set ``tuning`` is what the constants of `shared.smart_error` were chosen on. The set
``unseen`` has other letters, fonts, polarities, photographs, textures and warps, and was only
measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from . import stimuli as make
from .stimuli import Picture, Pixels

SETS = ("tuning", "unseen")
GROUPS = (
    "lines",
    "impulses",
    "letters",
    "page",
    "geometry",
    "brightness",
    "colour",
    "texture",
    "invented",
    "grades",
)
SIDE = 176
"""Pixels; five scales of MS-SSIM need 161."""


@dataclass(frozen=True)
class Pair:
    """Two distortions of a picture.

    Parameters
    ----------
    name, group : str
    reference, better, worse : (H, W) or (H, W, 3) uint8
    essay : bool
        Whether the essay that the project started from names this ordering.
    """

    name: str
    group: str
    reference: Pixels
    better: Pixels
    worse: Pixels
    essay: bool = False


class _Maker:
    """Collects the pairs of one set."""

    def __init__(self, unseen: bool) -> None:
        self.unseen = unseen
        self.pairs: list[Pair] = []

    def add(
        self,
        group: str,
        name: str,
        reference: Picture,
        better: Picture | None,
        worse: Picture | None,
        *,
        essay: bool = False,
    ) -> None:
        """Add a pair; one without a match of equal error does not exist."""
        if better is not None and worse is not None:
            three = (make.finished(picture) for picture in (reference, better, worse))
            self.pairs.append(Pair(name, group, *three, essay=essay))

    def pick(self, tuning: object, unseen: object) -> object:
        """Return what belongs to this set."""
        return unseen if self.unseen else tuning


def _noise(reference: Picture, target: float, seed: int = 1) -> Picture | None:
    grain = make.noise_like(reference.shape, seed)
    return make.matched(reference, target, lambda s: reference + s * grain, 150)


def _blur(reference: Picture, target: float) -> Picture | None:
    return make.matched(reference, target, lambda s: make.blurred(reference, s + 0.15), 12)


def _jpeg(reference: Picture, target: float) -> Picture | None:
    found = [make.jpeg(reference, quality) for quality in range(1, 96, 2)]
    errors = [make.mean_square(reference, picture) for picture in found]
    at = int(np.argmin([abs(error - target) for error in errors]))
    return found[at] if abs(errors[at] - target) <= 0.1 * target else None


def _shift(reference: Picture, target: float, angle: float = 0.6) -> Picture | None:
    dy, dx = np.sin(angle), np.cos(angle)
    return make.matched(reference, target, lambda s: make.warped(reference, s * dy, s * dx), 3)


_MATCHES: dict[str, Callable[[Picture, float], Picture | None]] = {
    "noise": _noise,
    "blur": _blur,
    "jpeg": _jpeg,
    "shift": _shift,
}


def _lines(out: _Maker) -> None:
    """Shifted is better than dotted, dotted better than absent; MSE says otherwise."""
    cases = out.pick(
        [(0, 1.0, 0.0, 1), (90, 1.0, 0.0, 1), (30, 1.0, 0.0, 1), (63, 2.0, 0.0, 1), (0, 1.0, 2, 0)],
        [(17, 1.0, 0.0, 0), (90, 2.0, 0.0, 0), (45, 1.5, 0.0, 1), (75, 1.0, 3.0, 1)],
    )
    for degrees, width, bend, dark in cases:  # type: ignore[attr-defined]
        paper, ink = (245, 20) if dark else (30, 220)

        def draw(
            offset: float = 0.0,
            dashes: tuple[float, float] | None = None,
            wide: float = width,
            degrees: float = degrees,
            bend: float = bend,
            paper: float = paper,
            ink: float = ink,
        ) -> Picture:
            covered = make.line(SIDE, degrees, wide, offset, dashes, bend)
            return make.inked(covered, paper, ink)

        reference = draw()
        # Less than half is missing: the dotted line has the smaller squared error.
        dotted, dashed = draw(dashes=(4, 3)), draw(dashes=(9, 7))
        absent = np.full_like(reference, float(paper))
        half, whole = draw(0.5), draw(1.0)
        double = np.clip(reference + draw(4.0) - paper, 0, 255)
        title = f"line {degrees} deg, {width} px, bend {bend}"
        for name, better, worse, essay in (
            ("half-pixel shift < dotted", half, dotted, True),
            ("dotted < absent", dotted, absent, True),
            ("half-pixel shift < absent", half, absent, True),
            ("half-pixel shift < dashed", half, dashed, False),
            ("pixel shift < absent", whole, absent, False),
            ("half-pixel shift < doubled", half, double, False),
            ("a little blurred < absent", make.blurred(reference, 0.6), absent, False),
        ):
            out.add("lines", f"{title}: {name}", reference, better, worse, essay=essay)


def _impulses(out: _Maker) -> None:
    """Single wrong pixels are not the picture."""
    seed = 11 + 100 * out.unseen
    degrees = (0, 25, 70) if not out.unseen else (10, 50)
    for angle in degrees:
        covered = make.line(SIDE, angle, 1.0)
        for count in (1, 4, 16):
            # A faint line, gone, has the squared error of `count` pixels that are wrong.
            contrast = 0.97 * 200 * np.sqrt(count / np.square(covered).sum())
            reference = make.inked(covered, 200.0, 200.0 - contrast)
            noisy = make.impulses(reference, count, seed + count)
            absent = np.full_like(reference, 200.0)
            name = f"line {angle} deg: {count} wrong pixels < line absent"
            out.add("impulses", name, reference, noisy, absent, essay=count == 1)
    strong = make.inked(make.line(SIDE, degrees[0], 1.0))
    for name, worse in (
        ("dotted", make.inked(make.line(SIDE, degrees[0], 1.0, dashes=(4, 3)))),
        ("absent", np.full_like(strong, 245.0)),
    ):
        noisy = make.impulses(strong, 1, seed)
        out.add("impulses", f"1 wrong pixel < line {name}", strong, noisy, worse, essay=True)


def _letters(out: _Maker) -> None:
    """Another letter is worse than the right one in noise, blurred or moved."""
    pairs = out.pick(["CB", "OQ", "ec"], ["EF", "GC", "hn", "ao", "83", "PR"])
    sizes = out.pick([14, 22, 34, 52], [16, 30])
    names = list(make.fonts())
    for at, (right, wrong) in enumerate(pairs):  # type: ignore[arg-type]
        font = names[1 + at % (len(names) - 1)] if out.unseen and len(names) > 1 else "default"
        paper, ink = (245, 20) if not out.unseen or at % 2 else (25, 230)
        for size in sizes:  # type: ignore[attr-defined]
            if out.unseen:
                reference, other = (
                    make.inked(make.text(f"m{letter}n", size, (SIDE, SIDE), font=font), paper, ink)
                    for letter in (right, wrong)
                )
            else:
                reference, other = (
                    make.inked(make.text(letter, size, (SIDE, SIDE)), paper, ink)
                    for letter in (right, wrong)
                )
            error = make.mean_square(reference, other)
            for way in ("noise", "blur", "shift"):
                name = f"{right}, {size} px, {font}: {way} < {wrong}"
                better = _MATCHES[way](reference, error)
                out.add("letters", name, reference, better, other, essay=not out.unseen)


def _unreadable(
    reference: Picture, target: float, damage: Picture, seed: int
) -> Picture | None:
    """Put `damage` into patches of the page, as large as the error asks."""
    field = make.blurred(make.noise_like(reference.shape, seed), 9)
    order = np.argsort(np.argsort(field, axis=None)).reshape(field.shape) / field.size
    return make.matched(reference, target, lambda s: np.where(order < s, damage, reference), 1.0)


def _page(out: _Maker) -> None:
    """A page that moved by half a pixel reads as before."""
    settings = out.pick(
        [("default", 12, 1, 0.0), ("default", 17, 2, 0.0)],
        [("DejaVuSerif", 11, 3, 0.4), ("cmr10", 15, 4, 0.6)],
    )
    known = make.fonts()
    for font, size, seed, angle in settings:  # type: ignore[attr-defined]
        font = font if font in known else "default"
        words = make.page_words(seed)
        shape = (SIDE, SIDE + 40)
        reference = make.inked(make.page(words, size, shape, font=font))
        wrong = make.inked(make.page(make.page_words(seed + 50), size, shape, font=font))
        scrambled = _scrambled(reference, 5, seed)
        smeared, empty = make.blurred(reference, 3.0), np.full_like(reference, 245.0)
        dy, dx = make.wobble(shape, seed, 14.0)
        moved = {
            "half a pixel across": make.warped(reference, 0.5 * np.sin(angle), 0.5 * np.cos(angle)),
            "half a pixel down": make.warped(reference, 0.5, 0.0),
            "warped by half a pixel": make.warped(reference, 0.35 * dy, 0.35 * dx),
        }
        damages = {
            "other words": wrong,
            "scrambled": scrambled,
            "smeared": smeared,
            "words lost": empty,
        }
        for how, better in moved.items():
            error = make.mean_square(reference, better)
            for what, damage in damages.items():
                worse = _unreadable(reference, error, damage, seed)
                name = f"page {font} {size} px: {how} < {what}"
                out.add("page", name, reference, better, worse, essay=how.startswith("half"))


def _scrambled(picture: Picture, block: int, seed: int) -> Picture:
    """Shuffle small blocks inside each line of text: ink stays, letters do not."""
    generator = np.random.default_rng(seed)
    result = picture.copy()
    for top in range(0, picture.shape[0] - block + 1, block):
        pieces = [
            picture[top : top + block, left : left + block]
            for left in range(0, picture.shape[1] - block + 1, block)
        ]
        for place, at in enumerate(generator.permutation(len(pieces))):
            result[top : top + block, place * block : (place + 1) * block] = pieces[at]
    return result


def _photographs(out: _Maker) -> Iterator[tuple[str, Picture]]:
    places = out.pick(
        [("astronaut", 20, 130), ("chelsea", 50, 100), ("coffee", 60, 150)],
        [("motorcycle_left", 150, 300), ("rocket", 60, 200), ("manuscript", 30, 100)],
    )
    for name, top, left in places:  # type: ignore[attr-defined]
        picture = make.photograph(name, top, left)
        if picture is not None:
            yield name, picture


def _geometry(out: _Maker) -> None:
    """Moving, turning and scaling a photograph a little leaves it what it is."""
    for name, reference in _photographs(out):
        dy, dx = make.wobble(reference.shape, 5)
        moved = out.pick(
            {
                "half-pixel shift": lambda p: make.warped(p, 0.5, 0.2),
                "pixel shift": lambda p: make.warped(p, 0.3, 1.0),
                "turned 0.5 deg": lambda p: make.turned(p, 0.5),
                "scaled 1 %": lambda p: make.turned(p, 0.0, 1.01),
            },
            {
                "shift": lambda p: make.warped(p, -0.6, 0.6),
                "turned 0.3 deg": lambda p: make.turned(p, -0.3),
                "warped": lambda p, y=dy, x=dx: make.warped(p, 0.6 * y, 0.6 * x),
            },
        )
        for how, move in moved.items():  # type: ignore[attr-defined]
            better = move(reference)
            error = make.mean_square(reference, better)
            for way in ("noise", "blur", "jpeg"):
                worse = _MATCHES[way](reference, error)
                out.add("geometry", f"{name}: {how} < {way}", reference, better, worse)


def _brightness(out: _Maker) -> None:
    """Brightness, contrast and gamma are milder than damage of the same squared error."""
    for name, reference in _photographs(out):
        mean = reference.mean()
        changes = out.pick(
            {
                "brighter": reference + 10,
                "more contrast": mean + 1.12 * (reference - mean),
                "gamma": 255 * (reference / 255) ** 0.9,
            },
            {"darker": reference - 8, "less contrast": mean + 0.88 * (reference - mean)},
        )
        for how, better in changes.items():  # type: ignore[attr-defined]
            error = make.mean_square(reference, better)
            for way in ("noise", "blur", "jpeg"):
                worse = _MATCHES[way](reference, error)
                out.add("brightness", f"{name}: {how} < {way}", reference, better, worse)


def _saturated(picture: Picture, factor: float) -> Picture:
    grey = picture @ np.array([0.299, 0.587, 0.114])
    return np.asarray(grey[..., None] + factor * (picture - grey[..., None]))


def _colour(out: _Maker) -> None:
    """A little less colour is better than none, and than blotches or lost detail."""
    for name, reference in _photographs(out):
        if reference.ndim != 3:
            continue
        pale, grey = _saturated(reference, 0.75), _saturated(reference, 0.0)
        tint = reference + np.array([5.0, 0.0, -6.0])
        blotches = [make.blurred(make.noise_like(reference.shape[:2], 40 + at), 6) for at in (0, 1)]
        cloud = np.stack([blotches[0], -0.3 * blotches[0] - 0.3 * blotches[1], blotches[1]], -1)
        cloud = cloud / cloud.std()
        out.add("colour", f"{name}: paler < no colour", reference, pale, grey)
        for how, better in (("paler", pale), ("tinted", tint)):
            error = make.mean_square(reference, better)
            spotted = make.matched(
                reference, error, lambda s, r=reference, c=cloud: r + s * c, 120
            )
            out.add("colour", f"{name}: {how} < blotches", reference, better, spotted)
            out.add(
                "colour", f"{name}: {how} < blur", reference, better, _blur(reference, error)
            )


def _textures(out: _Maker) -> None:
    """Another sample of a texture is better than no texture, and than half of it."""
    for at, kind in enumerate(out.pick(("sand", "grass"), ("cloth", "scales"))):  # type: ignore
        seed = 60 + 20 * out.unseen + at
        reference = make.texture(kind, SIDE, seed)
        other = make.texture(kind, SIDE, seed + 7)
        flat = np.full_like(reference, reference.mean())
        out.add("texture", f"{kind}: another sample < none", reference, other, flat)
        out.add(
            "texture", f"{kind}: another sample < blurred away", reference, other,
            make.blurred(reference, 5.0),
        )
        mixed = 128 + 0.8 * (reference - 128) + 0.6 * (other - 128)
        error = make.mean_square(reference, mixed)
        for way in ("blur", "jpeg"):
            worse = _MATCHES[way](reference, error)
            out.add("texture", f"{kind}: partly another < {way}", reference, mixed, worse)
        moved = make.warped(reference, 0.3, 0.4)
        error = make.mean_square(reference, moved)
        for way in ("blur", "noise"):
            worse = _MATCHES[way](reference, error)
            out.add("texture", f"{kind}: moved < {way}", reference, moved, worse)


def _invented(out: _Maker) -> None:
    """A line or a word that was not there is worse than noise, a shift or a brighter picture."""
    marks = {
        "line": make.line(192, 40 if out.unseen else 20, 1.5),
        "word": make.text("no" if out.unseen else "fish", 26, (192, 192)),
    }
    for name, reference in _photographs(out):
        for what, mark in marks.items():
            cover = mark[..., None] if reference.ndim == 3 else mark
            worse = reference + 0.5 * cover * (235 - reference)
            error = make.mean_square(reference, worse)
            out.add(
                "invented", f"{name}: brighter < {what}", reference,
                make.matched(reference, error, lambda s, r=reference: r + s, 40), worse,
            )
            for way in ("noise", "shift"):
                better = _MATCHES[way](reference, error)
                out.add("invented", f"{name}: {way} < {what}", reference, better, worse)


def _grades(out: _Maker) -> None:
    """More of the same is worse: what every measure must hold."""
    for name, reference in _photographs(out):
        grain = make.noise_like(reference.shape, 3)
        for what, better, worse in (
            ("blur", make.blurred(reference, 0.8), make.blurred(reference, 1.6)),
            ("noise", reference + 5 * grain, reference + 12 * grain),
            ("jpeg", make.jpeg(reference, 50), make.jpeg(reference, 12)),
            ("turned", make.turned(reference, 0.5), make.turned(reference, 2.0)),
        ):
            out.add("grades", f"{name}: less {what} < more", reference, better, worse)


def pairs(which: str = "tuning") -> list[Pair]:
    """Make the pairs of a set.

    Parameters
    ----------
    which : {"tuning", "unseen"}

    Returns
    -------
    list of Pair
        The same on every machine up to rounding of fonts and splines. Without scikit-image
        the groups of photographs are empty, but for synthetic pictures.
    """
    out = _Maker(SETS.index(which) == 1)
    for make_group in (
        _lines,
        _impulses,
        _letters,
        _page,
        _geometry,
        _brightness,
        _colour,
        _textures,
        _invented,
        _grades,
    ):
        make_group(out)
    return out.pairs
