"""First stage of the tile syntax: quadtree, means, and how much detail each leaf has.

One source for writing, reading and pricing (compiled by Numba). Superblocks of 64 pixels go
row by row; in each come the partitions of luma, of the chroma pair and of alpha, in z-order.
A leaf says its mean (difference to a prediction from its neighbours), its *grade* (bits of
its largest level, 0: no detail), its *reach* (last diagonal that holds a level) and, but for
chroma, its *turn* (see `turns`).
"""

from __future__ import annotations

from ...compiled import compiled
from ...entropy import CONTEXT, DECODING, SHIFTS, decide
from .contexts import (
    GRADE_AT,
    GRADE_ROW,
    GRADE_ROW2,
    REACH_AT,
    REACH_ROW,
    REACH_ROW2,
    REST_AT,
    REST_ROW,
    REST_ROW2,
    SPLIT_AT,
    SPLIT_ROW,
    SPLIT_ROW2,
)
from .means import code_residue, level_of, mean_of, predict_mean
from .palette import covered
from .syntax import (
    CELL_LOG,
    COMP,
    GRADE,
    GRADES,
    LEFT,
    LOG,
    MAX_GRADE,
    MEAN,
    REACH,
    REACHES,
    RESIDUE,
    ROOT,
    ROOT_LOG,
    SPLIT,
    START,
    TOP,
    TURN,
    bit_length,
    int64,
    rescale,
)
from .turns import code_turn


@compiled
def _relative(other, log):  # type: ignore[no-untyped-def]
    """Size of a neighbour relative to `log`, 0 unknown, 1 to 4: coarser or equal .. finer."""
    if other <= 0:
        return int64(0)
    return min(max(int64(log) - other, 0), 3) + 1


@compiled
def _code_split(m, want, role, log, cy, cx, span, rows, columns, own, luma):  # type: ignore[no-untyped-def]
    """Code whether a node is split; `own` and `luma` are maps of leaf sizes."""
    half = min(span >> 1, max(rows - 1 - cy, 0)), min(span >> 1, max(columns - 1 - cx, 0))
    west, west2 = own[cy + 1, cx], own[cy + 1 + half[0], cx]
    north, north2 = own[cy, cx + 1], own[cy, cx + 1 + half[1]]
    finer = int64(0)
    for other in (west, west2, north, north2):
        if 0 < other < log:
            finer += 1
    deep = int64(0)
    if role:
        least = int64(log)
        for y in range(cy, min(cy + span, rows)):
            for x in range(cx, min(cx + span, columns)):
                least = min(least, int64(luma[y + 1, x + 1]))
        deep = log - least
    else:
        corner = own[cy, cx + 1 + span] if cy and cx + span < columns else int64(0)
        deep = _relative(int64(corner), log)
    diagonal = _relative(int64(own[cy, cx]), log)
    k = log - CELL_LOG - 1
    m[CONTEXT] = SPLIT_AT[0] + (role * 4 + k) * 5 + finer
    m[CONTEXT + 1] = (
        SPLIT_AT[1]
        + ((role * 4 + k) * 5 + _relative(int64(west), log)) * 5
        + _relative(int64(north), log)
    )
    m[CONTEXT + 2] = SPLIT_AT[2] + ((role * 4 + k) * 5 + deep) * 5 + diagonal
    return decide(m, SPLIT, want, 3, SPLIT_ROW + (role * 4 + k) * 3, SPLIT_ROW2 + finer * 3)[0]


@compiled
def _code_grade(m, want, role, log, west, north, luma, blue, surprise):  # type: ignore[no-untyped-def]
    """Code the bits of the largest level; arguments after `log` are grades nearby."""
    k = log - CELL_LOG
    value = int64(0)
    a, b, c, d = min(west, 5), min(north, 5), min(luma, 5), min(blue, 5)
    while value < MAX_GRADE:
        i = min(value, 7)
        m[CONTEXT] = GRADE_AT[0] + (role * 5 + k) * 8 + i
        m[CONTEXT + 1] = GRADE_AT[1] + ((role * 8 + i) * 6 + a) * 6 + b
        m[CONTEXT + 2] = GRADE_AT[2] + ((role * 8 + i) * 6 + c) * 6 + d
        m[CONTEXT + 3] = GRADE_AT[3] + ((role * 8 + i) * 5 + k) * 6 + surprise
        row = GRADE_ROW + (role * 2 + min(i, 1)) * 4
        if not decide(m, GRADES, 1 if want > value else 0, 4, row, GRADE_ROW2 + k * 4)[0]:
            break
        value += 1
    return value


