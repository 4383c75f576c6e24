"""A pair of the ordering bench, and distortions of equal squared error (`judging.orderings`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


class Maker:
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

    def pick(self, tuning: Any, unseen: Any) -> Any:
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


MATCHES: dict[str, Callable[[Picture, float], Picture | None]] = {
    "noise": _noise,
    "blur": _blur,
    "jpeg": _jpeg,
    "shift": _shift,
}
