"""Second stage of the tile syntax: the levels of the leaves, in falling order of grade.

One source for writing, reading and pricing (compiled by Numba). Within a leaf the diagonals
run from the last to the first, so that a level is predicted from those of higher frequency;
further contexts are the grade, the same frequency in neighbouring leaves and in luma, and
what the means around the leaf, all known by now, say about its lowest frequencies.
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from ..entropy import ENDED, code_mixed
from .contexts import (
    DIAGONAL_CLASS,
    DIAGONALS,
    EIGHT,
    END_CLASS,
    FOUR,
    MORE_AT,
    MORE_ROW,
    MORE_ROW2,
    SIG_AT,
    SIG_ROW,
    SIG_ROW2,
    SIGN_AT,
    SIGN_ROW,
    SIGN_ROW2,
    SIX,
    SIZE_GROUP,
    TEMPLATE_CLASS,
    TEMPLATES,
    UNARY,
)
from .syntax import (
    CELL_LOG,
    COMP,
    GRADE,
    LEFT,
    LOG,
    MAGNITUDES,
    MAPPED,
    REACH,
    SIGNIFICANCE,
    SIGNS,
    START,
    TOP,
    code_escape,
)


@compiled
def _cap(value, limit):  # type: ignore[no-untyped-def]
    return min(abs(np.int64(value)), limit)


@compiled
def template(levels, at, u, v, side):  # type: ignore[no-untyped-def]
    """Class of the five neighbours of higher frequency, and their capped sum."""
    total = np.int64(0)
    if u + 1 < side:
        total += _cap(levels[at + side], 3)
        if v + 1 < side:
            total += _cap(levels[at + side + 1], 3)
        if u + 2 < side:
            total += _cap(levels[at + 2 * side], 3)
    if v + 1 < side:
        total += _cap(levels[at + 1], 3)
        if v + 2 < side:
            total += _cap(levels[at + 2], 3)
    return TEMPLATE_CLASS[total], total


@compiled
def more_template(levels, at, u, v, side):  # type: ignore[no-untyped-def]
    """Class of the sum of the five neighbours' magnitudes."""
    total = np.int64(0)
    if u + 1 < side:
        total += _cap(levels[at + side], 15)
        if v + 1 < side:
            total += _cap(levels[at + side + 1], 15)
        if u + 2 < side:
            total += _cap(levels[at + 2 * side], 15)
    if v + 1 < side:
        total += _cap(levels[at + 1], 15)
        if v + 2 < side:
            total += _cap(levels[at + 2], 15)
    return EIGHT[total]


@compiled
def sig_context(role, k, diagonal, shape):  # type: ignore[no-untyped-def]
    """First context of significance: also what the encoder's prices go by."""
    return SIG_AT[0] + ((role * 5 + k) * DIAGONALS + DIAGONAL_CLASS[diagonal]) * TEMPLATES + shape


@compiled
def more_context(role, i, shape, diagonal):  # type: ignore[no-untyped-def]
    """First context of "is the magnitude larger than i": also what prices go by."""
    place = 0 if diagonal == 1 else (1 if diagonal < 5 else 2)
    return MORE_AT[0] + ((role * 6 + min(i, 6) - 1) * 8 + shape) * 3 + place


@compiled
def _magnitude(flat, base, shift, log, u, v):  # type: ignore[no-untyped-def]
    """Magnitude at the frequency (u, v) of this tile in a tile `shift` times larger.

    `base` is the other tile's place in the flat levels, `log` the logarithm of its side.
    """
    if shift <= 0:
        uu, vv = u >> -shift, v >> -shift
        return abs(np.int64(flat[base + (uu << log) + vv])) if uu + vv else np.int64(0)
    at = base + (u << (shift + log)) + (v << shift)
    value = max(abs(np.int64(flat[at])), abs(np.int64(flat[at + 1])))
    return max(value, abs(np.int64(flat[at + (np.int64(1) << log)])))


@compiled
def _sign(value):  # type: ignore[no-untyped-def]
    return 1 if value > 0 else (-1 if value < 0 else 0)


@compiled
def _mean_at(means, owner, cy, cx, own):  # type: ignore[no-untyped-def]
    """Mean of a cell, or `own` outside the picture."""
    return np.int64(means[cy + 1, cx + 1]) if owner[cy + 1, cx + 1] >= 0 else own


