"""Pictures that explain a wavelet file: magnitudes by subband, active coding blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...shared.codec import Image
from ...shared.picture import drawing
from .format.layout import OFFSET, STRIDE
from .format.stream import Symbols

_LEVELS = 5
_BLOCK = 4
_LEAST_LABEL = 40
# Coarse to fine.
_KINDS = (
    drawing.Kind("level 5 and above", drawing.GREY),
    drawing.Kind("level 4", drawing.BLUE),
    drawing.Kind("level 3", drawing.GREEN),
    drawing.Kind("level 2", drawing.ORANGE),
    drawing.Kind("level 1 (finest)", drawing.RED),
)


def _bands(symbols: Symbols) -> list[npt.NDArray[np.int32]]:
    """Magnitudes of the first component by subband."""
    flat, out = symbols.magnitude[0], []
    for band, row in zip(symbols.layout.bands, symbols.layout.table, strict=True):
        lines = np.arange(band.height)[:, None] * int(row[STRIDE])
        out.append(flat[int(row[OFFSET]) + lines + np.arange(band.width)])
    return out


def _subbands(symbols: Symbols) -> Image:
    """Draw magnitudes in steps, logarithmic, with the borders of subbands."""
    layout = symbols.layout
    height, width = layout.shapes[0]
    dense = np.zeros((height, width))
    for band, values in zip(layout.bands, _bands(symbols), strict=True):
        inside = slice(band.top, band.top + band.height), slice(band.left, band.left + band.width)
        dense[inside] = np.log2(1.0 + values)
    times = drawing.magnification(height, width)
    top = max(float(dense.max()), 1.0)
    # The many ones must be seen beside the few large.
    canvas = drawing.magnify(drawing.heat((dense / top) ** 0.7), times)
    for (h, w), (low_h, low_w) in zip(layout.shapes, layout.shapes[1:], strict=False):
        if min(h, w) * times < _LEAST_LABEL:
            break
        canvas[: h * times, low_w * times] = (90, 94, 104)
        canvas[low_h * times, : w * times] = (90, 94, 104)
    steps = sorted({0, 1, 3, 10, round(2**top) - 1})
    shown = [s for s in steps if np.log2(1 + s) <= top + 0.01]
    at = (np.log2(1.0 + np.array(shown)) / top) ** 0.7
    colours = drawing.heat(at[None])[0].tolist()
    texts = ["0", *(f"{s} steps" if s > 1 else "1 step" for s in shown[1:])]
    entries = [((int(r), int(g), int(b)), t) for (r, g, b), t in zip(colours, texts, strict=True)]
    return drawing.under(canvas, entries)


def _blocks(symbols: Symbols, pixels: Image) -> Image:
    """Draw blocks of 4x4 coefficients with any that is not zero, where they lie."""
    boxes, kinds = [], []
    for band, values in zip(symbols.layout.bands, _bands(symbols), strict=True):
        ys, xs = np.nonzero(values)
        for y, x in np.unique(np.stack([ys, xs], axis=1) // _BLOCK, axis=0).tolist():
            side = _BLOCK << band.level
            boxes.append((y * side, x * side, side))
            kinds.append(max(_LEVELS - max(band.level, 1), 0))
    # Once for HL, LH and HH together, coarse ones below.
    found = np.unique(np.column_stack([kinds, boxes]), axis=0) if boxes else np.zeros((0, 4), int)
    found = found[np.lexsort((found[:, 2], found[:, 1], -found[:, 3]))]
    height, width = pixels.shape[:2]
    found = found[(found[:, 1] < height) & (found[:, 2] < width)].astype(np.int64)
    return drawing.squares(pixels, found[:, 1:], found[:, 0], _KINDS)


def panels(symbols: Symbols, pixels: Image) -> list[tuple[str, Image]]:
    """Draw all panels, see `shared.codec.Codec.panels`."""
    return [
        ("coefficients of brightness by subband, logarithmic", _subbands(symbols)),
        ("active coding blocks of brightness, finest on top", _blocks(symbols, pixels)),
    ]
