"""Refinement: judge the file, ask the smart error what it would mend, and fill it again.

Around the decoded picture the smart error is a weighted squared error, whose weights are
``-<gradient, error> / <error, error>`` by place and octave (iteratively reweighted least
squares [1]_). They are what the network's importance is mixed with for the next file; of all files
the one with the least smart error is kept.

References
----------
.. [1] I. Daubechies et al., "Iteratively reweighted least squares minimization for sparse
   recovery", Comm. Pure Appl. Math. 63, 2010, doi:10.1002/cpa.20303
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from ..bands import halve
from ..budget import fit
from ..codec import Image
from ..importance import GRID, OCTAVES, ROLES, Importance
from ..smart_error import SETTINGS
from ..target import picture_and_alpha_error
from ..training_error import NO_ANCHORS, OPERATIONS, smart_loss
from .ask import as_pictures
from .importance import to_components

if TYPE_CHECKING:
    from ..encoding import Encoding

_LIMIT = 3.0


def rounds_at(effort: int) -> int:
    """How often a file is judged and filled again."""
    return 1 + effort // 4


def _octaves(plane: Tensor) -> list[Tensor]:
    """Split (H, W) into a Laplacian pyramid of `OCTAVES` levels, finest first."""
    out = []
    for _ in range(OCTAVES - 1):
        lower = halve(OPERATIONS, plane)
        shown = interpolate(lower[None, None], plane.shape, mode="bilinear", align_corners=False)
        out.append(plane - shown[0, 0])
        plane = lower
    return [*out, plane]


def _cells(plane: Tensor, octave: int, rows: int, columns: int) -> Tensor:
    """Mean over 16 x 16 pixels and their neighbours, (rows, columns)."""
    side = max(GRID >> octave, 1)
    wide = pad(
        plane[None, None],
        (0, columns * side - plane.shape[1], 0, rows * side - plane.shape[0]),
        mode="replicate",
    )
    return avg_pool2d(avg_pool2d(wide, side), 3, 1, 1, count_include_pad=False)[0, 0]


def importance_at(image: Image, decoded: Image) -> Importance:
    """Return the weights of squared error that the smart error has around a decoded picture.

    Parameters
    ----------
    image, decoded : (H, W, C) uint8

    Returns
    -------
    Importance
        Only ratios mean something; their logarithms are centred and bounded.
    """
    x = as_pictures(image)
    y = as_pictures(decoded).requires_grad_()
    loss = smart_loss(x, y, settings=SETTINGS, anchors=NO_ANCHORS).sum()
    (gradient,) = torch.autograd.grad(loss, y)
    red, green, blue = gradient[0].unbind(0)
    # Chain rule of the inverse colour transform.
    slopes = [
        red + green + blue,
        1.772 * blue - 0.344136 * green,
        1.402 * red - 0.714136 * green,
    ]
    with torch.no_grad():
        errors = [a[0] - b[0] for a, b in zip(to_components(x), to_components(y), strict=True)]
        rows, columns = (-(-n // GRID) for n in image.shape[:2])
        out = torch.zeros(ROLES, OCTAVES, rows, columns)
        for role, comps in enumerate(((0,), (1, 2))):
            pairs = [(_octaves(slopes[c]), _octaves(errors[c])) for c in comps]
            for octave in range(OCTAVES):
                above = sum(_cells(-g[octave] * e[octave], octave, rows, columns) for g, e in pairs)
                below = sum(_cells(e[octave] ** 2, octave, rows, columns) for _, e in pairs)
                out[role, octave] = torch.as_tensor(above).clamp(min=0) / (below + 1e-2)
        out = torch.log(out + 1e-3 * out.mean())
        out = (out - out.median()).clamp(-_LIMIT, _LIMIT)
    return Importance(out.numpy().astype(np.float32))


def refine(encoding: Encoding, analysis: Any, data: bytes, limit: int) -> bytes:
    """Fill a file again, `rounds_at` times at most, and return the best by the smart error.

    Parameters
    ----------
    encoding : Encoding
    analysis : object
        What the network made of the image for this limit; the codec's `reweighted` takes it.
    data : bytes
        The file so far.
    limit : int
    """
    shown = encoding.picture(data)
    best = data, picture_and_alpha_error(encoding.image, shown)
    for _ in range(rounds_at(encoding.effort)):
        if best[1] == 0:
            break
        found = importance_at(encoding.image, shown)
        analysis = encoding.codec.reweighted(analysis, found)
        again = fit(encoding.codec, analysis, encoding.geometry, limit, rank=encoding.rank)
        shown = encoding.picture(again)
        error = picture_and_alpha_error(encoding.image, shown)
        if error >= best[1]:
            break
        best = again, error
    return best[0]
