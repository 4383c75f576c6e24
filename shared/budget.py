"""The budget: how many bytes there are, and which elements get them.

Written once for all codecs: candidates are ranked by contrast and kept until the budget is
reached (`select`); `shared.fitting` searches the quantizer step at which little has to be cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .codec import Geometry, Proposal
from .errors import BudgetError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

RANKS: dict[str, Callable[[Proposal], FloatArray]] = {
    # The default, as the idea behind the project has it: size on the screen does not count.
    "contrast": lambda p: p.contrast,
    "energy": lambda p: p.contrast * np.sqrt(p.area),
    "rd": lambda p: p.gain / np.maximum(p.bits, 1e-9),
    "order": lambda p: -np.arange(len(p), dtype=np.float64),
}
"""Ranking rules by name: contrast alone, contrast times the root of the area, error removed
per bit, and the order in which the codec proposed."""

DEFAULT_RANK = "contrast"


@dataclass(frozen=True)
class Budget:
    """Bytes of the whole file, given in one of three ways, or the smart error to reach.

    Parameters
    ----------
    bytes : int, optional
        Bytes, headers included.
    bpp : float, optional
        Bits per pixel of the picture.
    ratio : float, optional
        Times smaller than eight bits a sample.
    target : float, optional
        Smart error (`shared.error.smart_error`) that the smallest file is wanted for.
    """

    bytes: int | None = None
    bpp: float | None = None
    ratio: float | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        every = (self.bytes, self.bpp, self.ratio, self.target)
        given = [value for value in every if value is not None]
        if len(given) != 1 or not (math.isfinite(given[0]) and given[0] > 0):
            message = "a budget is exactly one positive number: bytes, bpp, ratio or target"
            raise BudgetError(message)

    def limit(self, geometry: Geometry) -> int:
        """Bytes for an image of this geometry, rounded down.

        Raises
        ------
        BudgetError
            For a target error: it takes as many bytes as the content needs.
        """
        if self.target is not None:
            message = "a target error sets no number of bytes"
            raise BudgetError(message)
        if self.bytes is not None:
            return int(self.bytes)
        if self.bpp is not None:
            return int(self.bpp * geometry.pixels / 8)
        assert self.ratio is not None
        return int(geometry.pixels * geometry.channels / self.ratio)


def select(proposal: Proposal, bits: float, *, rank: str = DEFAULT_RANK) -> BoolArray:
    """Rank the candidates and keep the first ones until `bits` are spent.

    Parameters
    ----------
    proposal : Proposal
    bits : float
        What the elements may cost together, overhead not counted.
    rank : str
        A key of `RANKS`.

    Returns
    -------
    (n,) bool
        Which elements survive. The order is stable: equal ranks keep the codec's order.
    """
    try:
        worth = RANKS[rank](proposal)
    except KeyError:
        message = f"unknown ranking rule {rank!r}; there is {', '.join(RANKS)}"
        raise BudgetError(message) from None
    order = np.argsort(-worth, kind="stable")
    keep = np.zeros(len(proposal), np.bool_)
    keep[order[np.cumsum(proposal.bits[order]) <= bits]] = True
    return keep
