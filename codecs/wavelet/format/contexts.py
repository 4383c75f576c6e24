"""What predicts each kind of decision: contexts, mixing rows, and one coding function a kind.

Every function reads only what decoder and encoder both know at that moment.
"""

from __future__ import annotations

import numpy as np

from ....shared.compiled import compiled
from ....shared.entropy import CONTEXT, decide, starts
from .layout import (
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
)

# Contexts, one after the other in one table.
FLAG, SIGNIFICANCE, SIGN, REFINEMENT = range(4)
KINDS = ("blocks", "significance", "signs", "refinement")
_FLAG_SIZES = (3 * 5 * 5 * 2, 3 * 4 * 4 * 2 * 2, 3 * 8 * 12 * 2)
_SIG_SIZES = (2 * 5 * 5 * 4, 12 * 4 * 4, 8 * 12 * 3, 4 * 4 * 6 * 3, 8 * 9 * 2, 3 * 4 * 4 * 4 * 4)
_SIGN_SIZES = (81 * 4, 3 * 3 * 3 * 4, 3 * 3 * 3 * 3)
_REF_SIZES = (3 * 6 * 2, 8 * 12 * 3, 3 * 8 * 3)


_F = starts(0, _FLAG_SIZES)
_S = starts(_F[-1], _SIG_SIZES)
_G = starts(_S[-1], _SIGN_SIZES)
_R = starts(_G[-1], _REF_SIZES)
CONTEXTS = _R[-1]

# Mixing weights: rows of each kind one after the other.
_FLAG_ROWS, _SIG_ROWS, _SIGN_ROWS, _REF_ROWS = (
    3 * 2 * 3 + 8,
    2 * 6 * 2 + 3 * 8 * 4,
    2 + 4 * 3,
    2 * 3 + 8,
)
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
    return 1 + np.int64(value)


@compiled
def code_flag(m, truth, place, seen, level, ny, nx):  # type: ignore[no-untyped-def]
    """Code whether a block holds anything significant yet."""
    bands, band, comp, plane = place
    known, _, nodes = seen
    at = NODE_FIELDS + 4 * level
    stride = bands[band, at + 1]
    node = bands[band, at] + ny * stride + nx
    near = (
        np.int64(nodes[comp, node - 1])
        + nodes[comp, node + 1]
        + nodes[comp, node - stride]
        + nodes[comp, node + stride]
    )
    diag = (
        np.int64(nodes[comp, node - stride - 1])
        + nodes[comp, node - stride + 1]
        + nodes[comp, node + stride - 1]
        + nodes[comp, node + stride + 1]
    )
    above = np.int64(0)
    parent = bands[band, PARENT]
    if parent >= 0:
        if level == 0:
            pst = bands[parent, STRIDE]
            p = bands[parent, OFFSET] + 2 * ny * pst + 2 * nx
            total = (
                _cap(known[comp, p], plane, 2)
                + _cap(known[comp, p + 1], plane, 2)
                + _cap(known[comp, p + pst], plane, 2)
                + _cap(known[comp, p + pst + 1], plane, 2)
            )
            above = _FOUR[total]
        else:
            pst = bands[parent, at + 1]
            p = bands[parent, at] + (ny >> 1) * pst + (nx >> 1)
            above = np.int64(nodes[comp, p]) * 2 + (
                1
                if nodes[comp, p - 1]
                + nodes[comp, p + 1]
                + nodes[comp, p - pst]
                + nodes[comp, p + pst]
                else 0
            )
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
    m[CONTEXT] = _F[0] + ((level * 5 + near) * 5 + diag) * 2 + chroma
    m[CONTEXT + 1] = _F[1] + (((level * 4 + above) * 4 + twins) * 2 + luma) * 2 + chroma
    m[CONTEXT + 2] = _F[2] + ((level * 8 + depth) * 12 + min(plane, 11)) * 2 + chroma
    row = _WF + ((level * 2 + chroma) * 3 + min(near, 2)) * 3
    return decide(m, FLAG, truth, 3, row, _WF + (18 + depth) * 3)


