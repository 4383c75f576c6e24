"""The smart error in fifteen launches: the twin of `smart_error.picture_error` for devices.

By array operations, a launch each, one small picture takes thousands, and a launch costs more
than its work. So where an array module takes CUDA C the judge has this twin: all levels of all
planes of both pictures go through the same few kernels, and no figure comes to the host before
the last. The formula stands in `smart_error`; a test holds that both agree.

Buffers of levels hold part after part: the luma of the finest level, then all planes of each
further level and, where they belong, of the residue, which counts as one level more.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..parallel.kernels import constants, launch, rows_of, table
from .bands import BINOMIAL, gabor
from .cuda_moments import SOURCE as _MOMENTS
from .settings import DEFECT, ENERGY, LEVELS, WIDE, YCC, Settings

_THREADS = 128

_JUDGING = r"""
/* Of each part, residues too, and each of its `kinds` (y of the grid): sums of the columns. */
extern "C" __global__ void sum_columns(
    const float *values, double *columns, int kinds, int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width}, line = {planes, 1, width};
    const Part part = own_part(1, 1, line);
    if (part.level > LEVELS) return;
    const Part whole = part_of(part.level, part.plane, 1, 1, sizes);
    const int kind = blockIdx.y;
    const float *from = values + kinds * whole.before + kind * area_of(&whole) + part.place;
    double total = 0;
    #pragma unroll 16
    for (int y = 0; y < whole.height; y++) total += from[(word)y * whole.width];
    columns[kinds * part.before + kind * part.width + part.place] = total;
}

/* Means from sums of columns, a thread each: (part, kind). */
extern "C" __global__ void take_means(
    const double *columns, double *means, int kinds, int planes, int height, int width
) {
    const Sizes line = {planes, 1, width};
    const int at = (int)(blockIdx.x * blockDim.x + threadIdx.x), rank = at / kinds;
    const int level = level_of(rank, planes), plane = rank - rank_of(level, 0, planes);
    if (level > LEVELS) return;
    const Part part = part_of(level, plane, 1, 1, line);
    const double *from = columns + kinds * part.before + at % kinds * part.width;
    double total = 0;
    #pragma unroll 16
    for (int x = 0; x < part.width; x++) total += from[x];
    means[at] = total / ((double)sized(height, level + 1) * part.width);
}

/* Gain of energy of a plane that is forgiven. */
static __device__ float forgiven_gain(const double *means, int plane, int planes) {
    double first = 0, second = 0;
    for (int level = plane ? 1 : 0; level < LEVELS; level++) {
        first += means[2 * rank_of(level, plane, planes)];
        second += means[2 * rank_of(level, plane, planes) + 1];
    }
    const float gain = (float)(second / first);
    return gain < 1 / GAIN ? 1 / GAIN : gain > GAIN ? GAIN : gain;
}

/* Wide means across: of the energies of each orientation, of their sum, of its square. */
extern "C" __global__ void widen_across(
    const float *found, const double *means, float *boxes, int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width};
    const Part part = own_part(1, 1, sizes);
    if (part.level >= LEVELS) return;
    const word area = area_of(&part);
    const int y = part.place / part.width, x = part.place % part.width;
    const float root = sqrtf(forgiven_gain(means, part.plane, planes)), over = 1 / root;
    const float least_energy = FLOORS[part.level] * FLOORS[part.level];
    const float *line = found + 16 * part.before + (word)y * part.width;
    float total[10] = {0};
    #pragma unroll
    for (int i = -WIDE_RADIUS; i <= WIDE_RADIUS; i++) {
        const int at = mirrored(x + i, part.width);
        float energy = 0;
        #pragma unroll
        for (int k = 0; k < 4; k++) {
            const float first = line[4 * k * area + at] * root;
            const float second = line[(4 * k + 1) * area + at] * over;
            total[k] += first * WIDE;
            total[4 + k] += second * WIDE;
            energy += first + second;
        }
        energy += least_energy;
        total[8] += energy * WIDE;
        total[9] += energy * energy * WIDE;
    }
    float *to = boxes + 10 * part.before + part.place;
    #pragma unroll
    for (int k = 0; k < 10; k++) to[k * area] = total[k];
}

