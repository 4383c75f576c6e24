"""Levels of tiles by Lagrangian cost, and where to stop (compiled)."""

from __future__ import annotations

import numpy as np

from ...compiled import compiled
from ..format.contexts import DIAGONAL_CLASS
from ..format.neighbours import more_template, template
from ..format.syntax import CELL_LOG, int64
from ..format.turns import DEPTH
from .prices import MEANS
from .turning import LEAST_BITS, likely_turns, turn_into
from .weights import OCTAVE_OF

_TURNED = 2
"""Manner of levels of turned tiles, in the place of the role."""
_KEPT = 0.6
"""Coefficients below this many steps are never kept."""


@compiled
def _level_bits(more, role, wide, place, level):  # type: ignore[no-untyped-def]
    """Bits of the magnitude and the sign of a level that is not zero."""
    bits = np.float32(1.0)
    for i in range(1, level):
        bits += more[role, min(i, 6) - 1, wide, place, 1]
    return bits + more[role, min(level, 6) - 1, wide, place, 0]


@compiled
def _quantize_tile(  # type: ignore[no-untyped-def]
    ratio,
    weight,
    log,
    role,
    lmbda,
    significance,
    more,
    reach_bits,
    grade_bits,
    out,
    first,
    kept,
    zero,
    tops,
):
    """Choose the levels of one tile, its mean left out.

    Returns
    -------
    cost, reach, grade
        Lagrangian cost in squared steps.
    """
    side = 1 << log
    k = log - CELL_LOG
    octaves = OCTAVE_OF[log]
    last = first
    energy = np.float32(0.0)
    for at in range(side * side):
        out[at] = 0
    for d in range(1, last + 1):
        kept[d] = 0.0
        zero[d] = 0.0
        tops[d] = 0
    for d in range(last, 0, -1):
        place = 0 if d == 1 else (1 if d < 5 else 2)
        d_class = DIAGONAL_CLASS[d]
        for u in range(max(0, d - side + 1), min(d, side - 1) + 1):
            at = u * side + d - u
            c = abs(ratio[at])
            w = weight[octaves[max(u, d - u)]]
            shape, _ = template(out, at, u, d - u, side)
            sig = significance[role, k, d_class, shape]
            best = w * (c * c) + lmbda * sig[0]
            zero[d] += w * (c * c)
            level = int64(c + np.float32(0.5))
            chosen = int64(0)
            if level and c >= _KEPT:
                wide = more_template(out, at, u, d - u, side)
                for candidate in range(level, max(level - 2, 0), -1):
                    diff = c - candidate
                    cost = w * (diff * diff) + lmbda * (
                        sig[1] + _level_bits(more, role, wide, place, candidate)
                    )
                    if cost < best:
                        best = cost
                        chosen = candidate
            kept[d] += best
            tops[d] = max(tops[d], chosen)
            out[at] = chosen
        energy += zero[d]
    # Where to stop: everything from the last diagonal down, one diagonal at a time.
    best_reach = int64(0)
    best_cost = energy + lmbda * grade_bits[0]
    best_grade = int64(0)
    inside = np.float32(0.0)
    beyond = energy
    top = int64(0)
    for d in range(1, last + 1):
        inside += kept[d]
        beyond -= zero[d]
        top = max(top, tops[d])
        if tops[d] == 0:
            continue
        grade = int64(0)
        while top >> grade:
            grade += 1
        grade = min(grade, 15)
        cost = inside + beyond + lmbda * (grade_bits[grade] + reach_bits[min(grade, 4) - 1, d])
        if cost < best_cost:
            best_cost, best_reach, best_grade = cost, d, grade
    return best_cost - energy, best_reach, best_grade


@compiled
def _far(reach):  # type: ignore[no-untyped-def]
    """Class of a reach by which it is said whether a tile is turned."""
    return 0 if reach < 2 else (1 if reach < 4 else (2 if reach < 8 else 3))


@compiled
def _tell(ratio, work, side, reach, out):  # type: ignore[no-untyped-def]
    """Write magnitudes up to a reach as levels, which have the coefficients' signs."""
    for i in range(side * side):
        out[i] = 0
    for u in range(min(reach, side - 1) + 1):
        for v in range(min(reach - u, side - 1) + 1):
            value = work[u * side + v]
            out[u * side + v] = value if ratio[u * side + v] > 0 else -value
    out[0] = 0


