"""Components of many pictures to pixels in one launch: the twin of `color.to_pixels`."""

from __future__ import annotations

from typing import Any

from ..parallel.kernels import constants, launch, rows_of
from .color import _B_CB, _BITS, _G_CB, _G_CR, _R_CR, OFFSET

_THREADS = 256
_NARROW = (1 << 30) // (_B_CB + (1 << _BITS))
"""Samples below make sums below ``2**30``, whatever their signs."""

COLOUR = (
    constants(
        {
            "R_CR": _R_CR,
            "G_CB": _G_CB,
            "G_CR": _G_CR,
            "B_CB": _B_CB,
            "BITS": _BITS,
            "OFFSET": OFFSET,
            "NARROW": _NARROW,
        }
    )
    + r"""
static __device__ unsigned char byte_of(word value) {
    return (unsigned char)bounded(value + OFFSET, 0, 255);
}

/* Luma and chroma of a pixel to red, green and blue; nearly always in 32 bits, which is faster. */
static __device__ void colour_of(int luma, int blue, int red, int fraction, unsigned char *out) {
    const int shift = fraction + BITS, low = -NARROW;
    if (luma > low && luma < NARROW && blue > low && blue < NARROW && red > low && red < NARROW) {
        const int base = luma * (1 << BITS) + (1 << (shift - 1));
        const int r = (base + R_CR * red) >> shift, b = (base + B_CB * blue) >> shift;
        const int g = (base - G_CB * blue - G_CR * red) >> shift;
        out[0] = (unsigned char)(r < -OFFSET ? 0 : r > 255 - OFFSET ? 255 : r + OFFSET);
        out[1] = (unsigned char)(g < -OFFSET ? 0 : g > 255 - OFFSET ? 255 : g + OFFSET);
        out[2] = (unsigned char)(b < -OFFSET ? 0 : b > 255 - OFFSET ? 255 : b + OFFSET);
        return;
    }
    const word base = (word)luma * (1 << BITS) + ((word)1 << (shift - 1));
    out[0] = byte_of((base + (word)R_CR * red) >> shift);
    out[1] = byte_of((base - (word)G_CB * blue - (word)G_CR * red) >> shift);
    out[2] = byte_of((base + (word)B_CB * blue) >> shift);
}
"""
)
"""From components to bytes, for kernels that end with them."""
SOURCE = (
    COLOUR
    + r"""
/* planes: (pictures, channels, rows, columns), of which height x width are shown;
   pixels: (pictures, height, width, channels). */
extern "C" __global__ void to_pixels(
    const int *planes, unsigned char *pixels, int channels, int rows, int columns, int height,
    int width, int fraction
) {
    const int x = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (x >= width) return;
    const word area = (word)rows * columns, picture = blockIdx.z;
    const word half = (word)1 << (fraction - 1);
    for (word y = blockIdx.y; y < height; y += gridDim.y) {
        const int *at = planes + picture * channels * area + y * columns + x;
        unsigned char *out = pixels + ((picture * height + y) * width + x) * channels;
        int first = 0;
        if (channels >= 3) {
            colour_of(at[0], at[area], at[2 * area], fraction, out);
            first = 3;
        }
        for (int c = first; c < channels; c++)
            out[c] = byte_of((at[c * area] + half) >> fraction);
    }
}
"""
)


def to_pixels(xp: Any, planes: Any, height: int, width: int, fraction: int) -> Any:
    """Turn components of many pictures into pixels.

    Parameters
    ----------
    xp : module
        One that has kernels.
    planes : (n, C, H', W') int32
        See `color.to_pixels`.
    height, width : int
        What is shown of them.
    fraction : int
        Fractional bits.

    Returns
    -------
    (n, H, W, C) uint8
    """
    count, channels, rows, columns = planes.shape
    pixels = xp.empty((count, height, width, channels), xp.uint8)
    grid = (rows_of(width, _THREADS), height, count)
    sizes = (channels, rows, columns, height, width, fraction)
    launch(xp, SOURCE, "to_pixels", grid, (_THREADS,), planes, pixels, *sizes)
    return pixels
