"""The syntax of outlines: fills, how many rings each has, where they start, node by node.

A node is coded as seen from the one before: is it a corner, how far is it, and how far the way
turns. Distance is the larger of the two coordinate differences; all points at one distance form
a square, numbered around, and a turn is a difference of such numbers. So every grid point has one
code, and a curve that goes on as it went is cheap.
"""

from __future__ import annotations

from ....shared.compiled import compiled
from ....shared.entropy import DECODING, ENDED, SHIFTS, bits_of, decide_flat
from ....shared.tiles.format.syntax import bit_length, code_escape, int64
from .binarization import code_between, code_run, code_tree
from .contexts import (
    FILLS,
    NODES,
    R_CORNER,
    R_LENGTH,
    R_NODES,
    R_SOURCE,
    REPEATS,
    STARTS,
    T_HEADING,
    T_MANTISSA,
    T_TURN,
)
from .outlines import (
    COARSE,
    CORNER,
    DOWN,
    LEFT,
    MOST_CYCLES,
    MOST_WAVES,
    PHASES,
    REACH_LOG,
    RIGHT,
    RINGS,
    SOFT,
    SOURCE,
    START,
    TOP,
    VALUE,
    VALUE_BITS,
    W_AMOUNT,
    W_COMP,
    W_DOWN,
    W_PHASE,
    W_RIGHT,
    WAVE,
    WAVE_FIELDS,
    WAVES,
    node_grid,
)
from .outlines import NODES as NODES_OF
from .point_sets import RINGS_ROLE, code_places

DAMAGED = -1
_MAP_LOG = 4
_SECTORS = 64
UNIT_LOG = 4
"""Places lie on whole pixels; where in its pixel a ring starts is said of new ones only."""
_BEYOND = 4096
"""Sixteenths of a pixel by which nodes may lie farther off than the picture is long."""
_STEP_COST = 8
"""What a node adds to a decoder's work besides its length, in grid units."""


@compiled
def around(dy, dx):  # type: ignore[no-untyped-def]
    """Number of the point (dy, dx) on its square of points at distance n: 0 .. 8 n - 1."""
    n = max(abs(dy), abs(dx))
    if dx == n and dy >= 0:
        return dy
    if dy == n:
        return 2 * n - dx
    if dx == -n:
        return 4 * n - dy
    if dy == -n:
        return 6 * n + dx
    return 8 * n + dy


@compiled
def down_of(n, number):  # type: ignore[no-untyped-def]
    """Vertical part of the point with this number at distance n."""
    if number <= n:
        return number
    if number <= 3 * n:
        return n
    if number <= 5 * n:
        return 4 * n - number
    return -n if number <= 7 * n else number - 8 * n


@compiled
def right_of(n, number):  # type: ignore[no-untyped-def]
    """Horizontal part of the point with this number at distance n."""
    return down_of(n, (number + 2 * n) % (8 * n))


@compiled
def turn_class(sector):  # type: ignore[no-untyped-def]
    """Class of a turn, 0 to 8: 4 for (nearly) none, less for those to one side."""
    signed = sector if sector < _SECTORS // 2 else sector - _SECTORS
    size = signed if signed >= 0 else -1 - signed
    if size == 0:
        return int64(4)
    big = 1 if size < 4 else (2 if size < 8 else (3 if size < 16 else 4))
    return int64(4) + big if signed >= 0 else int64(4) - big


@compiled
def _code_distance(m, n, corner, before, turned):  # type: ignore[no-untyped-def]
    """Code the distance to a node, 1 .. 2 ** (REACH_LOG + 1) - 1."""
    log = bit_length(n) - 1
    log = code_run(m, NODES, R_LENGTH, log, REACH_LOG, before, corner * 9 + turned)
    top = min(log, 2)
    rest = code_tree(
        m,
        NODES,
        T_MANTISSA,
        (n >> (log - top)) - (1 << top),
        top,
        min(max(log - 1, 0), 11),
        corner * 2 + min(top, 1),
    )
    out = (int64(1) << top) + rest
    for i in range(log - top - 1, -1, -1):
        out = out << 1 | decide_flat(m, NODES, (n >> i) & 1)
    return out