@compiled
def expect_low(means, owner, leaf, step, out):  # type: ignore[no-untyped-def]
    """Guess the lowest levels of a leaf from the means around it.

    Parameters
    ----------
    means, owner : (rows + 2, columns + 2) int32
    leaf : (FIELDS,) int32
    step : int
    out : (6,) int64
        Filled for (0, 1), (1, 0), (1, 1), (0, 2), (2, 0) at 1 .. 5 with eighths of a level.
    """
    log = np.int64(leaf[LOG])
    cy, cx = np.int64(leaf[TOP]) >> CELL_LOG, np.int64(leaf[LEFT]) >> CELL_LOG
    span = np.int64(1) << (log - CELL_LOG)
    own = np.int64(means[cy + 1, cx + 1])
    west = np.int64(0)
    east = np.int64(0)
    north = np.int64(0)
    south = np.int64(0)
    for i in range(span):
        west += _mean_at(means, owner, cy + i, cx - 1, own)
        east += _mean_at(means, owner, cy + i, cx + span, own)
        north += _mean_at(means, owner, cy - 1, cx + i, own)
        south += _mean_at(means, owner, cy + span, cx + i, own)
    shift = log - CELL_LOG
    west, east, north, south = west >> shift, east >> shift, north >> shift, south >> shift
    twist = _mean_at(means, owner, cy - 1, cx - 1, own) + _mean_at(
        means, owner, cy + span, cx + span, own
    )
    twist -= _mean_at(means, owner, cy - 1, cx + span, own) + _mean_at(
        means, owner, cy + span, cx - 1, own
    )
    # Ratios for a linear and a quadratic surface through means one side apart, times 256;
    # eighths of a level; FRACTION_BITS of the means against STEP_BITS of the step.
    scale = np.int64(1) << (log + 10 + 3 - 8)
    out[1] = (west - east) * 37 * scale // step
    out[2] = (north - south) * 37 * scale // step
    out[3] = twist * 5 * scale // step
    out[4] = (west + east - 2 * own) * 9 * scale // step
    out[5] = (north + south - 2 * own) * 9 * scale // step


@compiled
def _guess_class(value):  # type: ignore[no-untyped-def]
    """Class 0 .. 4 of the magnitude of a guess in eighths of a level."""
    size = abs(value)
    return 0 if size < 2 else (1 if size < 4 else (2 if size < 8 else (3 if size < 16 else 4)))


