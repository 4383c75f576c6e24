"""Pairs of the ordering bench that are drawn: lines, wrong pixels, letters, pages."""

from __future__ import annotations

import numpy as np

from . import stimuli as make
from .pairs import MATCHES, SIDE, Maker
from .stimuli import Picture


def lines(out: Maker) -> None:
    """Shifted is better than dotted, dotted better than absent; MSE says otherwise."""
    cases = out.pick(
        [(0, 1.0, 0.0, 1), (90, 1.0, 0.0, 1), (30, 1.0, 0.0, 1), (63, 2.0, 0.0, 1), (0, 1.0, 2, 0)],
        [(17, 1.0, 0.0, 0), (90, 2.0, 0.0, 0), (45, 1.5, 0.0, 1), (75, 1.0, 3.0, 1)],
    )
    for degrees, width, bend, dark in cases:
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


def impulses(out: Maker) -> None:
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


def letters(out: Maker) -> None:
    """Another letter is worse than the right one in noise, blurred or moved."""
    pairs = out.pick(["CB", "OQ", "ec"], ["EF", "GC", "hn", "ao", "83", "PR"])
    sizes = out.pick([14, 22, 34, 52], [16, 30])
    names = list(make.fonts())
    shape = (SIDE, SIDE)
    for at, (right, wrong) in enumerate(pairs):
        font = names[1 + at % (len(names) - 1)] if out.unseen and len(names) > 1 else "default"
        paper, ink = (245, 20) if not out.unseen or at % 2 else (25, 230)
        frame = "m{}n" if out.unseen else "{}"
        for size in sizes:
            reference = make.inked(
                make.text(frame.format(right), size, shape, font=font), paper, ink
            )
            # The wrong letter stands where it covers the right one best.
            other = min(
                (
                    make.inked(
                        make.text(frame.format(wrong), size, shape, font=font, nudge=nudge),
                        paper,
                        ink,
                    )
                    for nudge in np.arange(-12, 13) * size / 80
                ),
                key=lambda picture, r=reference: make.mean_square(r, picture),
            )
            error = make.mean_square(reference, other)
            for way in ("noise", "blur", "shift"):
                name = f"{right}, {size} px, {font}: {way} < {wrong}"
                if way == "blur":
                    # Two cycles of a letter's height must keep half their contrast, or nobody
                    # reads it and it is no longer the right one. Where even that blur has the
                    # smaller error (C -> B), it stands in for the one of equal error. Not
                    # indifferent: up to size / 8 the smart error misses C -> B at 52 px.
                    widest = size / 15
                    better = make.matched(
                        reference, error, lambda s, r=reference: make.blurred(r, s), widest
                    )
                    better = make.blurred(reference, widest) if better is None else better
                else:
                    better = MATCHES[way](reference, error)
                out.add("letters", name, reference, better, other, essay=not out.unseen)


def _unreadable(reference: Picture, target: float, damage: Picture, seed: int) -> Picture | None:
    """Put `damage` into patches of the page, as large as the error asks."""
    field = make.blurred(make.noise_like(reference.shape, seed), 9)
    order = np.argsort(np.argsort(field, axis=None)).reshape(field.shape) / field.size
    return make.matched(reference, target, lambda s: np.where(order < s, damage, reference), 1.0)


def page(out: Maker) -> None:
    """A page that moved by half a pixel reads as before."""
    settings = out.pick(
        [("default", 12, 1, 0.0), ("default", 17, 2, 0.0)],
        [("DejaVuSerif", 11, 3, 0.4), ("cmr10", 15, 4, 0.6)],
    )
    known = make.fonts()
    for font, size, seed, angle in settings:
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