@compiled
def _code_reach(m, want, role, log, grade, west, north, luma, blue):  # type: ignore[no-untyped-def]
    """Code the last diagonal; `west` .. `blue` are bit lengths of reaches nearby, 0 unknown."""
    k = log - CELL_LOG
    rest = want - 1
    size = bit_length(rest)
    largest = bit_length((int64(2) << log) - 3)
    value = int64(0)
    while value < largest:
        m[CONTEXT] = REACH_AT[0] + ((role * 5 + k) * 4 + min(grade, 4) - 1) * 8 + value
        m[CONTEXT + 1] = REACH_AT[1] + ((role * 8 + value) * 9 + west) * 9 + north
        m[CONTEXT + 2] = REACH_AT[2] + ((k * 8 + value) * 9 + luma) * 9 + blue
        row = REACH_ROW + (role * 2 + (1 if value > 1 else 0)) * 3
        if not decide(m, REACHES, 1 if size > value else 0, 3, row, REACH_ROW2 + k * 3)[0]:
            break
        value += 1
    if value < 2:
        return value + 1
    out = int64(1)
    for bit in range(value - 2, -1, -1):
        depth = value - 2 - bit
        m[CONTEXT] = REST_AT[0] + ((role * 5 + k) * 8 + value) * 8 + depth
        m[CONTEXT + 1] = REST_AT[1] + (value * 8 + depth) * 4 + (out & 3)
        out = (
            out << 1
            | decide(m, REACHES, (rest >> bit) & 1, 2, REST_ROW + role * 2, REST_ROW2 + value * 2)[
                0
            ]
        )
    return min(out + 1, (int64(2) << log) - 2)


@compiled
def _fill(target, cy, cx, span, value):  # type: ignore[no-untyped-def]
    for y in range(cy + 1, cy + 1 + span):
        for x in range(cx + 1, cx + 1 + span):
            target[y, x] = value


@compiled
def _reach_class(leaf, log):  # type: ignore[no-untyped-def]
    """Bit length of a leaf's reach rescaled to a tile of `log`; 1: no detail."""
    if leaf[GRADE] == 0:
        return int64(1)
    return min(1 + bit_length(rescale(int64(leaf[REACH]), leaf[LOG], log)), 8)