@compiled
def code_ring(m, nodes, first, count, grid, reach):  # type: ignore[no-untyped-def]
    """Code the nodes of a ring after the first one's place.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    nodes : (n, NODE_FIELDS) int32
    first, count : int
        Rows that are the ring's.
    grid : int
    reach : int
        How far nodes may lie from the first one along an axis, grid units.

    Returns
    -------
    int
        Length of the way in grid units, and `_STEP_COST` a node.
    """
    corner = code_run(m, NODES, R_CORNER, nodes[first, CORNER], 1, 7, 11)
    nodes[first, CORNER] = corner
    nodes[first, DOWN], nodes[first, RIGHT] = 0, 0
    y, x = int64(0), int64(0)
    number, distance, turned = int64(0), int64(0), int64(4)
    earlier = int64(0)
    total = int64(_STEP_COST)
    for i in range(first + 1, first + count):
        start = corner
        before = min(bit_length(distance), 12)
        corner = code_run(
            m, NODES, R_CORNER, nodes[i, CORNER], 1, start * 2 + earlier, min(before, 11)
        )
        earlier = start
        dy = (int64(nodes[i, DOWN]) >> grid) - y
        dx = (int64(nodes[i, RIGHT]) >> grid) - x
        n = _code_distance(m, max(abs(dy), abs(dx)), corner, before, turned)
        mine = around(dy, dx)
        if i == first + 1:
            eighth = code_tree(
                m, NODES, T_HEADING, mine // n, 3, min(bit_length(n) - 1, 11), corner
            )
            mine = code_between(m, NODES, mine, eighth * n, (eighth + 1) * n)
        else:
            # Where the way would lead if it went on as before, on this square.
            ahead = number * n // distance
            turn = (mine - ahead) % (8 * n)
            size = min(bit_length(n) - 1, 11)
            sector = code_tree(
                m, NODES, T_TURN, turn * 8 // n, 6, start * 9 + turned, start * 12 + size
            )
            low, high = (sector * n + 7) // 8, ((sector + 1) * n + 7) // 8
            low = min(low, 8 * n - 1)
            turn = code_between(m, NODES, turn, low, high)
            mine = (ahead + turn) % (8 * n)
            turned = turn_class(sector)
        number, distance = mine, n
        y = min(max(y + down_of(n, mine), -reach), reach)
        x = min(max(x + right_of(n, mine), -reach), reach)
        nodes[i, CORNER] = corner
        nodes[i, DOWN], nodes[i, RIGHT] = y << grid, x << grid
        total += n + _STEP_COST
    return total + max(abs(y), abs(x))


@compiled
def _code_value(m, value):  # type: ignore[no-untyped-def]
    """Code a colour difference: whether there is one, and its bits."""
    if not decide_flat(m, FILLS, 1 if value else 0):
        return int64(0)
    out = int64(0)
    for i in range(VALUE_BITS - 1, -1, -1):
        out = out << 1 | decide_flat(m, FILLS, ((value + 512) >> i) & 1)
    return out - 512


@compiled
def _code_waves(m, fill, comps):  # type: ignore[no-untyped-def]
    """Code the harmonics of a fill."""
    count = int64(0)
    while count < MOST_WAVES and decide_flat(m, FILLS, 1 if fill[WAVES] > count else 0):
        count += 1
    fill[WAVES] = count
    for i in range(count):
        wave = fill[WAVE + WAVE_FIELDS * i : WAVE + WAVE_FIELDS * (i + 1)]
        wave[W_COMP] = code_between(m, FILLS, int64(wave[W_COMP]), 0, comps)
        wave[W_DOWN] = code_between(m, FILLS, int64(wave[W_DOWN]), 0, MOST_CYCLES)
        right = int64(wave[W_RIGHT])
        wave[W_RIGHT] = code_between(m, FILLS, right, 1 - MOST_CYCLES, MOST_CYCLES)
        wave[W_PHASE] = code_between(m, FILLS, int64(wave[W_PHASE]), 0, PHASES)
        wave[W_AMOUNT] = min(code_escape(m, FILLS, int64(wave[W_AMOUNT])), 511)


@compiled
def _code_number(m, value, first, second):  # type: ignore[no-untyped-def]
    """Code how many nodes a ring has beyond two, 1 or more."""
    log = code_run(m, NODES, R_NODES, bit_length(value) - 1, 15, first, second)
    out = int64(1)
    for i in range(log - 1, -1, -1):
        out = out << 1 | decide_flat(m, NODES, (value >> i) & 1)
    return out


@compiled
def _code_fine(m, value, grid):  # type: ignore[no-untyped-def]
    """Code where in a pixel a ring starts along one axis, sixteenths."""
    out = int64(0)
    for i in range(UNIT_LOG - 1, min(grid, UNIT_LOG) - 1, -1):
        out |= decide_flat(m, STARTS, (value >> i) & 1) << i
    return out


@compiled
def _split_places(rings, first, count, decoding, fine):  # type: ignore[no-untyped-def]
    """Cut places down to whole pixels, and set the rest aside (writing)."""
    for i in range(first, first + count):
        if decoding:
            fine[i, 0], fine[i, 1] = 0, 0
            continue
        fine[i, 0], fine[i, 1] = rings[i, TOP] & 15, rings[i, LEFT] & 15
        rings[i, TOP] -= fine[i, 0]
        rings[i, LEFT] -= fine[i, 1]