@compiled
def code_leaf_details(m, leaves, index, known, levels, flat, nearby, guesses, prices, room):  # type: ignore[no-untyped-def]
    """Code the levels of one leaf.

    Parameters
    ----------
    m : tuple
        Coder bundle.
    leaves : (n, FIELDS) int32
    index : int
    known : (n,) uint8
        Which leaves' levels are known.
    levels : (C, size) int16
        Read when writing, filled when reading.
    flat : (C * size,) int16
        The same memory.
    nearby : (6,) int64
        Leaf left, right, above, below, of luma and of the first chroma component, or -1.
    guesses : (6,) int64
        See `expect_low`.
    prices : (C, size) float32 or (0, 0)
        Filled with the bits that a level 1 costs more than a 0.
    room : (5, 6) int64
        Scratch.

    Returns
    -------
    bool
        False if the data ended first.
    """
    leaf = leaves[index]
    comp, log = np.int64(leaf[COMP]), np.int64(leaf[LOG])
    own = levels[comp]
    start = np.int64(leaf[START])
    side = np.int64(1) << log
    k = log - CELL_LOG
    grade, reach = np.int64(leaf[GRADE]), np.int64(leaf[REACH])
    chroma = nearby[4] >= 0
    role = 1 if chroma else 0
    comp_class = (2 if nearby[5] >= 0 else 1) if chroma else 0
    pricing = len(prices) > 0
    most = (np.int64(1) << grade) - 1
    mapped = 1 if leaf[MAPPED] else 0
    count = np.int64(0)
    bases, shifts, logs = room[0], room[1], room[2]
    for i in range(6):
        other = nearby[i]
        bases[i], shifts[i], logs[i] = -1, 0, 0
        if other >= 0 and known[other] and leaves[other, GRADE]:
            bases[i] = np.int64(leaves[other, COMP]) * levels.shape[1] + leaves[other, START]
            logs[i] = leaves[other, LOG]
            shifts[i] = logs[i] - log
    luma, luma_shift, luma_log = bases[4], shifts[4], logs[4]
    luma_same = luma >= 0 and luma_shift == 0
    blue = bases[5]
    blue_known = comp_class == 2 and known[nearby[5]] != 0
    rc, buf, ctx, prob, conf, weights, scratch, tally, bits, cost = m
    model = (prob, conf, weights, ctx, scratch, tally)
    has_around = max(bases[0], bases[1], bases[2], bases[3]) >= 0
    for diagonal in range(reach, 0, -1):
        for u in range(max(0, diagonal - side + 1), min(diagonal, side - 1) + 1):
            v = diagonal - u
            if rc[ENDED]:
                return False
            here = u * side + v
            at = start + here
            shape, total = template(own, at, u, v, side)
            four = FOUR[total]
            place = 0 if u == 0 else (1 if v == 0 else 2)
            around = np.int64(0)
            if has_around:
                for i in range(4):
                    if bases[i] >= 0:
                        around += min(_magnitude(flat, bases[i], shifts[i], logs[i], u, v), 15)
            end = reach - diagonal
            which = 0
            if diagonal == 1:
                which = 1 + u
            elif diagonal == 2:
                which = 4 if u == 0 else (3 if u == 1 else 5)
            guess = guesses[which] if which else np.int64(0)
            twin = np.int64(0)
            ctx[0] = sig_context(role, k, diagonal, shape)
            ctx[1] = (
                SIG_AT[1]
                + (((role * 5 + min(grade, 5) - 1) * 6 + END_CLASS[end]) * TEMPLATES + shape) * 2
                + mapped
            )
            ctx[2] = (
                SIG_AT[2]
                + (((role * 6 + SIX[around]) * 4 + four) * 3 + place) * 3
                + min(grade, 3)
                - 1
            )
            ctx[3] = SIG_AT[3] + (comp_class * 5 + k) * 64 + min(u, 7) * 8 + min(v, 7)
            if chroma:
                beside = np.int64(0)
                if luma >= 0:
                    twin = _magnitude(flat, luma, luma_shift, luma_log, u, v)
                    if u + 1 < side:
                        beside = _magnitude(flat, luma, luma_shift, luma_log, u + 1, v)
                    if v + 1 < side:
                        beside += _magnitude(flat, luma, luma_shift, luma_log, u, v + 1)
                b = np.int64(0)
                if blue_known:
                    b = 1 + (min(abs(np.int64(flat[blue + here])), 2) if blue >= 0 else 0)
                ctx[4] = (
                    SIG_AT[4]
                    + 192
                    + ((((comp_class - 1) * 4 + min(twin, 3)) * 3 + min(beside, 2)) * 4 + b) * 3
                    + min(four, 2)
                )
            else:
                down = _cap(own[at + side], 3) if u + 1 < side else 0
                down += _cap(own[at + 2 * side], 3) if u + 2 < side else 0
                right = _cap(own[at + 1], 3) if v + 1 < side else 0
                right += _cap(own[at + 2], 3) if v + 2 < side else 0
                ctx[4] = SIG_AT[4] + ((FOUR[down] * 4 + FOUR[right]) * 3 + place) * 4 + min(k, 3)
            low = _guess_class(guess) if which else SIX[min(count, 30)]
            ctx[5] = SIG_AT[5] + ((which * 6 + low) * 4 + four) * 2 + mapped
            row = SIG_ROW + ((role * 4 + four) * 3 + SIZE_GROUP[k]) * 6
            row2 = SIG_ROW2 + ((role * 4 + min(grade, 4) - 1) * 3 + place) * 6
            value = np.int64(own[at])
            size = abs(value)
            bit, p = code_mixed(rc, buf, model, 1 if size else 0, 6, row, row2)
            bits[SIGNIFICANCE] += cost[p >> 4]
            if not bit:
                continue
            if pricing:
                prices[comp, at] = cost[p >> 4] - cost[(65536 - p) >> 4]
            count += 1
            coded = np.int64(1)
            wide = more_template(own, at, u, v, side)
            while coded < most and coded <= UNARY:
                i = min(coded, 6) - 1
                ctx[0] = more_context(role, coded, wide, diagonal)
                ctx[1] = MORE_AT[1] + ((role * 6 + i) * 6 + min(grade, 7) - 2) * 5 + k
                ctx[2] = MORE_AT[2] + ((role * 6 + i) * 8 + EIGHT[around]) * 4 + min(twin, 3)
                ctx[3] = (
                    MORE_AT[3]
                    + ((comp_class * 3 + min(i, 2)) * 5 + k) * 36
                    + min(u, 5) * 6
                    + min(v, 5)
                )
                if rc[ENDED]:
                    return False
                row = MORE_ROW + (role * 3 + min(i, 2)) * 4
                row2 = MORE_ROW2 + k * 4
                bit, p = code_mixed(rc, buf, model, 1 if size > coded else 0, 4, row, row2)
                bits[MAGNITUDES] += cost[p >> 4]
                if pricing and coded == 1:
                    prices[comp, at] += cost[p >> 4]
                if not bit:
                    break
                coded += 1
            if coded > UNARY and coded < most:
                coded = min(coded + code_escape(m, MAGNITUDES, size - coded), most)
            across = np.int64(0)
            along = np.int64(0)
            odd_v, odd_u = 1 - 2 * (v & 1), 1 - 2 * (u & 1)
            if bases[0] >= 0 and shifts[0] == 0:
                across += _sign(flat[bases[0] + here]) * odd_v
            if bases[1] >= 0 and shifts[1] == 0:
                across += _sign(flat[bases[1] + here]) * odd_v
            if bases[2] >= 0 and shifts[2] == 0:
                along += _sign(flat[bases[2] + here]) * odd_u
            if bases[3] >= 0 and shifts[3] == 0:
                along += _sign(flat[bases[3] + here]) * odd_u
            across, along = _sign(across) + 1, _sign(along) + 1
            luma_sign = _sign(flat[luma + here]) + 1 if luma_same else 1
            blue_sign = _sign(flat[blue + here]) + 1 if blue >= 0 else 1
            down = _sign(own[at + 2 * side]) + 1 if u + 2 < side else 1
            right = _sign(own[at + 2]) + 1 if v + 2 < side else 1
            oblique = _sign(own[at + side + 1]) + 1 if u + 1 < side and v + 1 < side else 1
            low = _guess_class(guess)
            ctx[0] = SIGN_AT[0] + (role * 6 + which) * 9 + 4 + (low if guess >= 0 else -low)
            ctx[1] = SIGN_AT[1] + ((comp_class * 3 + luma_sign) * 3 + blue_sign) * 3 + place
            ctx[2] = (
                SIGN_AT[2]
                + (((role * 3 + across) * 3 + along) * 3 + place) * 3
                + min(diagonal, 3)
                - 1
            )
            ctx[3] = SIGN_AT[3] + ((down * 3 + right) * 3 + oblique) * 3 + place
            if rc[ENDED]:
                return False
            row = SIGN_ROW + (role * 2 + (1 if which else 0)) * 4
            row2 = SIGN_ROW2 + (place * 2 + (1 if luma_same else 0)) * 4
            negative, p = code_mixed(rc, buf, model, 1 if value < 0 else 0, 4, row, row2)
            bits[SIGNS] += cost[p >> 4]
            if pricing:
                prices[comp, at] += cost[p >> 4]
            own[at] = -coded if negative else coded
    return True


