"""Second stage of the tile syntax: the levels of the leaves, in falling order of grade.

One source for writing, reading and pricing (compiled by Numba). Within a leaf the diagonals
run from the last to the first, so that a level is predicted from those of higher frequency;
further contexts are the grade, the same frequency in neighbouring leaves and in luma, and
what the means around the leaf, all known by now, say about its lowest frequencies.
"""

from __future__ import annotations

from ...compiled import compiled
from ...entropy import CONTEXT, ENDED, SHIFTS, bits_of, cost, decide
from .contexts import (
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
    TEMPLATES,
    UNARY,
)
from .neighbours import (
    cap,
    expect_low,
    guess_class,
    magnitude,
    more_context,
    more_template,
    sig_context,
    sign_of,
    template,
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
    TURN,
    code_escape,
    int64,
)
from .turns import turn_guesses


@compiled
def code_leaf_details(m, leaves, index, known, levels, flat, nearby, guesses, prices, room):  # type: ignore[no-untyped-def]
    """Code the levels of one leaf.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
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
    room : (6, 6) int64
        Scratch.

    Returns
    -------
    bool
        False if the data ended first.
    """
    leaf = leaves[index]
    comp, log = int64(leaf[COMP]), int64(leaf[LOG])
    own = levels[comp]
    start = int64(leaf[START])
    side = int64(1) << log
    k = log - CELL_LOG
    grade, reach = int64(leaf[GRADE]), int64(leaf[REACH])
    chroma = nearby[4] >= 0
    role = 1 if chroma else 0
    comp_class = (2 if nearby[5] >= 0 else 1) if chroma else 0
    pricing = len(prices) > 0
    most = (int64(1) << grade) - 1
    mapped = 1 if leaf[MAPPED] else 0
    turn = leaf[TURN]
    species = 3 if turn else comp_class
    manner = 2 if turn else role
    count = int64(0)
    bases, shifts, logs, alike = room[0], room[1], room[2], room[5]
    for i in range(6):
        other = nearby[i]
        bases[i], shifts[i], logs[i] = -1, 0, 0
        if other >= 0 and known[other] and leaves[other, GRADE]:
            bases[i] = int64(leaves[other, COMP]) * levels.shape[1] + leaves[other, START]
            logs[i] = leaves[other, LOG]
            shifts[i] = logs[i] - log
            # Only of cosines is it known how their signs go on.
            alike[i] = shifts[i] == 0 and not turn and not leaves[other, TURN]
    luma, luma_shift, luma_log = bases[4], shifts[4], logs[4]
    luma_same = luma >= 0 and alike[4] != 0
    blue = bases[5]
    blue_known = comp_class == 2 and known[nearby[5]] != 0
    has_around = max(bases[0], bases[1], bases[2], bases[3]) >= 0
    for diagonal in range(reach, 0, -1):
        for u in range(max(0, diagonal - side + 1), min(diagonal, side - 1) + 1):
            v = diagonal - u
            if m[ENDED]:
                return False
            here = u * side + v
            at = start + here
            shape, total = template(own, at, u, v, side)
            four = FOUR[total]
            place = 0 if u == 0 else (1 if v == 0 else 2)
            around = int64(0)
            if has_around:
                for i in range(4):
                    if bases[i] >= 0:
                        around += min(magnitude(flat, bases[i], shifts[i], logs[i], u, v), 15)
            end = reach - diagonal
            which = 0
            if diagonal == 1:
                which = 1 + u
            elif diagonal == 2:
                which = 4 if u == 0 else (3 if u == 1 else 5)
            guess = guesses[which] if which else int64(0)
            twin = int64(0)
            m[CONTEXT] = sig_context(manner, k, diagonal, shape)
            m[CONTEXT + 1] = (
                SIG_AT[1]
                + (((role * 5 + min(grade, 5) - 1) * 6 + END_CLASS[end]) * TEMPLATES + shape) * 2
                + mapped
            )
            m[CONTEXT + 2] = (
                SIG_AT[2]
                + (((role * 6 + SIX[around]) * 4 + four) * 3 + place) * 3
                + min(grade, 3)
                - 1
            )
            m[CONTEXT + 3] = SIG_AT[3] + (species * 5 + k) * 64 + min(u, 7) * 8 + min(v, 7)
            if chroma:
                beside = int64(0)
                if luma >= 0:
                    twin = magnitude(flat, luma, luma_shift, luma_log, u, v)
                    if u + 1 < side:
                        beside = magnitude(flat, luma, luma_shift, luma_log, u + 1, v)
                    if v + 1 < side:
                        beside += magnitude(flat, luma, luma_shift, luma_log, u, v + 1)
                b = int64(0)
                if blue_known:
                    b = 1 + (min(abs(int64(flat[blue + here])), 2) if blue >= 0 else 0)
                m[CONTEXT + 4] = (
                    SIG_AT[4]
                    + 192
                    + ((((comp_class - 1) * 4 + min(twin, 3)) * 3 + min(beside, 2)) * 4 + b) * 3
                    + min(four, 2)
                )
            else:
                down = cap(own[at + side], 3) if u + 1 < side else 0
                down += cap(own[at + 2 * side], 3) if u + 2 < side else 0
                right = cap(own[at + 1], 3) if v + 1 < side else 0
                right += cap(own[at + 2], 3) if v + 2 < side else 0
                m[CONTEXT + 4] = (
                    SIG_AT[4] + ((FOUR[down] * 4 + FOUR[right]) * 3 + place) * 4 + min(k, 3)
                )
            low = guess_class(guess) if which else SIX[min(count, 30)]
            m[CONTEXT + 5] = SIG_AT[5] + ((which * 6 + low) * 4 + four) * 2 + mapped
            row = SIG_ROW + ((manner * 4 + four) * 3 + SIZE_GROUP[k]) * 6
            row2 = SIG_ROW2 + ((role * 4 + min(grade, 4) - 1) * 3 + place) * 6
            value = int64(own[at])
            size = abs(value)
            bit, p = decide(m, SIGNIFICANCE, 1 if size else 0, 6, row, row2)
            if not bit:
                continue
            if pricing:
                prices[comp, at] = cost(p) - cost(65536 - p)
            count += 1
            coded = int64(1)
            wide = more_template(own, at, u, v, side)
            while coded < most and coded <= UNARY:
                i = min(coded, 6) - 1
                m[CONTEXT] = more_context(manner, coded, wide, diagonal)
                m[CONTEXT + 1] = MORE_AT[1] + ((role * 6 + i) * 6 + min(grade, 7) - 2) * 5 + k
                m[CONTEXT + 2] = (
                    MORE_AT[2] + ((role * 6 + i) * 8 + EIGHT[around]) * 4 + min(twin, 3)
                )
                m[CONTEXT + 3] = (
                    MORE_AT[3]
                    + ((species * 3 + min(i, 2)) * 5 + k) * 36
                    + min(u, 5) * 6
                    + min(v, 5)
                )
                if m[ENDED]:
                    return False
                row = MORE_ROW + (role * 3 + min(i, 2)) * 4
                row2 = MORE_ROW2 + k * 4
                bit, p = decide(m, MAGNITUDES, 1 if size > coded else 0, 4, row, row2)
                if pricing and coded == 1:
                    prices[comp, at] += cost(p)
                if not bit:
                    break
                coded += 1
            if coded > UNARY and coded < most:
                coded = min(coded + code_escape(m, MAGNITUDES, size - coded), most)
            across = int64(0)
            along = int64(0)
            odd_v, odd_u = 1 - 2 * (v & 1), 1 - 2 * (u & 1)
            if bases[0] >= 0 and alike[0]:
                across += sign_of(flat[bases[0] + here]) * odd_v
            if bases[1] >= 0 and alike[1]:
                across += sign_of(flat[bases[1] + here]) * odd_v
            if bases[2] >= 0 and alike[2]:
                along += sign_of(flat[bases[2] + here]) * odd_u
            if bases[3] >= 0 and alike[3]:
                along += sign_of(flat[bases[3] + here]) * odd_u
            across, along = sign_of(across) + 1, sign_of(along) + 1
            luma_sign = sign_of(flat[luma + here]) + 1 if luma_same else 1
            blue_sign = sign_of(flat[blue + here]) + 1 if blue >= 0 else 1
            down = sign_of(own[at + 2 * side]) + 1 if u + 2 < side else 1
            right = sign_of(own[at + 2]) + 1 if v + 2 < side else 1
            oblique = sign_of(own[at + side + 1]) + 1 if u + 1 < side and v + 1 < side else 1
            low = guess_class(guess)
            m[CONTEXT] = SIGN_AT[0] + (role * 6 + which) * 9 + 4 + (low if guess >= 0 else -low)
            m[CONTEXT + 1] = SIGN_AT[1] + ((species * 3 + luma_sign) * 3 + blue_sign) * 3 + place
            m[CONTEXT + 2] = (
                SIGN_AT[2]
                + (((role * 3 + across) * 3 + along) * 3 + place) * 3
                + min(diagonal, 3)
                - 1
            )
            m[CONTEXT + 3] = SIGN_AT[3] + ((down * 3 + right) * 3 + oblique) * 3 + place
            if m[ENDED]:
                return False
            row = SIGN_ROW + (role * 2 + (1 if which else 0)) * 4
            row2 = SIGN_ROW2 + (place * 2 + (1 if luma_same else 0)) * 4
            negative, p = decide(m, SIGNS, 1 if value < 0 else 0, 4, row, row2)
            if pricing:
                prices[comp, at] += cost(p)
            own[at] = -coded if negative else coded
    return True