/* `smart_error.level_error` and `residue_error` up to what they take the mean of. */
extern "C" __global__ void take_defects(
    const float *found, const float *boxes, const float *both, const double *means, float *powered,
    int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width};
    const Part part = own_part(1, 1, sizes);
    if (part.level > LEVELS) return;
    const word area = area_of(&part), own = part.before + part.place;
    const float root = sqrtf(forgiven_gain(means, part.plane, planes));
    if (part.level == LEVELS) {
        const double *mean = means + 2 * rank_of(LEVELS, part.plane, planes);
        const float *pair = both + 2 * part.before + part.place;
        const float amplitude = sqrtf(root), a = (float)mean[0], b = (float)mean[1];
        float local = (pair[0] - a) * amplitude - (pair[area] - b) / amplitude;
        local = (local + OFFSET * (a - b)) / RESIDUE_FLOOR;
        const float error = sqrtf(local * local + 0.01f) - 0.1f;
        powered[own] = error * error;
        return;
    }
    const int y = part.place / part.width, x = part.place % part.width;
    const float *column = boxes + 10 * part.before + x;
    float wide[10] = {0};
    #pragma unroll
    for (int i = -WIDE_RADIUS; i <= WIDE_RADIUS; i++) {
        const float *at = column + (word)mirrored(y + i, part.height) * part.width;
        #pragma unroll
        for (int k = 0; k < 10; k++) wide[k] += at[k * area] * WIDE;
    }
    const float cosine = COSINES[part.level], sine = SINES[part.level];
    const float *from = found + 16 * part.before + part.place;
    float near = 0, far = 0, broken = 0, energy = 0;
    #pragma unroll
    for (int k = 0; k < 4; k++) {
        const float first = from[4 * k * area] * root, second = from[(4 * k + 1) * area] / root;
        const float real = from[(4 * k + 2) * area], imaginary = from[(4 * k + 3) * area];
        float a = sqrtf(first), b = sqrtf(second);
        const float size = sqrtf(real * real + imaginary * imaginary + ENERGY * ENERGY);
        const float side = imaginary < 0 ? -imaginary : imaginary;
        broken += a * b - (real >= cosine * size ? size - PRICE * (size - real)
            : real * cosine + side * sine - PRICE * (1 - cosine) * size);
        near += (a - b) * (a - b);
        energy += first + second;
        a = sqrtf(wide[k]), b = sqrtf(wide[4 + k]);
        far += (a - b) * (a - b);
    }
    float share = (wide[9] / (wide[8] * wide[8]) - EVENNESS) / (LINES - EVENNESS);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    share = TEXTURE + (1 - TEXTURE) * share;
    float defect = share * near + (1 - share) * far + STRUCTURE * share * broken;
    defect /= FLOORS[part.level] * FLOORS[part.level] + MASKING * energy;
    const float error = powf((defect > 0 ? defect : 0) + DEFECT, POWER) - LEAST_ERROR;
    /* A square of a square is many times as fast as a general power. */
    powered[own] = POOL == 4 ? error * error * error * error : powf(error > 0 ? error : 0, POOL);
}

