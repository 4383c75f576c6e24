"""CUDA C of the smart error, first half: pictures to the moments of their bands; see `cuda`."""

from __future__ import annotations

SOURCE = r"""
typedef struct { int planes, height, width; } Sizes;
/* A place of a level: which sample of which plane, and where in the buffer its plane begins. */
typedef struct { int level, plane, height, width, place; word before; } Part;

/* Length of a level: halving rounds up; the residue is not halved again. */
static __device__ int sized(int length, int level) {
    level = level < LEVELS ? level : LEVELS;
    return (length + (1 << level) - 1) >> level;
}

static __device__ word area_of(const Part *part) { return (word)part->height * part->width; }

/* One plane of a level in a buffer whose levels are halved `down` and `across` times more. */
static __device__ Part part_of(int level, int plane, int down, int across, Sizes sizes) {
    Part part = {level, plane, 0, 0, 0, 0};
    for (int at = 0; at <= level; at++) {
        part.height = sized(sizes.height, at + down);
        part.width = sized(sizes.width, at + across);
        part.before += (at < level ? (at ? sizes.planes : 1) : plane) * area_of(&part);
    }
    return part;
}

/* The place that is this thread's; level LEVELS is the residue, beyond are threads without one. */
static __device__ Part own_part(int down, int across, Sizes sizes) {
    const word own = (word)blockIdx.x * blockDim.x + threadIdx.x;
    Part part = {0, 0, 0, 0, 0, 0};
    for (; part.level <= LEVELS; part.level++) {
        part.height = sized(sizes.height, part.level + down);
        part.width = sized(sizes.width, part.level + across);
        const word area = area_of(&part);
        for (part.plane = 0; part.plane < (part.level ? sizes.planes : 1); part.plane++) {
            if (own < part.before + area) {
                part.place = (int)(own - part.before);
                return part;
            }
            part.before += area;
        }
    }
    return part;
}

/* The part of so manyth rank, and the rank of a part. */
static __device__ int level_of(int rank, int planes) { return rank ? 1 + (rank - 1) / planes : 0; }
static __device__ int rank_of(int level, int plane, int planes) {
    return level ? 1 + (level - 1) * planes + plane : 0;
}

/* Where a plane of a picture begins; the pyramid holds all planes of all levels. */
static __device__ word in_pyramid(int level, int picture, int plane, Sizes sizes) {
    word before = 0, area = 0;
    for (int at = 0; at <= level; at++) {
        area = (word)sized(sizes.height, at) * sized(sizes.width, at);
        if (at < level) before += 2 * sizes.planes * area;
    }
    return before + (picture * sizes.planes + plane) * area;
}

/* Beyond the edges the samples are mirrored, as often as it takes. */
static __device__ int mirrored(int at, int size) {
    while (at < 0 || at >= size) at = at < 0 ? -1 - at : 2 * size - 1 - at;
    return at;
}

extern "C" __global__ void split_planes(
    const unsigned char *first, const unsigned char *second, float *pyramid, int *differ,
    int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width};
    const word at = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= (word)height * width) return;
    int equal = 1;
    for (int plane = 0; plane < planes; plane++)
        equal &= first[at * planes + plane] == second[at * planes + plane];
    if (!equal) *differ = 1;  /* whichever thread comes last: all write the same */
    for (int picture = 0; picture < 2; picture++) {
        const unsigned char *from = (picture ? second : first) + at * planes;
        for (int plane = 0; plane < planes; plane++) {
            const float *share = YCC + 3 * plane;
            pyramid[in_pyramid(0, picture, plane, sizes) + at] = planes == 1 ? (float)from[0]
                : share[0] * from[0] + share[1] * from[1] + share[2] * from[2];
        }
    }
}

/* Every plane of a level from that above it: `bands.halve`. */
extern "C" __global__ void halve_level(
    float *pyramid, int level, int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width};
    const int from_rows = sized(height, level - 1), from_columns = sized(width, level - 1);
    const int rows = sized(height, level), columns = sized(width, level);
    const word area = (word)rows * columns;
    const word at = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= area) return;
    const int y = (int)at / columns, x = (int)at % columns;
    const int picture = blockIdx.y / planes, plane = blockIdx.y % planes;
    const float *from = pyramid + in_pyramid(level - 1, picture, plane, sizes);
    float total = 0;
    #pragma unroll
    for (int k = -2; k <= 2; k++) {
        const float *column = from + mirrored(2 * x + k, from_columns);
        float sum = 0;
        #pragma unroll
        for (int i = -2; i <= 2; i++)
            sum += BINOMIAL[i + 2] * column[(word)mirrored(2 * y + i, from_rows) * from_columns];
        total += BINOMIAL[k + 2] * sum;
    }
    pyramid[in_pyramid(level, picture, plane, sizes) + at] = total;
}

/* What the bands begin with, of each picture (y of the grid): the planes filtered by the envelope
   down, by the envelope across, and by both slanted waves across. */
extern "C" __global__ void filter_planes(
    const float *pyramid, float *stage, int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width};
    const Part part = own_part(0, 0, sizes);
    if (part.level >= LEVELS) return;
    const int picture = blockIdx.y, y = part.place / part.width, x = part.place % part.width;
    const word area = area_of(&part);
    const float *from = pyramid + in_pyramid(part.level, picture, part.plane, sizes);
    const float *line = from + (word)y * part.width, *column = from + x;
    float down = ENVELOPE[0] * line[x], across = down, even = SLANTED_EVEN[0] * line[x], odd = 0;
    #pragma unroll
    for (int k = 1; k <= RADIUS; k++) {
        const float a = column[(word)mirrored(y + k, part.height) * part.width];
        const float b = column[(word)mirrored(y - k, part.height) * part.width];
        const float c = line[mirrored(x + k, part.width)], d = line[mirrored(x - k, part.width)];
        down += (a + b) * ENVELOPE[k];
        across += (c + d) * ENVELOPE[k];
        even += (c + d) * SLANTED_EVEN[k];
        odd += (c - d) * SLANTED_ODD[k];
    }
    float *to = stage + 8 * part.before + 4 * picture * area + part.place;
    to[0] = down;
    to[area] = across;
    to[2 * area] = even;
    to[3 * area] = odd;
}

/* Real and imaginary responses of the four orientations at a place: `bands.bands`. */
static __device__ void respond(
    const float *stage, int y, int x, int height, int width, float *response
) {
    const word area = (word)height * width, line = (word)y * width;
    const float *rows = stage + line, *columns = stage + area + x;
    const float *re = stage + 2 * area + x, *im = stage + 3 * area + x;
    float even = EVEN[0] * rows[x], odd = 0, down_even = EVEN[0] * columns[line], down_odd = 0;
    float rr = SLANTED_EVEN[0] * re[line], ri = 0, ir = SLANTED_EVEN[0] * im[line], ii = 0;
    #pragma unroll
    for (int k = 1; k <= RADIUS; k++) {
        const int right = mirrored(x + k, width), left = mirrored(x - k, width);
        const word low = (word)mirrored(y + k, height) * width;
        const word high = (word)mirrored(y - k, height) * width;
        even += (rows[right] + rows[left]) * EVEN[k];
        odd += (rows[right] - rows[left]) * ODD[k];
        down_even += (columns[low] + columns[high]) * EVEN[k];
        down_odd += (columns[low] - columns[high]) * ODD[k];
        rr += (re[low] + re[high]) * SLANTED_EVEN[k];
        ri += (re[low] - re[high]) * SLANTED_ODD[k];
        ir += (im[low] + im[high]) * SLANTED_EVEN[k];
        ii += (im[low] - im[high]) * SLANTED_ODD[k];
    }
    response[0] = even, response[1] = odd, response[2] = down_even, response[3] = down_odd;
    response[4] = rr - ii, response[5] = ri + ir, response[6] = rr + ii, response[7] = ir - ri;
}

/* Products of the responses, halved down at once: at full height they would be the most of it. */
extern "C" __global__ void multiply_bands(
    const float *stage, float *products, int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width};
    const Part part = own_part(1, 0, sizes);
    if (part.level >= LEVELS) return;
    const Part whole = part_of(part.level, part.plane, 0, 0, sizes);
    const int y = part.place / part.width, x = part.place % part.width;
    const float *first = stage + 8 * whole.before, *second = first + 4 * area_of(&whole);
    float total[16] = {0};
    for (int i = -2; i <= 2; i++) {
        const int row = mirrored(2 * y + i, whole.height);
        const float share = BINOMIAL[i + 2];
        float p[8], q[8];
        respond(first, row, x, whole.height, whole.width, p);
        respond(second, row, x, whole.height, whole.width, q);
        #pragma unroll
        for (int k = 0; k < 4; k++) {
            const float a = p[2 * k], b = p[2 * k + 1], c = q[2 * k], d = q[2 * k + 1];
            total[4 * k] += share * (a * a + b * b);
            total[4 * k + 1] += share * (c * c + d * d);
            total[4 * k + 2] += share * (a * c + b * d);
            total[4 * k + 3] += share * (b * c - a * d);
        }
    }
    const word area = area_of(&part);
    float *to = products + 16 * part.before + part.place;
    #pragma unroll
    for (int k = 0; k < 16; k++) to[k * area] = total[k];
}

/* `smart_error.moments`, and what is averaged for the gain: the energies of both pictures, all
   orientations together; for the residue its samples. */
extern "C" __global__ void take_moments(
    const float *products, const float *pyramid, float *found, float *both,
    int planes, int height, int width
) {
    const Sizes sizes = {planes, height, width};
    const Part part = own_part(1, 1, sizes);
    if (part.level > LEVELS) return;
    const word area = area_of(&part);
    float pair[2] = {0, 0};
    if (part.level == LEVELS) {
        for (int picture = 0; picture < 2; picture++)
            pair[picture] = pyramid[in_pyramid(LEVELS, picture, part.plane, sizes) + part.place];
    } else {
        const Part half = part_of(part.level, part.plane, 1, 0, sizes);
        const int y = part.place / part.width, x = part.place % part.width;
        const float *line = products + 16 * half.before + (word)y * half.width;
        float *to = found + 16 * part.before + part.place;
        int columns[5];
        #pragma unroll
        for (int i = 0; i < 5; i++) columns[i] = mirrored(2 * x + i - 2, half.width);
        #pragma unroll
        for (int k = 0; k < 16; k++) {
            float total = 0;
            #pragma unroll
            for (int i = 0; i < 5; i++)
                total += BINOMIAL[i] * line[k * area_of(&half) + columns[i]];
            total = 4 * total + (k % 4 < 3 ? ENERGY : 0.0f);
            to[k * area] = total;
            if (k % 4 < 2) pair[k % 4] += total;
        }
    }
    float *to = both + 2 * part.before + part.place;
    to[0] = pair[0];
    to[area] = pair[1];
}
"""
