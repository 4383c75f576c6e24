"""Cuts: windows of which an edge leaves a part. Encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .....shared.compiled import compiled
from ...format.layout import COMP, CUT, CUTS, MORE, SCALE
from ..windows.correlation import NOTHING
from ..windows.matching import copy
from .climbing import descend
from .fills import color_masked, enrich
from .masks import add_masked, appraise, masked, masked_room

FloatArray = npt.NDArray[np.float32]

_PAIRS = 16
_STRONG = 60.0
"""Bits that a window must earn before cuts are tried on it."""
_LEAST_SCALE = 2
_WORK = 80_000_000
"""Pixels looked at, at effort 5."""


@compiled
def _cut_once(pyramid, layer, lmbda, prices, room, work):  # type: ignore[no-untyped-def]
    """Add the best of some cuts to a window; return its worth with that."""
    trial, best = room[7], room[8]
    at = CUT + 4 * layer[CUTS]
    top = NOTHING
    for turn in range(0, 16, 2):
        for offset in range(-3, 4, 3):
            copy(layer, trial)
            trial[CUTS] += 1
            trial[at], trial[at + 1], trial[at + 2], trial[at + 3] = turn, offset, 1, 0
            worth = appraise(pyramid, trial, lmbda, prices, room, work)
            if worth > top:
                top = worth
                copy(trial, best)
    copy(best, layer)
    return top


@compiled
def _finish(pyramid, layer, ratios, lmbda, room):  # type: ignore[no-untyped-def]
    """Add harmonics and chroma; return what they are worth."""
    more = enrich(pyramid, layer, lmbda, room, _PAIRS)
    return more + color_masked(pyramid, layer, ratios, lmbda, room)


@compiled
def cut_all(pyramid, layers, ratios, lmbda, prices, rounds, most, room, work, rows):  # type: ignore[no-untyped-def]
    """Try cuts on every plain window; return how many were tried.

    Parameters
    ----------
    layers : (n, FIELDS) int32
        Changed in place, and the pyramid with them.
    rounds, most : int
        See `climbing.descend`; cuts that a window may get.
    rows : (3, FIELDS) int32
        Scratch.
    """
    looked = 0
    plain, cut, before = rows[0], rows[1], rows[2]
    for i in range(len(layers)):
        layer = layers[i]
        if masked(layer) or layer[SCALE] < _LEAST_SCALE or work[0] <= 0:
            continue
        comp = layer[COMP]
        add_masked(pyramid, layer, ratios[comp], 1.0, room)
        copy(layer, before)
        copy(layer, plain)
        plain[MORE] = 0
        worth = appraise(pyramid, plain, lmbda, prices, room, work)
        if worth > lmbda * _STRONG:
            looked += 1
            worth += _finish(pyramid, plain, ratios[comp], lmbda, room)
            copy(plain, cut)
            cut[MORE] = 0
            for _ in range(most):
                with_cut = _cut_once(pyramid, cut, lmbda, prices, room, work)
                # What cannot come near even before its place is fitted is not worth the time.
                if with_cut < 0.7 * worth - lmbda * 20.0:
                    break
                with_cut = descend(pyramid, cut, rounds, lmbda, prices, room, work)
                if with_cut <= NOTHING:
                    break
                with_cut += _finish(pyramid, cut, ratios[comp], lmbda, room)
                if with_cut <= worth:
                    break
                worth = with_cut
                copy(cut, before)
                cut[MORE] = 0
        copy(before, layer)
        add_masked(pyramid, layer, ratios[comp], -1.0, room)
    return looked


def find_cuts(
    pyramid: tuple[FloatArray, ...],
    layers: npt.NDArray[np.int32],
    ratios: npt.NDArray[np.float64],
    prices: tuple[Any, ...],
    lmbda: float,
    effort: int,
) -> tuple[npt.NDArray[np.int32], int]:
    """Cut windows where that pays; see `strokes.find_strokes`.

    Returns
    -------
    layers : (n, FIELDS) int32
        Those given, some of them with cuts.
    looked : int
        Windows on which cuts were tried.
    """
    out = layers.copy()
    rows = np.zeros((3, layers.shape[1]), np.int32)
    room = masked_room(*pyramid[0].shape[1:])
    work = np.array([_WORK * effort // 5], np.int64)
    most, rounds = 1 + effort // 5, 1 + effort // 5
    looked = cut_all(pyramid, out, ratios, lmbda, prices, rounds, most, room, work, rows)
    return out, int(looked)
