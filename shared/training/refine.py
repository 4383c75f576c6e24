"""Refinement: judge the file, ask the smart error what it would mend, and fill it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..budget import Fitted
from ..codec import Image
from ..importance import Importance
from ..smart_error import SETTINGS
from ..target import picture_and_alpha_error
from ..training_error import NO_ANCHORS, smart_loss
from .ask import as_pictures
from .reweighting import reweighted

if TYPE_CHECKING:
    from ..encoding import Encoding


def rounds_at(effort: int) -> int:
    """How often a file is judged and filled again."""
    return 1 + effort // 4


def importance_at(image: Image, decoded: Image) -> Importance:
    """Return the weights of squared error that the smart error has around a decoded picture.

    Parameters
    ----------
    image, decoded : (H, W, C) uint8

    Returns
    -------
    Importance
        Only ratios mean something.
    """
    pictures, shown = as_pictures(image), as_pictures(decoded).requires_grad_()
    loss = smart_loss(pictures, shown, settings=SETTINGS, anchors=NO_ANCHORS).sum()
    (gradient,) = torch.autograd.grad(loss, shown)
    found = reweighted(pictures, shown.detach(), gradient)[0][0]
    return Importance(found.numpy().astype(np.float32))


@dataclass(frozen=True)
class _Judged:
    """A file, what it shows, and the smart error of that."""

    analysis: Any
    file: Fitted
    shown: Image
    error: float


def _judged(encoding: Encoding, analysis: Any, file: Fitted) -> _Judged:
    shown = encoding.picture(file.data)
    return _Judged(analysis, file, shown, picture_and_alpha_error(encoding.image, shown))


def refine(encoding: Encoding, analysis: Any, file: Fitted, limit: int) -> Fitted:
    """Fill a file again, `rounds_at` times at most, and return the best by the smart error.

    Parameters
    ----------
    encoding : Encoding
    analysis : object
        What the network made of the image for this limit; the codec's `reweighted` takes it.
    file : Fitted
        The file so far.
    limit : int
    """
    best = _judged(encoding, analysis, file)
    other = encoding.codec.otherwise(analysis)
    if other is not None:
        best = min(
            best,
            _judged(encoding, other, encoding.fill(other, limit)),
            key=lambda judged: judged.error,
        )
    for _ in range(rounds_at(encoding.effort)):
        if best.error == 0:
            break
        found = importance_at(encoding.image, best.shown)
        analysis = encoding.codec.reweighted(best.analysis, found)
        if analysis is None:
            break
        again = _judged(encoding, analysis, encoding.fill(analysis, limit))
        if again.error >= best.error:
            break
        best = again
    return best.file
