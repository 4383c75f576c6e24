"""Pictures that explain a contour file: contours and harmonics, and how the picture grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw

from ....shared.codec import Image
from ....shared.picture import color, drawing
from ....shared.tiles.format.syntax import FRACTION_BITS
from ....shared.tiles.show import quadtree
from ..format.stream import Ground, Symbols
from ..synthesis.reconstruction import render_ground, synthesize
from . import shapes

GROWTH = (10, 50, 200)
"""Layers of the strip's pictures, before all of them."""
_SMOOTH = 3
_MOST = 12_000_000
"""Larger drawings are smoothed less, samples."""


def faded(pixels: Image) -> Image:
    """Darken a picture and take half of its colour, so that bright lines are read on it."""
    solid = drawing.rgb(pixels).astype(np.float64)
    grey = solid @ (0.299, 0.587, 0.114)
    out: Image = (12 + 0.27 * (0.5 * solid + 0.5 * grey[:, :, None])).astype(np.uint8)
    return out


COLORS = {
    shapes.CONTOUR: drawing.GREEN,
    shapes.REPEAT: drawing.BLUE,
    shapes.WINDOW: drawing.ORANGE,
}
"""Of outlines by kind; harmonics are red."""


def overlay(picture: Image, elements: Sequence[shapes.Element], times: int) -> Image:
    """Draw outlines in the colour of their kind and waves in red, the first brighter and on top.

    Parameters
    ----------
    picture : (h, w, 3) uint8
    elements : sequence of Element
        In the order of the file.
    times : int
        Samples of the picture a pixel of the layers.

    Returns
    -------
    (h, w, 3) uint8
    """
    height, width = picture.shape[:2]
    smooth = _SMOOTH if _SMOOTH**2 * height * width <= _MOST else 2
    paper = PILImage.fromarray(picture).resize((width * smooth, height * smooth))
    pen = ImageDraw.Draw(paper, "RGBA")
    unit = times * smooth
    weights = shapes.strength(len(elements))
    for element, weight in zip(elements[::-1], weights[::-1].tolist(), strict=True):
        thick = max(round(smooth * (0.6 + weight)), 1)
        alpha = round(40 + 200 * weight)
        parts = [(element.outline, COLORS[element.kind])]
        parts += [(wave, drawing.RED) for wave in element.waves]
        for line, colour in parts:
            corners = [(x, y) for x, y in (line * unit).tolist()]
            pen.line(corners, (*colour, alpha), thick, "curve")
    return np.asarray(paper.reduce(smooth))


def _picture(ground: Ground, planes: npt.NDArray[np.int32]) -> Image:
    return drawing.rgb(color.to_pixels(np, list(planes), FRACTION_BITS))


def first_layers(ground: Ground, count: int) -> Ground:
    """A ground with the first of its layers only: rings, then windows."""
    rings = len(ground.outlines.rings)
    outlines = ground.outlines.subset(np.arange(rings) < count)
    return replace(ground, outlines=outlines, layers=ground.layers[: max(count - rings, 0)])


def growth(symbols: Symbols, elements: Sequence[shapes.Element]) -> list[tuple[str, Image]]:
    """Pictures of the first layers only, more and more of them, and their outlines below."""
    ground = symbols.ground
    total = len(elements)
    counts = [count for count in GROWTH if count < total] + [total]
    size = (ground.geometry.height, ground.geometry.width)
    black = np.full((*size, 3), 18, np.uint8)
    above, below = [], []
    for count in counts:
        name = f"all {count} layers" if count == total else f"{count} layers"
        planes = render_ground(np, first_layers(ground, count))
        above.append((name, _picture(ground, planes)))
        below.append(("their outlines and harmonics", overlay(black, elements[:count], 1)))
    return above + below


def _legend(elements: Sequence[shapes.Element]) -> list[tuple[drawing.Colour, str]]:
    out = []
    for kind, colour in COLORS.items():
        count = sum(element.kind == kind for element in elements)
        if count:
            out.append((colour, f"{count} {kind}{'s' if count > 1 else ''}"))
    waves = sum(len(element.waves) for element in elements)
    return [*out, (drawing.RED, f"harmonics: {waves}")] if waves else out


def panels(symbols: Symbols, pixels: Image) -> list[tuple[str, Image]]:
    """Draw all panels, see `shared.codec.Codec.panels`."""
    elements = list(shapes.elements(symbols))
    out = []
    if elements:
        times = drawing.magnification(*pixels.shape[:2])
        # Rendered larger, not magnified: layers know no pixels.
        large = np.asarray(synthesize(symbols, np, times))
        shown = drawing.under(overlay(faded(large), elements, times), _legend(elements))
        out.append(("layers: outlines and their harmonics, in the order of the file", shown))
    if symbols.tiles is not None:
        shown = quadtree(symbols.tiles, symbols.known, pixels)
        out.append(("quadtree of brightness", shown))
    if elements:
        steps = growth(symbols, elements)
        title = "the picture growing layer by layer"
        out.append((title, drawing.strip(steps, columns=len(steps) // 2)))
    return out
