"""The syntax of windows: groups of equal bucket, component and scale, their places, their fields.

One source for writing and reading (compiled by Numba). Groups come in falling contrast; in a
group first its number of layers, then all places, then layer by layer everything else.
"""

from __future__ import annotations

from ....shared.compiled import compiled
from ....shared.entropy import DECODING, ENDED, SHIFTS, decide_flat
from ....shared.tiles.format.syntax import int64
from .binarization import code_run, code_sign, code_tree
from .contexts import (
    ANGLES,
    CHROMA,
    COUNTS,
    HARMONICS,
    R_BLUE,
    R_DROP,
    R_EMPTY,
    R_MORE,
    R_RED,
    R_SIZE,
    R_SLOPE_SIGN,
    SHAPES,
    T_ANGLE,
    T_ASPECT,
    T_FINE,
    T_FREQUENCY,
    T_PAIR,
    T_PHASE,
)
from .layout import (
    ANGLE,
    ASPECT,
    ASPECTS,
    BLUE,
    BUCKET,
    COMP,
    EXTRA,
    FINE,
    FIRST,
    FREQUENCY,
    LEFT,
    MORE,
    MOST_EXTRA,
    PHASE,
    RED,
    SCALE,
    SCALES,
    SLOPES,
    TOP,
    angle_log,
    fine_log,
    grid_log,
    phase_log,
    precision,
    radii,
)
from .point_sets import code_places

DAMAGED = -1
MAP_LOG = 4
"""Cells of the maps of density and angle have 16 pixels."""


@compiled
def code_count(m, value, role, weight, beside):  # type: ignore[no-untyped-def]
    """Code how many layers a group has."""
    some = code_run(m, COUNTS, R_EMPTY, min(value, 1), 1, role * 24 + weight, role * 16 + beside)
    if not some:
        return int64(0)
    # The number as that of its bits, then the bits.
    bits = int64(0)
    while value >> (bits + 1):
        bits += 1
    size = code_run(m, COUNTS, R_SIZE, bits, 15, role * 24 + weight, role * 4 + min(beside & 3, 3))
    out = int64(1)
    for k in range(size - 1, -1, -1):
        out = out << 1 | decide_flat(m, COUNTS, (value >> k) & 1)
    return out


@compiled
def code_harmonics(m, layer, role, weight):  # type: ignore[no-untyped-def]
    """Code the harmonics beyond the first."""
    bucket, scale = int64(layer[BUCKET]), int64(layer[SCALE])
    more = code_run(m, HARMONICS, R_MORE, layer[MORE], MOST_EXTRA, scale, role * 4 + weight)
    layer[MORE] = more
    for i in range(more):
        at = EXTRA + 3 * i
        before = int64(layer[at - 3]) if i else int64(0)
        pair = code_tree(
            m, HARMONICS, T_PAIR, layer[at], 4, layer[FREQUENCY], before * 2 + min(i, 1)
        )
        layer[at] = pair
        drop = code_run(m, HARMONICS, R_DROP, layer[at + 2], 7, layer[FREQUENCY], weight)
        layer[at + 2] = drop
        if pair == 0:
            layer[at + 1] = 32 * decide_flat(m, HARMONICS, layer[at + 1] >> 5)
        else:
            bits = phase_log(bucket + drop, scale)
            shift = 6 - bits
            phase = code_tree(
                m, HARMONICS, T_PHASE, layer[at + 1] >> shift, bits, 8, role * 8 + weight * 2 + 1
            )
            layer[at + 1] = phase << shift


@compiled
def code_slopes(m, layer, weight):  # type: ignore[no-untyped-def]
    """Code how chroma follows."""
    scale = int64(layer[SCALE])
    blue = int64(0)
    if layer[COMP] == 0:
        blue = code_run(m, CHROMA, R_BLUE, abs(layer[BLUE]), SLOPES, weight, scale)
        if blue:
            blue *= code_sign(m, CHROMA, R_SLOPE_SIGN, layer[BLUE], 0, 0)
        layer[BLUE] = blue
    near = blue + 8 if layer[COMP] == 0 else int64(17)
    red = code_run(m, CHROMA, R_RED, abs(layer[RED]), SLOPES, weight, near)
    if red:
        red *= code_sign(m, CHROMA, R_SLOPE_SIGN, layer[RED], 1, 19 + near)
    layer[RED] = red


