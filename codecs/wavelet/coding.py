"""The wavelet syntax: one source for writing, reading and pricing (compiled by Numba).

Magnitudes are coded bit plane by bit plane, from the highest; within a plane subband by
subband, coarse to fine, and within a subband component by component. Blocks of 64, 16 and
4 coefficients a side that hold nothing yet are skipped with one flag. What is already
known around a coefficient, in all planes above and in the visited part of this one,
in its parent, its sibling subbands and the other components, forms the contexts.
"""

from __future__ import annotations

import numpy as np

from ...shared.compiled import compiled
from ...shared.entropy import ENDED, code_mixed
from .layout import (
    HEIGHT,
    HH,
    HL,
    LEVEL,
    LL,
    NODE_FIELDS,
    OFFSET,
    ORIENT,
    PARENT,
    SIBLINGS,
    STRIDE,
    WIDTH,
)

# Contexts, one after the other in one table.
FLAG, SIGNIFICANCE, SIGN, REFINEMENT = range(4)
KINDS = ("blocks", "significance", "signs", "refinement")
_FLAG_SIZES = (3 * 5 * 5 * 2, 3 * 4 * 4 * 2 * 2, 3 * 8 * 12 * 2)
_SIG_SIZES = (2 * 5 * 5 * 4, 12 * 4 * 4, 8 * 12 * 3, 4 * 4 * 6 * 3, 8 * 9 * 2, 3 * 4 * 4 * 4 * 4)
_SIGN_SIZES = (81 * 4, 3 * 3 * 3 * 4, 3 * 3 * 3 * 3)
_REF_SIZES = (3 * 6 * 2, 8 * 12 * 3, 3 * 8 * 3)