/* The figure, by one thread: `smart_error.picture_error`. */
extern "C" __global__ void judge(
    const double *means, const double *pooled, const int *differ, double *out,
    int planes, int height, int width
) {
    if (blockIdx.x || threadIdx.x) return;
    double total = 0;
    for (int plane = 0; plane < planes; plane++) {
        const double change = log((double)forgiven_gain(means, plane, planes));
        double error = RESIDUE * (sqrt(pooled[rank_of(LEVELS, plane, planes)] + 1e-6) - 1e-3);
        error += GAIN_PRICE * (sqrt(change * change + 1e-4) - 1e-2);
        for (int level = plane ? 1 : 0; level < LEVELS; level++)
            error += WEIGHTS[level]
                * (pow(pooled[rank_of(level, plane, planes)] + pow(1e-3, POOL), 1 / POOL) - 1e-3);
        total += (plane ? CHROMA : 1) * error / ALL_WEIGHTS;
    }
    *out = *differ ? total : 0;
}
"""


def _number(value: float) -> str:
    return f"{value:.9e}f"


@cache
def _source(settings: Settings) -> str:
    """Return all kernels under the constants of the measure."""
    straight = gabor(settings.frequency, settings.sigma)
    slanted = gabor(settings.frequency / math.sqrt(2), settings.sigma)
    radius = len(straight[0]) // 2
    turns = [settings.frequency * shift / 2**level for level, shift in enumerate(settings.shift)]
    names = {"LEVELS": LEVELS, "RADIUS": radius, "WIDE_RADIUS": len(WIDE) // 2}
    # Filters mirror themselves: from the centre on will do.
    tables = {
        "YCC": [share for row in YCC for share in row],
        "BINOMIAL": BINOMIAL,
        "ENVELOPE": straight[0][radius:],
        "EVEN": straight[1][radius:],
        "ODD": straight[2][radius:],
        "SLANTED_EVEN": slanted[1][radius:],
        "SLANTED_ODD": slanted[2][radius:],
        "COSINES": [math.cos(turn) for turn in turns],
        "SINES": [math.sin(turn) for turn in turns],
        "FLOORS": settings.floors,
        "WEIGHTS": settings.levels,
    }
    numbers = {
        "ENERGY": ENERGY,
        "DEFECT": DEFECT,
        "LEAST_ERROR": DEFECT**settings.power,
        "WIDE": WIDE[0],
        "GAIN": settings.gain**2,
        "GAIN_PRICE": settings.gain_price,
        "PRICE": settings.price,
        "STRUCTURE": settings.structure,
        "MASKING": settings.masking,
        "TEXTURE": settings.texture,
        "EVENNESS": settings.sparse[0],
        "LINES": settings.sparse[1],
        "POWER": settings.power,
        "POOL": settings.pool,
        "CHROMA": settings.chroma,
        "RESIDUE": settings.residue,
        "RESIDUE_FLOOR": settings.residue_floor,
        "OFFSET": settings.offset,
        "ALL_WEIGHTS": sum(settings.levels),
    }
    head = constants(names)
    head += "".join(f"#define {name} {_number(value)}\n" for name, value in numbers.items())
    head += "".join(table("float", name, map(_number, values)) for name, values in tables.items())
    return head + _MOMENTS + _JUDGING


class _Sizes(NamedTuple):
    """How many places the buffers have; kernels keep several numbers a place."""

    pyramid: int
    levels: tuple[int, ...]
    whole: int
    products: int
    moments: int
    parts: int
    columns: int


@lru_cache(maxsize=256)
def _sizes(planes: int, height: int, width: int) -> _Sizes:
    down = [-(-height // 2**level) for level in (*range(LEVELS + 1), LEVELS)]
    across = [-(-width // 2**level) for level in (*range(LEVELS + 1), LEVELS)]
    counts = [1] + [planes] * LEVELS
    within = range(LEVELS)

    return _Sizes(
        pyramid=2 * planes * sum(down[i] * across[i] for i in range(LEVELS + 1)),
        levels=tuple(down[i] * across[i] for i in range(LEVELS + 1)),
        whole=sum(counts[i] * down[i] * across[i] for i in within),
        products=sum(counts[i] * down[i + 1] * across[i] for i in within),
        moments=sum(counts[i] * down[i + 1] * across[i + 1] for i in within),
        parts=sum(counts[i] * down[i + 1] * across[i + 1] for i in range(LEVELS + 1)),
        columns=sum(counts[i] * across[i + 1] for i in range(LEVELS + 1)),
    )


class _Pair:
    """Two pictures on their way through the kernels.

    Parameters
    ----------
    xp : module
        One that has kernels.
    planes, height, width : int
        Of each picture.
    settings : Settings
    """

    def __init__(self, xp: Any, planes: int, height: int, width: int, settings: Settings) -> None:
        self.xp, self.shape = xp, (planes, height, width)
        self.sizes, self.source = _sizes(*self.shape), _source(settings)

    def run(self, name: str, places: int, *arguments: Any, times: int = 1) -> None:
        """Launch a kernel on so many places, `times` over along y of the grid."""
        grid = (rows_of(places, _THREADS), times)
        launch(self.xp, self.source, name, grid, (_THREADS,), *arguments, *self.shape)

    def floats(self, count: int) -> Any:
        """Return room for so many numbers."""
        return self.xp.empty(count, np.float32)

    def pyramid(self, reference: Any, decoded: Any, differ: Any) -> Any:
        """Return all levels of all planes of both; `differ` becomes 1 unless they are equal."""
        out = self.floats(self.sizes.pyramid)
        self.run("split_planes", self.sizes.levels[0], reference, decoded, out, differ)
        for level in range(1, LEVELS + 1):
            places = self.sizes.levels[level]
            self.run("halve_level", places, out, level, times=2 * self.shape[0])
        return out

    def moments(self, pyramid: Any) -> tuple[Any, Any]:
        """Return moments, 16 a place, and what the gain and the residues are averaged from."""
        stage = self.floats(8 * self.sizes.whole)
        self.run("filter_planes", self.sizes.whole, pyramid, stage, times=2)
        products = self.floats(16 * self.sizes.products)
        self.run("multiply_bands", self.sizes.products, stage, products)
        del stage  # Whose memory the next buffers may take.
        found, both = self.floats(16 * self.sizes.moments), self.floats(2 * self.sizes.parts)
        self.run("take_moments", self.sizes.parts, products, pyramid, found, both)
        return found, both

    def means(self, values: Any, kinds: int) -> Any:
        """Return the mean of each kind of each part, float64."""
        columns = self.xp.empty(kinds * self.sizes.columns, np.float64)
        self.run("sum_columns", self.sizes.columns, values, columns, kinds, times=kinds)
        count = kinds * (1 + LEVELS * self.shape[0])
        out = self.xp.empty(count, np.float64)
        self.run("take_means", count, columns, out, kinds)
        return out

    def defects(self, found: Any, both: Any, means: Any) -> Any:
        """Return what the figure averages, a number a place."""
        boxes = self.floats(10 * self.sizes.moments)
        self.run("widen_across", self.sizes.moments, found, means, boxes)
        powered = self.floats(self.sizes.parts)
        self.run("take_defects", self.sizes.parts, found, boxes, both, means, powered)
        return powered


def device_error(xp: Any, reference: Any, decoded: Any, settings: Settings) -> float:
    """Return the smart error of two pictures, computed by kernels.

    In between it takes about 160 bytes of memory a pixel.

    Parameters
    ----------
    xp : module
        One that has kernels.
    reference, decoded : (H, W, C) uint8 array of `xp`
        Of one shape; C is 1 (grey) or 3 (RGB).
    settings : Settings

    Returns
    -------
    float
        That of `smart_error.picture_error` to about five digits; 0 for equal pictures.
    """
    height, width, planes = reference.shape
    pair = _Pair(xp, planes, height, width, settings)
    differ, out = xp.zeros(1, np.int32), xp.empty((), np.float64)
    pyramid = pair.pyramid(xp.ascontiguousarray(reference), xp.ascontiguousarray(decoded), differ)
    found, both = pair.moments(pyramid)
    means = pair.means(both, 2)
    pooled = pair.means(pair.defects(found, both, means), 1)
    pair.run("judge", 1, means, pooled, differ, out)
    return float(out)