@compiled
def code_significance(m, truth, place, seen, y, x):  # type: ignore[no-untyped-def]
    """Code whether a coefficient becomes significant in this plane."""
    bands, band, comp, plane = place
    known = seen[0]
    st = bands[band, STRIDE]
    i = bands[band, OFFSET] + y * st + x
    orient = bands[band, ORIENT]
    w, e = _cap(known[comp, i - 1], plane, 3), _cap(known[comp, i + 1], plane, 3)
    n, s = _cap(known[comp, i - st], plane, 3), _cap(known[comp, i + st], plane, 3)
    nw, ne = _cap(known[comp, i - st - 1], plane, 3), _cap(known[comp, i - st + 1], plane, 3)
    sw, se = _cap(known[comp, i + st - 1], plane, 3), _cap(known[comp, i + st + 1], plane, 3)
    h, v = min(w, 2) + min(e, 2), min(n, 2) + min(s, 2)
    if orient == HL:
        h, v = v, h
    diag = nw + ne + sw + se
    near = _NEAR[2 * (w + e + n + s) + diag]
    far = (
        _cap(known[comp, i - 2], plane, 1)
        + _cap(known[comp, i + 2], plane, 1)
        + _cap(known[comp, i - 2 * st], plane, 1)
        + _cap(known[comp, i + 2 * st], plane, 1)
        + _cap(known[comp, i - 2 * st - 1], plane, 1)
        + _cap(known[comp, i - 2 * st + 1], plane, 1)
        + _cap(known[comp, i + 2 * st - 1], plane, 1)
        + _cap(known[comp, i + 2 * st + 1], plane, 1)
    )
    up = np.int64(0)
    up_near = np.int64(0)
    parent = bands[band, PARENT]
    if parent >= 0:
        pst = bands[parent, STRIDE]
        p = bands[parent, OFFSET] + (y >> 1) * pst + (x >> 1)
        up = _cap(known[comp, p], plane, 3)
        up_near = _FOUR[
            _cap(known[comp, p - 1], plane, 2)
            + _cap(known[comp, p + 1], plane, 2)
            + _cap(known[comp, p - pst], plane, 2)
            + _cap(known[comp, p + pst], plane, 2)
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
                value = _cap(known[comp, j], plane, 3)
                if value == 0 and _cap(known[comp, j - 1], plane, 1) + _cap(
                    known[comp, j + 1], plane, 1
                ) + _cap(known[comp, j - ost], plane, 1) + _cap(known[comp, j + ost], plane, 1):
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
        chroma = np.int64(1)
        other0 = _cap(known[0, i], plane, 3)
        ring = _FOUR[
            _cap(known[0, i - 1], plane, 2)
            + _cap(known[0, i + 1], plane, 2)
            + _cap(known[0, i - st], plane, 2)
            + _cap(known[0, i + st], plane, 2)
        ]
        if comp == 2:
            other1 = _cap(known[1, i], plane, 2) + 1
    kind = 1 if orient == HH else (2 if orient == LL else 0)
    depth = min(bands[band, LEVEL], 8) - 1
    six = _SIX[min(w + e + n + s, 12)]
    m[CONTEXT] = _S[0] + (((min(kind, 1) * 5 + h) * 5 + v) * 4 + _FOUR[min(diag, 7)])
    m[CONTEXT + 1] = _S[1] + (near * 4 + up) * 4 + up_near
    m[CONTEXT + 2] = _S[2] + (depth * 12 + min(plane, 11)) * 3 + min(comp, 2)
    m[CONTEXT + 3] = _S[3] + ((side * 4 + side2) * 6 + six) * 3 + kind
    m[CONTEXT + 4] = _S[4] + (depth * 9 + far) * 2 + (1 if near else 0)
    m[CONTEXT + 5] = (
        _S[5]
        + (((chroma + (1 if other1 else 0)) * 4 + other0) * 4 + ring) * 16
        + other1 * 4
        + _FOUR[min(near, 11)]
    )
    row = _WS + ((chroma * 6 + min(six, 5)) * 2 + (1 if plane == 0 else 0)) * 6
    return decide(
        m, SIGNIFICANCE, truth, 6, row, _WS + (24 + (kind * 8 + depth) * 4 + min(up, 3)) * 6
    )


@compiled
def code_sign(m, truth, place, seen, y, x):  # type: ignore[no-untyped-def]
    """Code the sign of a coefficient that just became significant; 1 is negative."""
    bands, band, comp, _ = place
    signs = seen[1]
    st = bands[band, STRIDE]
    i = bands[band, OFFSET] + y * st + x
    orient = bands[band, ORIENT]
    around = (
        (_ternary(signs[comp, i - 1]) * 3 + _ternary(signs[comp, i + 1])) * 3
        + _ternary(signs[comp, i - st])
    ) * 3 + _ternary(signs[comp, i + st])
    luma = np.int64(1)
    blue = np.int64(1)
    if comp in (1, 2):
        luma = _ternary(signs[0, i])
        if comp == 2:
            blue = _ternary(signs[1, i])
    up = np.int64(1)
    parent = bands[band, PARENT]
    if parent >= 0:
        up = _ternary(
            np.int64(
                signs[comp, bands[parent, OFFSET] + (y >> 1) * bands[parent, STRIDE] + (x >> 1)]
            )
        )
    m[CONTEXT] = _G[0] + around * 4 + orient
    m[CONTEXT + 1] = _G[1] + ((min(comp, 2) * 3 + luma) * 3 + blue) * 4 + orient
    along = (
        _ternary(np.int64(signs[comp, i - st]))
        if orient == HL
        else _ternary(np.int64(signs[comp, i - 1]))
    )
    m[CONTEXT + 2] = _G[2] + ((up * 3 + along) * 3 + min(orient, 2)) * 3 + min(comp, 2)
    row = _WG + (1 if comp in (1, 2) else 0) * 3
    return decide(m, SIGN, truth, 3, row, _WG + (2 + orient * 3 + min(comp, 2)) * 3)


@compiled
def code_refinement(m, truth, place, seen, y, x):  # type: ignore[no-untyped-def]
    """Code the next bit of a magnitude that is already significant."""
    bands, band, comp, plane = place
    known = seen[0]
    st = bands[band, STRIDE]
    i = bands[band, OFFSET] + y * st + x
    value = np.int64(known[comp, i]) >> (plane + 1)
    size = 0 if value == 1 else (1 if value < 4 else 2)
    near = (
        _cap(known[comp, i - 1], plane, 9)
        + _cap(known[comp, i + 1], plane, 9)
        + _cap(known[comp, i - st], plane, 9)
        + _cap(known[comp, i + st], plane, 9)
    )
    up = np.int64(0)
    parent = bands[band, PARENT]
    if parent >= 0:
        up = _cap(
            known[comp, bands[parent, OFFSET] + (y >> 1) * bands[parent, STRIDE] + (x >> 1)],
            plane,
            6,
        )
    grade = (
        0
        if near == 0
        else (
            1 if near <= 2 else (2 if near <= 4 else (3 if near <= 7 else (4 if near <= 12 else 5)))
        )
    )
    chroma = 1 if comp in (1, 2) else 0
    depth = min(bands[band, LEVEL], 8) - 1
    m[CONTEXT] = _R[0] + (size * 6 + grade) * 2 + chroma
    m[CONTEXT + 1] = _R[1] + (depth * 12 + min(plane, 11)) * 3 + size
    m[CONTEXT + 2] = _R[2] + (size * 8 + up) * 3 + (0 if near <= 2 else (1 if near <= 6 else 2))
    row = _WR + (chroma * 3 + size) * 3
    return decide(m, REFINEMENT, truth, 3, row, _WR + (6 + depth) * 3)