@compiled
def _code_leaf(  # type: ignore[no-untyped-def]
    m,
    leaves,
    at,
    comp,
    comp_class,
    top,
    left,
    log,
    rows,
    columns,
    step,
    start,
    means,
    owner,
    plain,
    hidden,
):
    """Code one leaf, nothing of one that is `hidden`; fills its row of the table and the maps."""
    role = 1 if comp_class else 0
    side = 1 << log
    cy, cx = top >> CELL_LOG, left >> CELL_LOG
    span = side >> CELL_LOG
    leaf = leaves[at]
    prediction, spread = predict_mean(means[comp], top, left, side, rows, columns)
    predicted = level_of(prediction, log, step)
    apart = min(bit_length((2 * (spread << (log + 10))) // step), 5)
    middle_y, middle_x = min(cy + (span >> 1), rows - 1), min(cx + (span >> 1), columns - 1)
    west = owner[comp, middle_y + 1, cx]
    north = owner[comp, cy, middle_x + 1]
    luma = int64(-1)
    blue = int64(-1)
    if role:
        luma = owner[0, middle_y + 1, middle_x + 1]
        if comp_class == 2:
            blue = owner[1, middle_y + 1, middle_x + 1]
    near = (
        int64(leaves[west, RESIDUE]) if west >= 0 else int64(0),
        int64(leaves[north, RESIDUE]) if north >= 0 else int64(0),
    )
    twin = int64(leaves[luma, RESIDUE]) if luma >= 0 else int64(0)
    twin2 = int64(leaves[blue, RESIDUE]) if blue >= 0 else int64(0)
    residue = int64(0)
    if not hidden:
        residue = code_residue(
            m, int64(leaf[MEAN]) - predicted, comp_class, log, apart, near, twin, twin2
        )
    level = min(max(predicted + residue, -(1 << 24)), 1 << 24)
    a = int64(leaves[west, GRADE]) + 1 if west >= 0 else int64(0)
    b = int64(leaves[north, GRADE]) + 1 if north >= 0 else int64(0)
    c = int64(leaves[luma, GRADE]) + 1 if luma >= 0 else int64(0)
    d = int64(leaves[blue, GRADE]) + 1 if blue >= 0 else int64(0)
    if not role:
        c, d = apart, int64(0)
    surprise = min(bit_length(abs(residue)), 5)
    grade = int64(0)
    if not plain and not hidden:
        grade = _code_grade(m, int64(leaf[GRADE]), role, log, a, b, c, d, surprise)
    reach = int64(0)
    if grade:
        a = _reach_class(leaves[west], log) if west >= 0 else int64(0)
        b = _reach_class(leaves[north], log) if north >= 0 else int64(0)
        c = _reach_class(leaves[luma], log) if luma >= 0 else int64(0)
        d = _reach_class(leaves[blue], log) if blue >= 0 else min(grade, 8)
        reach = _code_reach(m, int64(leaf[REACH]), role, log, grade, a, b, c, d)
    turn = int64(0)
    if grade and not role:
        a = int64(leaves[west, TURN]) + 1 if west >= 0 and leaves[west, GRADE] else int64(0)
        b = int64(leaves[north, TURN]) + 1 if north >= 0 and leaves[north, GRADE] else int64(0)
        turn = code_turn(m, int64(leaf[TURN]), log, grade, reach, a, b)
    leaf[TURN] = turn
    leaf[COMP], leaf[TOP], leaf[LEFT], leaf[LOG] = comp, top, left, log
    leaf[MEAN], leaf[GRADE], leaf[REACH], leaf[RESIDUE] = (
        level,
        grade,
        reach,
        min(max(residue, -(1 << 24)), 1 << 24),
    )
    leaf[START] = start
    _fill(means[comp], cy, cx, span, mean_of(level, log, step))
    _fill(owner[comp], cy, cx, span, at)


@compiled
def code_partition(  # type: ignore[no-untyped-def]
    m, height, width, parts, steps, leaves, marks, logs, means, owner, plain, blocks, stack, place
):
    """Code the quadtrees and the leaves' means, grades, reaches and turns.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    height, width : int
        Pixels.
    parts : (P, 2) int64
        First component and number of components of each partition.
    steps : (C,) int64
        Quantizer steps, `STEP_BITS`.
    leaves : (n, FIELDS) int32
        The leaves in coding order (writing), or room for them (reading).
    marks : (superblock rows,) int64
        Filled with the coder's shifts after each row of superblocks (writing).
    logs : (P, rows + 2, columns + 2) int8
        Zeros; filled with the leaf size of each cell, one cell of margin.
    means : (C, rows + 2, columns + 2) int32
        Zeros; filled with the mean of each cell, `FRACTION_BITS`.
    owner : (C, rows + 2, columns + 2) int32
        Filled with -1 before; then with the leaf of each cell.
    plain : bool
        Whether no leaf has detail: grades are not coded.
    blocks : (rows + 2, columns + 2) uint8 or (0, 0)
        See `palette.Palette`: what is hidden by them is not coded.
    stack : (32, 3) int64
    place : (C,) int64
        Zeros.

    Returns
    -------
    int
        Number of leaves.
    """
    rows, columns = (height + 3) >> CELL_LOG, (width + 3) >> CELL_LOG
    decoding = m[DECODING]
    at = 0
    for y0 in range(0, height, ROOT):
        for x0 in range(0, width, ROOT):
            for part in range(len(parts)):
                first, count = parts[part, 0], parts[part, 1]
                role = 1 if count == 2 else 0
                stack[0, 0], stack[0, 1], stack[0, 2] = y0, x0, ROOT_LOG
                depth = 1
                while depth:
                    depth -= 1
                    top, left, log = stack[depth, 0], stack[depth, 1], stack[depth, 2]
                    if top >= height or left >= width:
                        continue
                    cy, cx = top >> CELL_LOG, left >> CELL_LOG
                    span = int64(1) << (log - CELL_LOG)
                    hidden = covered(blocks, top, left, log, height, width)
                    if log > CELL_LOG and not hidden:
                        want = 0
                        if not decoding:
                            want = 1 if leaves[at, LOG] != log else 0
                        if _code_split(
                            m, want, role, log, cy, cx, span, rows, columns, logs[part], logs[0]
                        ):
                            half = int64(1) << (log - 1)
                            for k in range(3, -1, -1):
                                stack[depth, 0] = top + half * (k >> 1)
                                stack[depth, 1] = left + half * (k & 1)
                                stack[depth, 2] = log - 1
                                depth += 1
                            continue
                    _fill(logs[part], cy, cx, span, log)
                    for k in range(count):
                        comp = first + k
                        comp_class = k + 1 if role else 0
                        _code_leaf(
                            m,
                            leaves,
                            at,
                            comp,
                            comp_class,
                            top,
                            left,
                            log,
                            rows,
                            columns,
                            steps[comp],
                            place[comp],
                            means,
                            owner,
                            plain,
                            hidden,
                        )
                        place[comp] += int64(1) << (2 * log)
                        at += 1
        marks[y0 // ROOT] = m[SHIFTS]
    return at