@compiled
def code_details(
    m,
    rows,
    columns,
    steps,
    leaves,
    order,
    owner,
    means,
    levels,
    flat,
    prices,
    spent,
    marks,
    paired,
    known,
    room,
):  # type: ignore[no-untyped-def]
    """Code the levels of all leaves that have any.

    Parameters
    ----------
    m : tuple
        Coder bundle.
    rows, columns : int
        Cells inside the picture.
    steps : (C,) int64
    leaves : (n, FIELDS) int32
    order : (k,) int64
        Leaves with detail, in coding order.
    owner, means : (C, rows + 2, columns + 2) int32
    levels : (C, size) int16
    flat : (C * size,) int16
        The same memory.
    prices : (C, size) float32 or (0, 0)
    spent : (n,) float64
        Filled with the bits of each leaf's levels.
    marks : (k + 1,) int64
        Filled with the coder's shifts after each leaf (writing).
    paired : bool
        Whether components 1 and 2 are chroma.
    known : (n,) uint8
        Filled: whether a leaf has nothing more to come.
    room : (5, 6) int64
        Scratch.

    Returns
    -------
    int
        Leaves completed.
    """
    bits = m[8]
    for i in range(len(leaves)):
        known[i] = leaves[i, GRADE] == 0
    nearby, guesses = room[3], room[4]
    last_row, last_column = owner.shape[1] - 2, owner.shape[2] - 2
    for n in range(len(order)):
        index = order[n]
        leaf = leaves[index]
        comp, log = np.int64(leaf[COMP]), np.int64(leaf[LOG])
        cy, cx = np.int64(leaf[TOP]) >> CELL_LOG, np.int64(leaf[LEFT]) >> CELL_LOG
        span = np.int64(1) << (log - CELL_LOG)
        my, mx = min(cy + (span >> 1), rows - 1), min(cx + (span >> 1), columns - 1)
        nearby[0] = owner[comp, my + 1, cx]
        nearby[1] = owner[comp, my + 1, min(cx + span, last_column) + 1]
        nearby[2] = owner[comp, cy, mx + 1]
        nearby[3] = owner[comp, min(cy + span, last_row) + 1, mx + 1]
        nearby[4] = -1
        nearby[5] = -1
        if paired and 0 < comp < 3:
            nearby[4] = owner[0, my + 1, mx + 1]
            if comp == 2:
                nearby[5] = owner[1, my + 1, mx + 1]
        expect_low(means[comp], owner[comp], leaf, steps[comp], guesses)
        before = bits[SIGNIFICANCE] + bits[SIGNS] + bits[MAGNITUDES]
        if not code_leaf_details(
            m, leaves, index, known, levels, flat, nearby, guesses, prices, room
        ):
            side = np.int64(1) << log
            for i in range(side * side):
                levels[comp, leaf[START] + i] = 0
            return n
        spent[index] = bits[SIGNIFICANCE] + bits[SIGNS] + bits[MAGNITUDES] - before
        known[index] = 1
        marks[n] = m[0][9]
    return len(order)