@compiled
def code_outlines(  # type: ignore[no-untyped-def]
    m,
    height,
    width,
    comps,
    steps,
    counts,
    fills,
    rings,
    nodes,
    work,
    density,
    stack,
    listed,
    fine,
    prices,
    marks,
):
    """Code all outlines.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    height, width, comps : int
    steps : (C,) int64
    counts : (3,) int64
        Fills, rings and nodes: given (writing), or filled with those that are whole (reading).
    fills, rings, nodes : int32
        See `outlines.Outlines`; read, with rings in the order of `point_sets.path_keys`, or filled.
    work : int
        Sixteenths of a pixel that all ways together may be long.
    density : (rows, columns) int32
        Zeros; cells of 16 pixels.
    stack : (64, 6) int64
    listed : (r, 2) int64
        Scratch: ring of each one that repeats none, and its length.
    fine : (r, 2) int64
        Scratch: where in its pixel each ring starts (writing).
    prices : (r,) float64
        Filled with the bits of each ring but its place.
    marks : (r,) int64
        Filled with the coder's shifts after each ring.

    Returns
    -------
    int
        0, or `DAMAGED`.
    """
    decoding = m[DECODING]
    total = code_escape(m, FILLS, counts[0] - 1) + 1
    if total > len(fills):
        return int64(DAMAGED)
    counts[0], used = 0, int64(0)
    far = 16 * max(int64(height), int64(width)) + _BEYOND
    at, node_at, originals = int64(0), int64(0), int64(0)
    for k in range(total):
        fill = fills[k]
        fill[COARSE] = code_between(m, FILLS, int64(fill[COARSE]), 0, 4)
        fill[SOFT] = code_between(m, FILLS, int64(fill[SOFT]), 0, 4)
        for comp in range(comps):
            fill[VALUE + comp] = _code_value(m, int64(fill[VALUE + comp]))
        _code_waves(m, fill, comps)
        count = code_escape(m, FILLS, int64(fill[RINGS]) - 1) + 1
        if m[ENDED]:
            return int64(0)
        if at + count > len(rings):
            return int64(DAMAGED)
        grid = node_grid(fill, steps, comps)
        places = rings[at : at + count, TOP : LEFT + 1]
        _split_places(rings, at, count, decoding, fine)
        code_places(m, places, count, UNIT_LOG, height, width, RINGS_ROLE, density, stack)
        fill[RINGS] = 0
        counts[0] = k + 1
        repeated = int64(0)
        for _ in range(count):
            ring = rings[at]
            bits_before = bits_of(m, NODES) + bits_of(m, REPEATS)
            again = int64(0)
            if originals:
                again = code_run(
                    m, REPEATS, R_SOURCE, 1 if ring[SOURCE] >= 0 else 0, 1, repeated, 0
                )
                repeated = 1 + again
            if again:
                which = int64(0)
                while not decoding and listed[which, 0] != ring[SOURCE]:
                    which += 1
                which = code_between(m, REPEATS, which, 0, originals)
                source = listed[which, 0]
                ring[SOURCE], ring[START], ring[NODES_OF] = source, 0, 0
                ring[TOP] += rings[source, TOP] & 15
                ring[LEFT] += rings[source, LEFT] & 15
                used += listed[which, 1]
            else:
                first = min(bit_length(originals), 5)
                number = 2 + _code_number(m, int64(ring[NODES_OF]) - 2, first, min(grid, 3))
                if node_at + number > len(nodes):
                    return int64(0) if m[ENDED] else int64(DAMAGED)
                ring[TOP] += _code_fine(m, fine[at, 0], grid)
                ring[LEFT] += _code_fine(m, fine[at, 1], grid)
                length = code_ring(m, nodes, node_at, number, grid, far >> grid) << grid
                ring[SOURCE], ring[START], ring[NODES_OF] = -1, node_at, number
                listed[originals, 0], listed[originals, 1] = at, length
                used += length
                node_at += number
                originals += 1
            if m[ENDED]:
                return int64(0)
            if used > work:
                return int64(DAMAGED)
            prices[at] = bits_of(m, NODES) + bits_of(m, REPEATS) - bits_before
            y = min(int64(ring[TOP]) >> (4 + _MAP_LOG), density.shape[0] - 1)
            x = min(int64(ring[LEFT]) >> (4 + _MAP_LOG), density.shape[1] - 1)
            density[y, x] += 1
            marks[at] = m[SHIFTS]
            at += 1
            fill[RINGS] += 1
            counts[1], counts[2] = at, node_at
    return int64(0)
