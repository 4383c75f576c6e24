"""Pairs of the ordering bench of photographs and textures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import stimuli as make
from .pairs import MATCHES, SIDE, Maker
from .stimuli import Picture


def _photographs(out: Maker) -> Iterator[tuple[str, Picture]]:
    places = out.pick(
        [("astronaut", 20, 130), ("chelsea", 50, 100), ("coffee", 60, 150)],
        [("motorcycle_left", 150, 300), ("rocket", 60, 200), ("manuscript", 30, 100)],
    )
    for name, top, left in places:
        picture = make.photograph(name, top, left)
        if picture is not None:
            yield name, picture


def geometry(out: Maker) -> None:
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
        for how, move in moved.items():
            better = move(reference)
            error = make.mean_square(reference, better)
            for way in ("noise", "blur", "jpeg"):
                worse = MATCHES[way](reference, error)
                out.add("geometry", f"{name}: {how} < {way}", reference, better, worse)


def brightness(out: Maker) -> None:
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
        for how, better in changes.items():
            error = make.mean_square(reference, better)
            for way in ("noise", "blur", "jpeg"):
                worse = MATCHES[way](reference, error)
                out.add("brightness", f"{name}: {how} < {way}", reference, better, worse)


def _saturated(picture: Picture, factor: float) -> Picture:
    grey = picture @ np.array([0.299, 0.587, 0.114])
    return np.asarray(grey[..., None] + factor * (picture - grey[..., None]))


def colour(out: Maker) -> None:
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
            spotted = make.matched(reference, error, lambda s, r=reference, c=cloud: r + s * c, 120)
            out.add("colour", f"{name}: {how} < blotches", reference, better, spotted)
            out.add(
                "colour",
                f"{name}: {how} < blur",
                reference,
                better,
                MATCHES["blur"](reference, error),
            )


def textures(out: Maker) -> None:
    """Another sample of a texture is better than no texture, and than half of it."""
    for at, kind in enumerate(out.pick(("sand", "grass"), ("cloth", "scales"))):
        seed = 60 + 20 * out.unseen + at
        reference = make.texture(kind, SIDE, seed)
        other = make.texture(kind, SIDE, seed + 7)
        flat = np.full_like(reference, reference.mean())
        out.add("texture", f"{kind}: another sample < none", reference, other, flat)
        out.add(
            "texture",
            f"{kind}: another sample < blurred away",
            reference,
            other,
            make.blurred(reference, 5.0),
        )
        mixed = 128 + 0.8 * (reference - 128) + 0.6 * (other - 128)
        error = make.mean_square(reference, mixed)
        for way in ("blur", "jpeg"):
            worse = MATCHES[way](reference, error)
            out.add("texture", f"{kind}: partly another < {way}", reference, mixed, worse)
        moved = make.warped(reference, 0.3, 0.4)
        error = make.mean_square(reference, moved)
        for way in ("blur", "noise"):
            worse = MATCHES[way](reference, error)
            out.add("texture", f"{kind}: moved < {way}", reference, moved, worse)


def invented(out: Maker) -> None:
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
                "invented",
                f"{name}: brighter < {what}",
                reference,
                make.matched(reference, error, lambda s, r=reference: r + s, 40),
                worse,
            )
            for way in ("noise", "shift"):
                better = MATCHES[way](reference, error)
                out.add("invented", f"{name}: {way} < {what}", reference, better, worse)


def grades(out: Maker) -> None:
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
