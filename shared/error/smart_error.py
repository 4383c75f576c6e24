"""The smart error: lenient to small deformation, harsh on structure that is lost or invented.

Squared error cannot tell a line that moved by half a pixel from one that is gone. This measure
can: it compares the pictures in complex oriented bands, where a small shift is a small turn of
the phase and costs little, while energy that vanishes or appears costs its full amount.

Formula
-------
Both pictures are split into luma and chroma (BT.601, code values 0 to 255) and, per plane, into
dyadic levels ``l`` (binomial low pass, every second sample) with four orientations of a complex
zero-mean Gabor band-pass each. With ``x`` and ``y`` the responses of the two pictures and
``W(.)`` a 5 x 5 binomial mean of every second sample::

    Ex = W(|x|^2)     Ey = W(|y|^2)     C = W(x conj y)     phi = arg C

    R  = |C| (1 - price (1 - cos phi))                         where |phi| <= turn(l)
         |C| (cos(|phi| - turn(l)) - price (1 - cos turn(l)))  elsewhere
    d2 = sum over orientations (sqrt Ex - sqrt Ey)^2 + structure (sqrt(Ex Ey) - R)
    D  = d2 / (floor(l)^2 + masking sum (Ex + Ey))
    e  = D^power

``turn(l)`` is the phase that a shift of `SHIFT` pixels along the normal of a band makes. In
texture (energy spread evenly over a wide window) the structure term counts less. The errors of
a level are pooled by the fourth-power mean, so that one broken letter on a clean page is not
averaged away; levels and planes are weighted sums. To them come the difference of the low-pass
residues (colour and brightness), of which a common offset counts less, and a small price for a
common gain of contrast within `GAIN`, which is otherwise forgiven.

The same functions compute the judge (NumPy) and, in `shared.network.loss`, the training loss
(torch): they ask their array operations of an `Operations` object. On CuPy, where every array
operation is a launch, the judge has a twin of few kernels: `cuda`.

References
----------
.. [1] Z. Wang, E. P. Simoncelli, "Translation insensitive image similarity in complex wavelet
   domain", ICASSP 2005, doi:10.1109/ICASSP.2005.1415469
.. [2] M. P. Sampat et al., "Complex wavelet structural similarity: a new image similarity
   index", IEEE TIP 18(11), 2009, doi:10.1109/TIP.2009.2025923
.. [3] J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and
   orientation optimized by two-dimensional visual cortical filters", JOSA A 2(7), 1985,
   doi:10.1364/JOSAA.2.001160
.. [4] V. Laparra et al., "Perceptual image quality assessment using a normalized Laplacian
   pyramid", Human Vision and Electronic Imaging 2016,
   doi:10.2352/ISSN.2470-1173.2016.16.HVEI-103
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import get_array_module
from ..errors import FractourError
from ..parallel.kernels import has_kernels
from ..picture.raster import without_alpha
from .bands import Array, ArrayOperations, Operations, bands, halve
from .cuda import device_error
from .settings import DEFECT, ENERGY, LEVELS, SETTINGS, WIDE, YCC, Settings


@dataclass(frozen=True)
class Moments:
    """Second moments of two pictures in one level, (..., orientations, H, W) each."""

    first: Array
    second: Array
    real: Array
    imaginary: Array


def moments(ops: Operations, x: Array, y: Array, settings: Settings) -> Moments:
    """Return ``Ex, Ey, Re C, Im C``, each of half the size of the planes."""
    first, second, real, imaginary = [], [], [], []
    for (a, b), (c, d) in zip(
        *(bands(ops, plane, settings.frequency, settings.sigma) for plane in (x, y)), strict=True
    ):
        first.append(a * a + b * b)
        second.append(c * c + d * d)
        real.append(a * c + b * d)
        imaginary.append(b * c - a * d)
    # A cosine of amplitude A answers with A / 2; the energies are in units of A^2.
    return Moments(
        4 * halve(ops, ops.stack(first)) + ENERGY,
        4 * halve(ops, ops.stack(second)) + ENERGY,
        4 * halve(ops, ops.stack(real)) + ENERGY,
        4 * halve(ops, ops.stack(imaginary)),
    )


def _agreement(ops: Operations, real: Array, imaginary: Array, turn: float, price: float) -> Array:
    """Return R of the formula: the correlation with a phase within `turn` nearly forgiven.

    No angle is computed: where |phi| > turn, ``|C| cos(|phi| - turn)`` is
    ``Re C cos turn + |Im C| sin turn``.
    """
    size = ops.sqrt(real * real + imaginary * imaginary + ENERGY * ENERGY)
    cosine, sine = math.cos(turn), math.sin(turn)
    across = ops.where(imaginary < 0, -imaginary, imaginary)
    return ops.where(
        real >= cosine * size,
        size - price * (size - real),
        real * cosine + across * sine - (price * (1 - cosine)) * size,
    )


def _wide(ops: Operations, x: Array) -> Array:
    return ops.filter(ops.filter(x, WIDE, -2), WIDE, -1)


def _lines(ops: Operations, energy: Array, floor: float, settings: Settings) -> Array:
    """Return what counts of local differences: 1 at lines and edges, less in texture."""
    energy = energy + floor**2
    mean = _wide(ops, energy)
    even, lines = settings.sparse
    ratio = _wide(ops, energy * energy) / (mean * mean)
    share = ops.clip((ratio - even) / (lines - even), 0.0, 1.0)
    return settings.texture + (1 - settings.texture) * share


def _pooled(ops: Operations, defect: Array, settings: Settings) -> Array:
    """Raise to `power`, then take the mean of order `pool`; both smooth at 0, with value 0."""
    error = (ops.clip(defect, 0.0, math.inf) + DEFECT) ** settings.power
    error = error - DEFECT**settings.power
    order = settings.pool
    # A square of a square is ten times as fast as a general power.
    square = error * error
    powered = square * square if order == 4 else ops.clip(error, 0.0, math.inf) ** order
    floor = 1e-3
    return (ops.mean(powered) + floor**order) ** (1 / order) - floor


def level_error(
    ops: Operations, found: Moments, gain: Array, level: int, settings: Settings
) -> Array:
    """Return the pooled error of one level of planes, shape (..., 1, 1).

    Parameters
    ----------
    ops : Operations
    found : Moments
    gain : (..., 1, 1) array
        Energy gain of the second picture over the first that is forgiven.
    level : int
        0 is the finest.
    settings : Settings
    """
    turn = settings.frequency * settings.shift[level] / 2**level
    floor = settings.floors[level]
    root = ops.sqrt(gain)[..., None, :, :]
    first, second = found.first * root, found.second / root
    a, b = ops.sqrt(first), ops.sqrt(second)
    near = ((a - b) * (a - b)).sum(-3)
    agreement = _agreement(ops, found.real, found.imaginary, turn, settings.price)
    broken = (a * b - agreement).sum(-3)
    energy = (first + second).sum(-3)
    if settings.texture < 1:
        a, b = ops.sqrt(_wide(ops, first)), ops.sqrt(_wide(ops, second))
        far = ((a - b) * (a - b)).sum(-3)
        share = _lines(ops, energy, floor, settings)
        defect = share * near + (1 - share) * far + settings.structure * share * broken
    else:
        defect = near + settings.structure * broken
    return _pooled(ops, defect / (floor**2 + settings.masking * energy), settings)


def forgiven_gain(ops: Operations, levels: Sequence[Moments], settings: Settings) -> Array:
    """Return the common gain of energy of the second picture over the first, bounded."""
    first, second = (
        sum(ops.mean(part).sum(-3) for part in parts)
        for parts in zip(*((found.first, found.second) for found in levels), strict=True)
    )
    return ops.clip(second / first, settings.gain**-2, settings.gain**2)


def residue_error(ops: Operations, x: Array, y: Array, gain: Array, settings: Settings) -> Array:
    """Return the pooled difference of two low-pass residues, (..., 1, 1)."""
    first, second = ops.mean(x), ops.mean(y)
    amplitude = ops.sqrt(ops.sqrt(gain))
    local = (x - first) * amplitude - (y - second) / amplitude
    local = (local + settings.offset * (first - second)) / settings.residue_floor
    # Charbonnier: linear from about a tenth of the floor on.
    error = ops.sqrt(local * local + 0.01) - 0.1
    return ops.sqrt(ops.mean(error * error) + 1e-6) - 1e-3


def plane_error(ops: Operations, x: Array, y: Array, start: int, settings: Settings) -> Array:
    """Return the error of planes, (..., 1, 1).

    Parameters
    ----------
    ops : Operations
    x, y : (..., H, W) array
        Code values, float32.
    start : int
        Finest level that counts; 1 for chroma.
    settings : Settings
    """
    found = []
    for level in range(LEVELS):
        if level >= start:
            found.append(moments(ops, x, y, settings))
        x, y = halve(ops, x), halve(ops, y)
    gain = forgiven_gain(ops, found, settings)
    total = settings.residue * residue_error(ops, x, y, gain, settings)
    logarithm = ops.log(gain)
    total = total + settings.gain_price * (ops.sqrt(logarithm * logarithm + 1e-4) - 1e-2)
    for level, part in enumerate(found, start):
        error = level_error(ops, part, gain, level, settings)
        total = total + settings.levels[level] * error
    return total / sum(settings.levels)


def planes_of(ops: Operations, image: Array) -> list[Array]:
    """Split (..., C, H, W) code values with C = 1 or 3 into luma, or luma and chroma.

    Returns
    -------
    list of (..., 1 or 2, H, W) arrays
    """
    if image.shape[-3] == 1:
        return [image]
    red, green, blue = (image[..., at, :, :] for at in range(3))
    luma, *chroma = (a * red + b * green + c * blue for a, b, c in YCC)
    return [ops.stack([luma]), ops.stack(chroma)]


def picture_error(
    ops: Operations, reference: Array, decoded: Array, settings: Settings = SETTINGS
) -> Array:
    """Return the smart error of pictures, one number each.

    Parameters
    ----------
    ops : Operations
    reference, decoded : (..., C, H, W) array
        Float32 code values 0 to 255; C is 1 (grey) or 3 (RGB).
    settings : Settings

    Returns
    -------
    (...) array
    """
    total = 0.0
    pairs = zip(planes_of(ops, reference), planes_of(ops, decoded), strict=True)
    for at, (x, y) in enumerate(pairs):
        error = plane_error(ops, x, y, at, settings)[..., 0, 0].sum(-1)
        total = total + (settings.chroma if at else 1.0) * error
    return total


def _samples(image: Any, role: str, xp: Any) -> Array:
    """Bring an image to (H, W, C) of `xp`, C = 1 or 3."""
    if getattr(image, "dtype", None) != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        kind = getattr(image, "dtype", type(image).__name__)
        message = f"the {role} image must be a uint8 array (H, W[, 1 to 4]), not {kind}"
        raise FractourError(message)
    image = image[:, :, None] if image.ndim == 2 else image
    if image.shape[2] > 4:
        message = f"the {role} image has {image.shape[2]} channels; 1 to 4 are possible"
        raise FractourError(message)
    return xp.asarray(without_alpha(image))


def smart_error(reference: Any, decoded: Any, *, backend: str = "numpy") -> float:
    """Judge a decoded picture; see the module for the formula.

    Parameters
    ----------
    reference, decoded : (H, W) or (H, W, C) uint8
        Of one shape, from 1 x 1 up; alpha is ignored. Where a level is smaller than its
        filters the edges are mirrored, and a level of one sample holds no structure.
    backend : {"numpy", "cupy"}
        Where it is computed; the figures agree to about five digits.

    Returns
    -------
    float
        0 for equal pictures, larger is worse; a lost or invented picture is about 1 to 2. It
        is symmetric: exchanging the pictures changes rounding only.

    Raises
    ------
    FractourError
        If the images are not uint8 or their shapes differ.
    """
    xp = get_array_module(backend)
    x, y = _samples(reference, "reference", xp), _samples(decoded, "decoded", xp)
    if x.shape != y.shape:
        message = f"shapes differ: reference {reference.shape}, decoded {decoded.shape}"
        raise FractourError(message)
    if has_kernels(xp):
        return device_error(xp, x, y, SETTINGS)
    if bool((x == y).all()):
        return 0.0
    planes = (xp.moveaxis(samples, 2, 0).astype(xp.float32) for samples in (x, y))
    return float(picture_error(ArrayOperations(xp), *planes))


def alpha_error(reference: Any, decoded: Any) -> float:
    """Smart error of the alpha plane, judged as a grey picture; 0 where there is none."""
    if reference.shape[2] not in (2, 4):
        return 0.0
    return smart_error(reference[:, :, -1], decoded[:, :, -1])


def picture_and_alpha_error(reference: Any, decoded: Any) -> float:
    """Smart error of the colours, or of the alpha plane if that is larger."""
    return max(smart_error(reference, decoded), alpha_error(reference, decoded))