def _starts(first: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    out = []
    for size in sizes:
        out.append(first)
        first += size
    return (*out, first)


_F = _starts(0, _FLAG_SIZES)
_S = _starts(_F[-1], _SIG_SIZES)
_G = _starts(_S[-1], _SIGN_SIZES)
_R = _starts(_G[-1], _REF_SIZES)
CONTEXTS = _R[-1]

# Mixing weights: rows of each kind one after the other.
_FLAG_ROWS, _SIG_ROWS, _SIGN_ROWS, _REF_ROWS = 3 * 2 * 3 + 8, 2 * 6 * 2 + 3 * 8 * 4, 2 + 4 * 3, 2 * 3 + 8
_WF = 0
_WS = _WF + _FLAG_ROWS * 3
_WG = _WS + _SIG_ROWS * 6
_WR = _WG + _SIGN_ROWS * 3
WEIGHTS = _WR + _REF_ROWS * 3

# Rows of the numbers of inputs, for training and for default weights.
WEIGHT_INPUTS = ((_WF, _WS, 3), (_WS, _WG, 6), (_WG, _WR, 3), (_WR, WEIGHTS, 3))

# Quantizers of small sums.
_NEAR = np.array([0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8] + [9] * 8 + [10] * 12 + [11] * 28)
_FOUR = np.array([0, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3])
_SIX = np.array([0, 1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5])


@compiled
def _cap(value, plane, limit):  # type: ignore[no-untyped-def]
    return min(np.int64(value) >> plane, limit)


@compiled
def _ternary(value):  # type: ignore[no-untyped-def]
    return 1 + value


@compiled
def _code_flag(
    rc, buf, truth, band, bands, comp, level, ny, nx, plane, known, nodes, ctx, prob, conf, weights, scratch, tally
):  # type: ignore[no-untyped-def]
    """Code whether a block holds anything significant yet."""
    at = NODE_FIELDS + 4 * level
    stride = bands[band, at + 1]
    node = bands[band, at] + ny * stride + nx
    grid = nodes[comp]
    near = np.int64(grid[node - 1]) + grid[node + 1] + grid[node - stride] + grid[node + stride]
    diag = (
        np.int64(grid[node - stride - 1])
        + grid[node - stride + 1]
        + grid[node + stride - 1]
        + grid[node + stride + 1]
    )
    above = np.int64(0)
    parent = bands[band, PARENT]
    if parent >= 0:
        if level == 0:
            pst = bands[parent, STRIDE]
            p = bands[parent, OFFSET] + 2 * ny * pst + 2 * nx
            m = known[comp]
            total = (
                _cap(m[p], plane, 2) + _cap(m[p + 1], plane, 2) + _cap(m[p + pst], plane, 2) + _cap(m[p + pst + 1], plane, 2)
            )
            above = _FOUR[total]
        else:
            pst = bands[parent, at + 1]
            p = bands[parent, at] + (ny >> 1) * pst + (nx >> 1)
            above = np.int64(grid[p]) * 2 + (1 if grid[p - 1] + grid[p + 1] + grid[p - pst] + grid[p + pst] else 0)
    twins = np.int64(0)
    siblings = bands[band, SIBLINGS]
    if siblings:
        for back in range(1, 3):
            if (siblings >> (bands[band, ORIENT] - back)) & 1:
                other = band - back
                ost = bands[other, at + 1]
                if ny < bands[other, at + 2] and nx < bands[other, at + 3]:
                    twins += nodes[comp, bands[other, at] + ny * ost + nx]
                
        twins += 1
    luma = np.int64(0)
    if comp > 0:
        luma = np.int64(nodes[0, node])
        if comp == 2:
            luma = luma | nodes[1, node]
    chroma = 1 if comp in (1, 2) else 0
    depth = min(bands[band, LEVEL], 8) - 1
    ctx[0] = _F[0] + ((level * 5 + near) * 5 + diag) * 2 + chroma
    ctx[1] = _F[1] + (((level * 4 + above) * 4 + twins) * 2 + luma) * 2 + chroma
    ctx[2] = _F[2] + ((level * 8 + depth) * 12 + min(plane, 11)) * 2 + chroma
    row = _WF + ((level * 2 + chroma) * 3 + min(near, 2)) * 3
    return code_mixed(rc, buf, truth, ctx, 3, row, _WF + (18 + depth) * 3, prob, conf, weights, scratch, tally)


@compiled
def _code_significance(
    rc, buf, truth, band, bands, comp, y, x, plane, known, ctx, prob, conf, weights, scratch, tally
):  # type: ignore[no-untyped-def]
    """Code whether a coefficient becomes significant in this plane."""
    m = known[comp]
    st = bands[band, STRIDE]
    i = bands[band, OFFSET] + y * st + x
    orient = bands[band, ORIENT]
    w, e = _cap(m[i - 1], plane, 3), _cap(m[i + 1], plane, 3)
    n, s = _cap(m[i - st], plane, 3), _cap(m[i + st], plane, 3)
    nw, ne = _cap(m[i - st - 1], plane, 3), _cap(m[i - st + 1], plane, 3)
    sw, se = _cap(m[i + st - 1], plane, 3), _cap(m[i + st + 1], plane, 3)
    h, v = min(w, 2) + min(e, 2), min(n, 2) + min(s, 2)
    if orient == HL:
        h, v = v, h
    diag = nw + ne + sw + se
    near = _NEAR[2 * (w + e + n + s) + diag]
    far = (
        _cap(m[i - 2], plane, 1)
        + _cap(m[i + 2], plane, 1)
        + _cap(m[i - 2 * st], plane, 1)
        + _cap(m[i + 2 * st], plane, 1)
        + _cap(m[i - 2 * st - 1], plane, 1)
        + _cap(m[i - 2 * st + 1], plane, 1)
        + _cap(m[i + 2 * st - 1], plane, 1)
        + _cap(m[i + 2 * st + 1], plane, 1)
    )
    up = np.int64(0)
    up_near = np.int64(0)
    parent = bands[band, PARENT]
    if parent >= 0:
        pst = bands[parent, STRIDE]
        p = bands[parent, OFFSET] + (y >> 1) * pst + (x >> 1)
        up = _cap(m[p], plane, 3)
        up_near = _FOUR[
            _cap(m[p - 1], plane, 2) + _cap(m[p + 1], plane, 2) + _cap(m[p - pst], plane, 2) + _cap(m[p + pst], plane, 2)
        ]
    side = np.int64(0)
    side2 = np.int64(0)
    siblings = bands[band, SIBLINGS]
    if siblings:
        for back in range(1, 3):
            if (siblings >> (orient - back)) & 1:
                other = band - back
                ost = bands[other, STRIDE]
                j = bands[other, OFFSET] + y * ost + x
                value = _cap(m[j], plane, 3)
                if value == 0 and _cap(m[j - 1], plane, 1) + _cap(m[j + 1], plane, 1) + _cap(m[j - ost], plane, 1) + _cap(m[j + ost], plane, 1):
                    value = 1
                elif value:
                    value = min(value + 1, 3)
                if back == 1:
                    side = value
                else:
                    side2 = value
    other0 = np.int64(0)
    other1 = np.int64(0)
    ring = np.int64(0)
    chroma = np.int64(0)
    if comp in (1, 2):
        chroma = 1
        luma = known[0]
        other0 = _cap(luma[i], plane, 3)
        ring = _FOUR[_cap(luma[i - 1], plane, 2) + _cap(luma[i + 1], plane, 2) + _cap(luma[i - st], plane, 2) + _cap(luma[i + st], plane, 2)]
        if comp == 2:
            other1 = _cap(known[1, i], plane, 2) + 1
    kind = 1 if orient == HH else (2 if orient == LL else 0)
    depth = min(bands[band, LEVEL], 8) - 1
    six = _SIX[min(w + e + n + s, 12)]
    ctx[0] = _S[0] + (((min(kind, 1) * 5 + h) * 5 + v) * 4 + _FOUR[min(diag, 7)])
    ctx[1] = _S[1] + (near * 4 + up) * 4 + up_near
    ctx[2] = _S[2] + (depth * 12 + min(plane, 11)) * 3 + min(comp, 2)
    ctx[3] = _S[3] + ((side * 4 + side2) * 6 + six) * 3 + kind
    ctx[4] = _S[4] + (depth * 9 + far) * 2 + (1 if near else 0)
    ctx[5] = _S[5] + (((chroma + (1 if other1 else 0)) * 4 + other0) * 4 + ring) * 16 + other1 * 4 + _FOUR[min(near, 11)]
    row = _WS + ((chroma * 6 + min(six, 5)) * 2 + (1 if plane == 0 else 0)) * 6
    return code_mixed(rc, buf, truth, ctx, 6, row, _WS + (24 + (kind * 8 + depth) * 4 + min(up, 3)) * 6, prob, conf, weights, scratch, tally)


@compiled
def _code_sign(
    rc, buf, truth, band, bands, comp, y, x, signs, ctx, prob, conf, weights, scratch, tally
):  # type: ignore[no-untyped-def]
    """Code the sign of a coefficient that just became significant; 1 is negative."""
    g = signs[comp]
    st = bands[band, STRIDE]
    i = bands[band, OFFSET] + y * st + x
    orient = bands[band, ORIENT]
    around = ((_ternary(g[i - 1]) * 3 + _ternary(g[i + 1])) * 3 + _ternary(g[i - st])) * 3 + _ternary(g[i + st])
    luma = np.int64(1)
    blue = np.int64(1)
    if comp in (1, 2):
        luma = _ternary(np.int64(signs[0, i]))
        if comp == 2:
            blue = _ternary(np.int64(signs[1, i]))
    up = np.int64(1)
    parent = bands[band, PARENT]
    if parent >= 0:
        up = _ternary(np.int64(g[bands[parent, OFFSET] + (y >> 1) * bands[parent, STRIDE] + (x >> 1)]))
    ctx[0] = _G[0] + around * 4 + orient
    ctx[1] = _G[1] + ((min(comp, 2) * 3 + luma) * 3 + blue) * 4 + orient
    along = _ternary(np.int64(g[i - st])) if orient == HL else _ternary(np.int64(g[i - 1]))
    ctx[2] = _G[2] + ((up * 3 + along) * 3 + min(orient, 2)) * 3 + min(comp, 2)
    row = _WG + (1 if comp in (1, 2) else 0) * 3
    return code_mixed(rc, buf, truth, ctx, 3, row, _WG + (2 + orient * 3 + min(comp, 2)) * 3, prob, conf, weights, scratch, tally)


@compiled
def _code_refinement(
    rc, buf, truth, band, bands, comp, y, x, plane, known, ctx, prob, conf, weights, scratch, tally
):  # type: ignore[no-untyped-def]
    """Code the next bit of a magnitude that is already significant."""
    m = known[comp]
    st = bands[band, STRIDE]
    i = bands[band, OFFSET] + y * st + x
    value = np.int64(m[i]) >> (plane + 1)
    size = 0 if value == 1 else (1 if value < 4 else 2)
    near = (
        _cap(m[i - 1], plane, 9)
        + _cap(m[i + 1], plane, 9)
        + _cap(m[i - st], plane, 9)
        + _cap(m[i + st], plane, 9)
    )
    up = np.int64(0)
    parent = bands[band, PARENT]
    if parent >= 0:
        up = _cap(m[bands[parent, OFFSET] + (y >> 1) * bands[parent, STRIDE] + (x >> 1)], plane, 6)
    grade = 0 if near == 0 else (1 if near <= 2 else (2 if near <= 4 else (3 if near <= 7 else (4 if near <= 12 else 5))))
    chroma = 1 if comp in (1, 2) else 0
    depth = min(bands[band, LEVEL], 8) - 1
    ctx[0] = _R[0] + (size * 6 + grade) * 2 + chroma
    ctx[1] = _R[1] + (depth * 12 + min(plane, 11)) * 3 + size
    ctx[2] = _R[2] + (size * 8 + up) * 3 + (0 if near <= 2 else (1 if near <= 6 else 2))
    row = _WR + (chroma * 3 + size) * 3
    return code_mixed(rc, buf, truth, ctx, 3, row, _WR + (6 + depth) * 3, prob, conf, weights, scratch, tally)


@compiled
def _code_band(
    rc, buf, band, bands, comp, plane, truth, sign_truth, tops, known, signs, nodes, prices, bits, ctx, prob, conf, weights, scratch, tally, cost
):  # type: ignore[no-untyped-def]
    """Code one plane of one subband of one component."""
    decoding = len(truth) == 0
    pricing = len(prices) > 0
    st, origin = bands[band, STRIDE], bands[band, OFFSET]
    height, width = bands[band, HEIGHT], bands[band, WIDTH]
    f2, f1, f0 = NODE_FIELDS + 8, NODE_FIELDS + 4, NODE_FIELDS
    largest = max(height, width)
    for y2 in range(bands[band, f2 + 2]):
        for x2 in range(bands[band, f2 + 3]):
            k2 = bands[band, f2] + y2 * bands[band, f2 + 1] + x2
            if not nodes[comp, k2]:
                if largest > 16:
                    want = 0 if decoding else (1 if (tops[comp, k2] >> plane) else 0)
                    if rc[ENDED]:
                        return
                    bit, p = _code_flag(rc, buf, want, band, bands, comp, 2, y2, x2, plane, known, nodes, ctx, prob, conf, weights, scratch, tally)
                    bits[FLAG] += cost[p >> 4]
                    if not bit:
                        continue
                nodes[comp, k2] = 1
            for y1 in range(4 * y2, min(4 * y2 + 4, bands[band, f1 + 2])):
                for x1 in range(4 * x2, min(4 * x2 + 4, bands[band, f1 + 3])):
                    k1 = bands[band, f1] + y1 * bands[band, f1 + 1] + x1
                    if not nodes[comp, k1]:
                        if largest > 4:
                            want = 0 if decoding else (1 if (tops[comp, k1] >> plane) else 0)
                            if rc[ENDED]:
                                return
                            bit, p = _code_flag(rc, buf, want, band, bands, comp, 1, y1, x1, plane, known, nodes, ctx, prob, conf, weights, scratch, tally)
                            bits[FLAG] += cost[p >> 4]
                            if not bit:
                                continue
                        nodes[comp, k1] = 1
                    for y0 in range(4 * y1, min(4 * y1 + 4, bands[band, f0 + 2])):
                        for x0 in range(4 * x1, min(4 * x1 + 4, bands[band, f0 + 3])):
                            k0 = bands[band, f0] + y0 * bands[band, f0 + 1] + x0
                            if not nodes[comp, k0]:
                                want = 0 if decoding else (1 if (tops[comp, k0] >> plane) else 0)
                                if rc[ENDED]:
                                    return
                                bit, p = _code_flag(rc, buf, want, band, bands, comp, 0, y0, x0, plane, known, nodes, ctx, prob, conf, weights, scratch, tally)
                                bits[FLAG] += cost[p >> 4]
                                if not bit:
                                    continue
                                nodes[comp, k0] = 1
                            for y in range(4 * y0, min(4 * y0 + 4, height)):
                                for x in range(4 * x0, min(4 * x0 + 4, width)):
                                    if rc[ENDED]:
                                        return
                                    i = origin + y * st + x
                                    whole = np.int64(0) if decoding else np.int64(truth[comp, i])
                                    if known[comp, i]:
                                        bit, p = _code_refinement(rc, buf, (whole >> plane) & 1, band, bands, comp, y, x, plane, known, ctx, prob, conf, weights, scratch, tally)
                                        bits[REFINEMENT] += cost[p >> 4]
                                        known[comp, i] |= bit << plane
                                        continue
                                    bit, p = _code_significance(rc, buf, 1 if (whole >> plane) else 0, band, bands, comp, y, x, plane, known, ctx, prob, conf, weights, scratch, tally)
                                    bits[SIGNIFICANCE] += cost[p >> 4]
                                    if not bit:
                                        continue
                                    if rc[ENDED]:
                                        return
                                    negative = 0 if decoding else (1 if sign_truth[comp, i] < 0 else 0)
                                    if pricing:
                                        prices[comp, i] = cost[p >> 4] - cost[(65536 - p) >> 4]
                                    negative, p = _code_sign(rc, buf, negative, band, bands, comp, y, x, signs, ctx, prob, conf, weights, scratch, tally)
                                    bits[SIGN] += cost[p >> 4]
                                    if pricing:
                                        prices[comp, i] += cost[p >> 4]
                                    known[comp, i] = 1 << plane
                                    signs[comp, i] = -1 if negative else 1


@compiled
def code_planes(
    rc, buf, bands, first_plane, truth, sign_truth, tops, known, signs, nodes, prices, bits, marks, prob, conf, weights, tally, cost
):  # type: ignore[no-untyped-def]
    """Code all planes, in the direction that `rc` says.

    Parameters
    ----------
    rc, buf
        Coder state and bytes, see `shared.entropy`.
    bands : (n_bands, 20) int64
        See `layout.Layout.table`.
    first_plane : int
        Highest bit plane.
    truth : (C, size) int32 or (0, 0)
        Magnitudes to write; empty when reading.
    sign_truth : (C, size) int8 or (0, 0)
    tops : (C, nodes) int32 or (0, 0)
        Largest magnitude in each block, see `block_maxima`; empty when reading.
    known, signs, nodes : (C, size) int32, (C, size) int8, (C, nodes) uint8
        Zeros; filled with what the decoder knows.
    prices : (C, size) float32 or (0, 0)
        Filled with the bits that each coefficient's significance and sign cost.
    bits : (4,) float64
        Filled with the bits by kind, see `KINDS`.
    marks : (planes * n_bands + 1, 2) int64
        Filled with (coder shifts, plane * n_bands + band) after each subband when writing,
        and with the number of completed subbands in the last row.
    prob, conf, weights, tally
        See `shared.entropy.code_mixed`.
    cost : (4097,) float64
        Bits by probability (upper 12 bits).
    """
    ctx = np.zeros(8, np.int64)
    scratch = np.zeros(8, np.int64)
    done = 0
    for plane in range(first_plane, -1, -1):
        for band in range(len(bands)):
            for comp in range(len(known)):
                _code_band(rc, buf, band, bands, comp, plane, truth, sign_truth, tops, known, signs, nodes, prices, bits, ctx, prob, conf, weights, scratch, tally, cost)
                if rc[ENDED]:
                    marks[-1, 0] = done
                    return
            marks[done, 0] = rc[9]
            marks[done, 1] = plane
            done += 1
    marks[-1, 0] = done


@compiled
def block_maxima(bands, truth, tops):  # type: ignore[no-untyped-def]
    """Fill `tops` (C, nodes) int32 with the largest magnitude in each coding block."""
    for comp in range(len(truth)):
        for band in range(len(bands)):
            for y in range(bands[band, HEIGHT]):
                for x in range(bands[band, WIDTH]):
                    value = truth[comp, bands[band, OFFSET] + y * bands[band, STRIDE] + x]
                    if value == 0:
                        continue
                    for level in range(3):
                        at = NODE_FIELDS + 4 * level
                        shift = 2 * (level + 1)
                        k = bands[band, at] + (y >> shift) * bands[band, at + 1] + (x >> shift)
                        tops[comp, k] = max(tops[comp, k], value)


__all__ = ["CONTEXTS", "KINDS", "WEIGHTS", "WEIGHT_INPUTS", "block_maxima", "code_planes"]
