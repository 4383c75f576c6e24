"""The ordering bench: pairs of distortions of which one must be judged worse, made by code.

A pair is a reference and two distortions of it. Most are matched: both have the same mean
squared error, so squared error holds such a pair by chance only. Where a pair says that a lost
line is worse than a moved one, the moved one has even the larger squared error.

The set ``tuning`` is what the constants of `shared.error.smart_error` were chosen on. The set
``unseen`` has other letters, fonts, polarities, photographs, textures and warps, and was only
measured.
"""

from __future__ import annotations

from . import drawn_pairs, photo_pairs
from .pairs import GROUPS, SETS, Maker, Pair

__all__ = ["GROUPS", "SETS", "Pair", "pairs"]


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
    out = Maker(SETS.index(which) == 1)
    for make_group in (
        drawn_pairs.lines,
        drawn_pairs.impulses,
        drawn_pairs.letters,
        drawn_pairs.page,
        photo_pairs.geometry,
        photo_pairs.brightness,
        photo_pairs.colour,
        photo_pairs.textures,
        photo_pairs.invented,
        photo_pairs.grades,
    ):
        make_group(out)
    return out.pairs
