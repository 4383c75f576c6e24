"""The wavelet syntax: one source for writing, reading and pricing (compiled by Numba).

Magnitudes are coded bit plane by bit plane, from the highest; within a plane subband by
subband, coarse to fine, and within a subband component by component. Blocks of 64, 16 and
4 coefficients a side that hold nothing yet are skipped with one flag. What is already
known around a coefficient, in all planes above and in the visited part of this one,
in its parent, its sibling subbands and the other components, forms the contexts.

The functions share these bundles of arrays:

place
    ``(bands, band, comp, plane)``: the table of `layout.Layout`, and where the coder is.
want
    ``(magnitude, sign, tops)``: what to write, (C, size) int32, (C, size) int8 and the largest
    magnitude in each block, (C, nodes) int32. Empty arrays when reading.
seen
    ``(known, signs, nodes)``: what the decoder knows, (C, size) int32, (C, size) int8,
    (C, nodes) uint8; zeros at the start.
prices
    Bits that significance and sign of each coefficient cost, (C, size) float32 or empty.
"""

from __future__ import annotations

import numpy as np

from ....shared.compiled import compiled
from ....shared.entropy import ENDED, SHIFTS, cost
from .contexts import (
    code_flag,
    code_refinement,
    code_sign,
    code_significance,
)
from .layout import HEIGHT, NODE_FIELDS, NODE_LEVELS, OFFSET, STRIDE, WIDTH


@compiled
def _enter_block(m, place, want, seen, prices, level, ny, nx):  # type: ignore[no-untyped-def]
    """Tell whether a block holds anything significant; code it where it is not known yet."""
    bands, band, comp, plane = place
    at = NODE_FIELDS + 4 * level
    node = bands[band, at] + ny * bands[band, at + 1] + nx
    nodes = seen[2]
    if nodes[comp, node]:
        return 1
    # A subband that one smaller block covers has no flags of larger ones.
    if level == 0 or max(bands[band, HEIGHT], bands[band, WIDTH]) > 4**level:
        if m[ENDED]:
            return 0
        tops = want[2]
        there = 1 if len(tops) and (tops[comp, node] >> plane) else 0
        there, _ = code_flag(m, there, place, seen, level, ny, nx)
        if not there:
            return 0
    nodes[comp, node] = 1
    return 1


@compiled
def _code_block(m, place, want, seen, prices, y0, x0):  # type: ignore[no-untyped-def]
    """Code this plane of the 4x4 coefficients at (y0, x0)."""
    bands, band, comp, plane = place
    magnitude, sign, _ = want
    known, signs, _ = seen
    for y in range(y0, min(y0 + 4, bands[band, HEIGHT])):
        for x in range(x0, min(x0 + 4, bands[band, WIDTH])):
            if m[ENDED]:
                return
            i = bands[band, OFFSET] + y * bands[band, STRIDE] + x
            whole = np.int64(magnitude[comp, i]) if len(magnitude) else np.int64(0)
            bit = (whole >> plane) & 1
            if known[comp, i]:
                bit, _ = code_refinement(m, bit, place, seen, y, x)
                known[comp, i] |= bit << plane
                continue
            bit, chance = code_significance(m, bit, place, seen, y, x)
            if not bit or m[ENDED]:
                continue
            negative = 1 if len(sign) and sign[comp, i] < 0 else 0
            negative, sign_chance = code_sign(m, negative, place, seen, y, x)
            known[comp, i] = 1 << plane
            signs[comp, i] = -1 if negative else 1
            if len(prices):
                instead = cost(65536 - chance)
                prices[comp, i] = cost(chance) + cost(sign_chance) - instead


@compiled
def _code_band(m, place, want, seen, prices):  # type: ignore[no-untyped-def]
    """Code one plane of one subband of one component, block by block."""
    bands, band, _, _ = place
    f2, f1, f0 = NODE_FIELDS + 8, NODE_FIELDS + 4, NODE_FIELDS
    for y2 in range(bands[band, f2 + 2]):
        for x2 in range(bands[band, f2 + 3]):
            if not _enter_block(m, place, want, seen, prices, 2, y2, x2):
                continue
            for y1 in range(4 * y2, min(4 * y2 + 4, bands[band, f1 + 2])):
                for x1 in range(4 * x2, min(4 * x2 + 4, bands[band, f1 + 3])):
                    if not _enter_block(m, place, want, seen, prices, 1, y1, x1):
                        continue
                    for y0 in range(4 * y1, min(4 * y1 + 4, bands[band, f0 + 2])):
                        for x0 in range(4 * x1, min(4 * x1 + 4, bands[band, f0 + 3])):
                            if _enter_block(m, place, want, seen, prices, 0, y0, x0):
                                _code_block(m, place, want, seen, prices, 4 * y0, 4 * x0)


@compiled
def code_planes(m, bands, first_plane, want, seen, prices, marks):  # type: ignore[no-untyped-def]
    """Code all planes, in the direction of the coder.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    bands : (n_bands, 20) int64
        See `layout.Layout.table`.
    first_plane : int
        Highest bit plane.
    want, seen, prices
        See the head of this module.
    marks : (planes * n_bands,) int64
        Filled with the shifts that the coder has made after each subband.

    Returns
    -------
    int
        Subbands coded entirely, all planes together.
    """
    done = 0
    for plane in range(first_plane, -1, -1):
        for band in range(len(bands)):
            for comp in range(len(seen[0])):
                _code_band(m, (bands, band, comp, plane), want, seen, prices)
                if m[ENDED]:
                    return done
            marks[done] = m[SHIFTS]
            done += 1
    return done


@compiled
def block_maxima(bands, magnitude, tops):  # type: ignore[no-untyped-def]
    """Fill `tops` (C, nodes) int32 with the largest magnitude in each block."""
    for comp in range(len(magnitude)):
        for band in range(len(bands)):
            for y in range(bands[band, HEIGHT]):
                for x in range(bands[band, WIDTH]):
                    value = magnitude[comp, bands[band, OFFSET] + y * bands[band, STRIDE] + x]
                    if value == 0:
                        continue
                    for level in range(NODE_LEVELS):
                        at = NODE_FIELDS + 4 * level
                        shift = 2 * (level + 1)
                        k = bands[band, at] + (y >> shift) * bands[band, at + 1] + (x >> shift)
                        tops[comp, k] = max(tops[comp, k], value)