@compiled
def quantize_tiles(  # type: ignore[no-untyped-def]
    ratios,
    weights,
    log,
    role,
    lmbda,
    significance,
    more,
    grade_bits,
    reach_bits,
    mean_bits,
    inside,
    plain,
    turns,
    levels,
    means,
    reaches,
    grades,
    turned,
    costs,
    kept,
    zero,
    tops,
    work,
    room,
):
    """Choose the levels of all tiles of one size and component.

    Parameters
    ----------
    ratios : (rows, columns, side * side) float32
        Coefficients in steps.
    weights : (rows * columns, OCTAVES) float32
        What squared error counts for; one row if it is the same everywhere.
    log, role : int
    lmbda : float
        Squared steps per bit.
    significance, more, grade_bits, reach_bits, mean_bits
        See `Prices`; the last three for this role and size.
    inside : (2,) int64
        Rows and columns of tiles that touch the picture; others cost nothing.
    plain : bool
        Whether levels are not allowed.
    turns : tuple
        Of the places that are mixed (none if there are no turns), both kinds of tables, bits of a
        level, of whether a tile is turned, and which way, see `turning` and `Prices`.
    levels : (rows, columns, side * side) int16
        Filled.
    means, reaches, grades, turned : (rows, columns) int32
        Filled.
    costs : (rows, columns) float32
        Filled with the Lagrangian cost, weighted.
    kept, zero, tops : (128,) float32, float32, int64
    work : (4096,) int64
    room : tuple
        Scratch: (4096,) float32, (MIXED,) float32, (TRIED,) int64, two of `likely_turns`,
        (OCTAVES,) float32.
    """
    side = 1 << log
    octaves = OCTAVE_OF[log]
    place, tables, wide, level_bits, any_bits, which_bits = turns
    other, mixed, likely, values, totals, level = room
    for y in range(inside[0]):
        for x in range(inside[1]):
            ratio = ratios[y, x]
            weight = weights[y * ratios.shape[1] + x if len(weights) > 1 else 0]
            energy = np.float32(0.0)
            first = 0
            for u in range(side):
                for v in range(0 if u else 1, side):
                    c = ratio[u * side + v]
                    energy += weight[octaves[max(u, v)]] * (c * c)
                    if abs(c) >= _KEPT and not plain:
                        first = max(first, u + v)
            cost = energy
            if not plain:
                cost += lmbda * grade_bits[0]
            if first:
                change, reach, grade = _quantize_tile(
                    ratio, weight, log, role, lmbda, significance, more, reach_bits, grade_bits,
                    work, first, kept, zero, tops,
                )  # fmt: skip
                if reach and place[0]:
                    change += lmbda * any_bits[min(grade, 4) - 1, _far(reach), 0]
                    if change > lmbda * grade_bits[0]:
                        change, reach = lmbda * grade_bits[0], int64(0)
                if reach:
                    reaches[y, x], grades[y, x] = reach, grade
                    _tell(ratio, work, side, reach, levels[y, x])
                if place[0] and energy + change > lmbda * LEAST_BITS:
                    likely_turns(
                        ratio, place, wide, level_bits, which_bits, lmbda, likely, values, totals
                    )  # fmt: skip
                    for n in range(len(likely)):
                        turn = likely[n]
                        if not turn:
                            break
                        for i in range(side * side):
                            other[i] = ratio[i]
                        turn_into(ratio, place, tables[turn - 1], mixed)
                        weighted = np.float32(0.0)
                        before = np.float32(0.0)
                        after = np.float32(0.0)
                        for i in range(place[0]):
                            at = place[1 + i]
                            u, v = at >> log, at & (side - 1)
                            other[at] = mixed[i]
                            if abs(mixed[i]) >= _KEPT:
                                first = max(first, u + v)
                            square = ratio[at] * ratio[at]
                            weighted += weight[octaves[max(u, v)]] * square
                            before += square
                            after += mixed[i] * mixed[i]
                        # Levels of turned tiles are of no octave: they count alike.
                        alike = weight
                        if len(weights) > 1:
                            for i in range(len(level)):
                                level[i] = weight[i]
                            for i in range(1, min(side, DEPTH + 1)):
                                level[octaves[i]] = weighted / max(before, np.float32(1e-9))
                            alike = level
                        tried, reach, grade = _quantize_tile(
                            other, alike, log, _TURNED, lmbda, significance, more, reach_bits,
                            grade_bits, work, first, kept, zero, tops,
                        )  # fmt: skip
                        if not reach:
                            continue
                        # Rounded matrices change the energy a little, which is no gain.
                        tried += weighted / max(before, np.float32(1e-9)) * (after - before)
                        said = any_bits[min(grade, 4) - 1, _far(reach), 1] + which_bits[turn - 1]
                        if tried + lmbda * said < change:
                            change = tried + lmbda * said
                            reaches[y, x], grades[y, x] = reach, grade
                            turned[y, x] = turn
                            _tell(other, work, side, reach, levels[y, x])
                cost = energy + change
            mean = int64(np.floor(ratio[0] + np.float32(0.5)))
            means[y, x] = mean
            guess = int64(0)
            spread = int64(0)
            if y and x:
                guess = (int64(means[y - 1, x]) + means[y, x - 1]) >> 1
                apart = 2 * abs(int64(means[y - 1, x]) - means[y, x - 1])
                while apart:
                    spread += 1
                    apart >>= 1
                spread = min(spread, 5)
            elif y:
                guess = int64(means[y - 1, x])
            elif x:
                guess = int64(means[y, x - 1])
            diff = ratio[0] - mean
            costs[y, x] = (
                cost
                + weight[octaves[0]] * (diff * diff)
                + lmbda * mean_bits[spread, min(abs(mean - guess), MEANS - 1)]
            )
