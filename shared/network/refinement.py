"""Refinement: judge the file, ask the smart error what it would mend, and fill it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ..codec import Codec, Image, Proposal
from ..error.importance import Importance
from ..error.settings import SETTINGS
from ..error.smart_error import alpha_error, picture_and_alpha_error
from ..fitting import Fitted
from .inference import as_pictures
from .loss import NO_ANCHORS, smart_loss
from .reweighting import reweighted


class Filler(Protocol):
    """What refinement needs of `shared.encoding.Encoding`, which calls it."""

    codec: Codec
    image: Image
    effort: int

    def fill(self, analysis: object, limit: int, *, near: Proposal | None = None) -> Fitted:
        """Write a file of at most `limit` bytes from an analysis of the image."""

    def picture(self, data: bytes) -> Image:
        """Decode a file of this image."""


def rounds_at(effort: int) -> int:
    """How often a file is filled again."""
    return max(effort // 4, 1)


def importance_at(image: Image, decoded: Image) -> tuple[Importance, float]:
    """Return the weights of squared error that the smart error has around a decoded picture.

    Parameters
    ----------
    image, decoded : (H, W, C) uint8

    Returns
    -------
    Importance
        Only ratios mean something.
    float
        The smart error of the colours.
    """
    pictures, shown = as_pictures(image), as_pictures(decoded).requires_grad_()
    loss = smart_loss(pictures, shown, settings=SETTINGS, anchors=NO_ANCHORS).sum()
    (gradient,) = torch.autograd.grad(loss, shown)
    found = reweighted(pictures, shown.detach(), gradient)[0][0]
    return Importance(found.numpy().astype(np.float32)), float(loss.detach())


@dataclass(frozen=True)
class _Judged:
    """A file, its smart error, and what to mend, if that was asked."""

    analysis: Any
    file: Fitted
    error: float
    importance: Importance | None = None


def _judged(encoding: Filler, analysis: Any, file: Fitted, *, mend: bool) -> _Judged:
    shown = encoding.picture(file.data)
    if not mend:
        return _Judged(analysis, file, picture_and_alpha_error(encoding.image, shown))
    importance, error = importance_at(encoding.image, shown)
    return _Judged(analysis, file, max(error, alpha_error(encoding.image, shown)), importance)


def refine(encoding: Filler, analysis: Any, file: Fitted, limit: int) -> Fitted:
    """Fill a file again, `rounds_at` times at most, and return the best by the smart error.

    Parameters
    ----------
    encoding : Filler
    analysis : object
        What the network made of the image for this limit; the codec's `reweighted` takes it.
    file : Fitted
        The file so far.
    limit : int
    """
    best = _judged(encoding, analysis, file, mend=True)
    other = encoding.codec.otherwise(analysis)
    if other is not None:
        best = min(
            best,
            _judged(encoding, other, encoding.fill(other, limit), mend=True),
            key=lambda judged: judged.error,
        )
    for left in reversed(range(rounds_at(encoding.effort))):
        if best.error == 0 or best.importance is None:
            break
        analysis = encoding.codec.reweighted(best.analysis, best.importance)
        if analysis is None:
            break
        filled = encoding.fill(analysis, limit, near=best.file.proposal)
        again = _judged(encoding, analysis, filled, mend=left > 0)
        if again.error >= best.error:
            break
        best = again
    return best.file