@compiled
def code_fields(m, layer, role, paired, turned):  # type: ignore[no-untyped-def]
    """Code everything of a layer but its group and its place.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    layer : (FIELDS,) int32
    role : int
        1 for chroma.
    paired : bool
        Whether components 1 and 2 are chroma.
    turned : int
        Angle class around the place, 0 if unknown, else 1 to 8.
    """
    bucket, scale = int64(layer[BUCKET]), int64(layer[SCALE])
    weight = precision(bucket, scale)
    band = min(scale >> 1, 7)
    aspect = code_tree(m, SHAPES, T_ASPECT, layer[ASPECT], 4, band, (role * 4 + weight) * 8 + band)
    layer[ASPECT] = min(aspect, ASPECTS - 1)
    aspect = int64(layer[ASPECT])
    frequency = code_tree(m, SHAPES, T_FREQUENCY, layer[FREQUENCY], 3, aspect, role * 16 + scale)
    layer[FREQUENCY] = frequency
    wavy = frequency > 0
    bits = angle_log(bucket, scale, aspect, wavy)
    shift = 6 - bits
    angle = code_tree(m, ANGLES, T_ANGLE, layer[ANGLE] >> shift, bits, turned, aspect)
    layer[ANGLE] = angle << shift if bits else 0
    if wavy:
        bits = phase_log(bucket, scale)
        shift = 6 - bits
        phase = code_tree(
            m,
            HARMONICS,
            T_PHASE,
            layer[PHASE] >> shift,
            bits,
            frequency,
            role * 8 + weight * 2,
        )
        layer[PHASE] = phase << shift
    else:
        layer[PHASE] = 32 * decide_flat(m, HARMONICS, layer[PHASE] >> 5)
    bits = fine_log(bucket, scale)
    shift = 3 - bits
    fine = code_tree(m, HARMONICS, T_FINE, layer[FINE] >> shift, bits, weight, role * 16 + scale)
    layer[FINE] = ((2 * fine + 1) << shift) >> 1
    if paired and layer[COMP] < 2:
        code_slopes(m, layer, weight)
    code_harmonics(m, layer, role, weight)


@compiled
def footprint(layer, height, width):  # type: ignore[no-untyped-def]
    """Pixels that drawing a layer takes, about; what bounds a decoder's work."""
    major, minor = radii(int64(layer[SCALE]), int64(layer[ASPECT]))
    major, minor = (major >> 4) + 2, (minor >> 4) + 2
    return min(4 * major * minor, int64(height) * width)


@compiled
def mark_maps(layer, density, turns):  # type: ignore[no-untyped-def]
    """Enter a layer into the maps of density and angle."""
    y, x = int64(layer[TOP]) >> (4 + MAP_LOG), int64(layer[LEFT]) >> (4 + MAP_LOG)
    y, x = min(y, density.shape[0] - 1), min(x, density.shape[1] - 1)
    density[y, x] += 1
    if layer[ASPECT] < 2 and layer[FREQUENCY] == 0:
        return
    reach = min(radii(int64(layer[SCALE]), int64(layer[ASPECT]))[1] >> (5 + MAP_LOG), 4)
    turn = 1 + ((int64(layer[ANGLE]) + 4) >> 3) % 8
    for i in range(max(y - reach, 0), min(y + reach + 1, turns.shape[0])):
        for j in range(max(x - reach, 0), min(x + reach + 1, turns.shape[1])):
            turns[i, j] = turn


@compiled
def code_layers(  # type: ignore[no-untyped-def]
    m, height, width, comps, first, buckets, layers, total, area, density, turns, stack, marks
):
    """Code all layers.

    Parameters
    ----------
    m : State
        See `shared.entropy`.
    height, width, comps : int
    first, buckets : int
        First bucket, and how many there are.
    layers : (n, FIELDS) int32
        Read in the order of `point_sets.arrange`, or filled.
    total : int
        Layers there are (writing), or room for (reading).
    area : int
        Pixels that all footprints together may cover.
    density, turns : (rows, columns) int32
        Zeros; cells of 16 pixels.
    stack : (64, 6) int64
    marks : (n,) int64
        Filled with the coder's shifts after each layer (writing).

    Returns
    -------
    int
        Layers that are complete, or `DAMAGED`.
    """
    decoding = m[DECODING]
    paired = comps >= 3
    at = int64(0)
    used = int64(0)
    for bucket in range(first, first + buckets):
        for comp in range(comps):
            role = 1 if paired and 0 < comp < 3 else 0
            smaller = int64(0)
            for scale in range(SCALES):
                count = int64(0)
                if not decoding:
                    while (
                        at + count < total
                        and layers[at + count, BUCKET] == bucket
                        and layers[at + count, COMP] == comp
                        and layers[at + count, SCALE] == scale
                    ):
                        count += 1
                weight = min(max(scale + FIRST - bucket + 6, 0), 23)
                busy = min(stack[48 + scale // 2, comp % 4] >> (8 * (scale % 2)) & 255, 3)
                count = code_count(m, count, role, weight, busy * 4 + min(smaller, 3))
                smaller = count
                shift = 8 * (scale % 2)
                old = stack[48 + scale // 2, comp % 4]
                stack[48 + scale // 2, comp % 4] = (old & ~(int64(255) << shift)) | (
                    min(count, 255) << shift
                )
                if count == 0:
                    continue
                if m[ENDED]:
                    return at
                if at + count > total:
                    return int64(DAMAGED)
                grid = grid_log(bucket, scale)
                places = layers[at : at + count, TOP : LEFT + 1]
                code_places(m, places, count, grid, height, width, role, density, stack)
                for _ in range(count):
                    layer = layers[at]
                    layer[BUCKET], layer[COMP], layer[SCALE] = bucket, comp, scale
                    y = min(int64(layer[TOP]) >> (4 + MAP_LOG), turns.shape[0] - 1)
                    x = min(int64(layer[LEFT]) >> (4 + MAP_LOG), turns.shape[1] - 1)
                    code_fields(m, layer, role, paired, int64(turns[y, x]))
                    if m[ENDED]:
                        return at
                    used += footprint(layer, height, width)
                    if used > area:
                        return int64(DAMAGED)
                    mark_maps(layer, density, turns)
                    marks[at] = m[SHIFTS]
                    at += 1
    return at


__all__ = ["DAMAGED", "code_layers", "footprint"]
