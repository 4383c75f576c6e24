"""Constants of the smart error, which all its ways to compute share; see `smart_error`."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = 4
"""Dyadic levels; what is left below the last is the residue."""
WIDE = (1 / 9,) * 9
"""Taps of the mean over a wide window, along each axis."""
YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Luma and chroma of red, green and blue: BT.601, offsets left out."""


@dataclass(frozen=True)
class Settings:
    """Constants of the measure, tuned on the ordering bench (`eval.judging.orderings`).

    Parameters
    ----------
    frequency : float
        Centre of the bands, radians per sample of their level.
    sigma : float
        Width of the Gabor envelope, samples.
    shift : tuple of float
        Deformation that is nearly free, pixels of the picture, by level from the finest.
    price : float
        Of that deformation: share of the structure defect that it costs all the same.
    structure : float
        Weight of the structure defect beside that of energy.
    floors : tuple of float
        Contrast below which a band does not count, code values, by level.
    masking : float
        Share of the local energy that hides a difference.
    texture : float
        Share of the structure term, and of differences of energy within a wide window, that
        remains in pure texture, 0 to 1.
    sparse : tuple of float
        Evenness of energy (mean square over squared mean) of pure texture, and of pure lines.
    power, pool : float
        Exponents: of the local defect, and of the mean over the picture.
    levels : tuple of float
        Weights of the levels, from the finest.
    chroma : float
        Weight of each chroma plane; it has no finest level.
    residue : float
        Weight of the low-pass residue.
    residue_floor : float
        Difference of the residue that counts as one, code values.
    offset : float
        Share of a common offset of the residue that counts.
    gain : float
        Factor of contrast up to which a common gain is forgiven, and one over it.
    gain_price : float
        Price of the logarithm of that gain.
    """

    frequency: float = 1.6
    sigma: float = 1.5
    shift: tuple[float, ...] = (0.6, 0.85, 1.1, 2.5)
    price: float = 0.03
    structure: float = 6.0
    floors: tuple[float, ...] = (22.0, 6.0, 12.0, 10.0)
    masking: float = 0.27
    texture: float = 0.07
    sparse: tuple[float, float] = (1.3, 1.85)
    power: float = 0.41
    pool: float = 4.0
    levels: tuple[float, ...] = (0.9, 1.25, 1.0, 0.6)
    chroma: float = 0.7
    residue: float = 0.43
    residue_floor: float = 120.0
    offset: float = 0.16
    gain: float = 1.2
    gain_price: float = 0.2


SETTINGS = Settings()

# Added to means before roots: far below what eight bits can show, far above rounding.
ENERGY = 1e-3
DEFECT = 1e-3