@compiled
def _told(m):  # type: ignore[no-untyped-def]
    """Bits of all levels so far."""
    return bits_of(m, SIGNIFICANCE) + bits_of(m, SIGNS) + bits_of(m, MAGNITUDES)


@compiled
def code_details(  # type: ignore[no-untyped-def]
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
    turns,
    room,
):
    """Code the levels of all leaves that have any.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
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
    turns : (TURN_GROUPS, TURNS, MIXED, MIXED) int8
        See `turns.matrices`.
    room : (6, 6) int64
        Scratch.

    Returns
    -------
    int
        Leaves completed.
    """
    for i in range(len(leaves)):
        known[i] = leaves[i, GRADE] == 0
    nearby, guesses = room[3], room[4]
    last_row, last_column = owner.shape[1] - 2, owner.shape[2] - 2
    for n in range(len(order)):
        index = order[n]
        leaf = leaves[index]
        comp, log = int64(leaf[COMP]), int64(leaf[LOG])
        cy, cx = int64(leaf[TOP]) >> CELL_LOG, int64(leaf[LEFT]) >> CELL_LOG
        span = int64(1) << (log - CELL_LOG)
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
        if leaf[TURN]:
            turn_guesses(turns, leaf[TURN], log, guesses)
        before = _told(m)
        if not code_leaf_details(
            m, leaves, index, known, levels, flat, nearby, guesses, prices, room
        ):
            side = int64(1) << log
            for i in range(side * side):
                levels[comp, leaf[START] + i] = 0
            return n
        spent[index] = _told(m) - before
        known[index] = 1
        marks[n] = m[SHIFTS]
    return len(order)
