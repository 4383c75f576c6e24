"""Pictures that explain a contour file: contours and harmonics, and how the picture grows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw

from ....shared.codec import Image
from ....shared.picture import color, drawing
from ....shared.tiles.format.syntax import FRACTION_BITS
from ....shared.tiles.show import quadtree
from ..format.layout import KIND, KIND_NAMES, STROKE
from ..format.stream import Ground, Symbols
from ..synthesis.reconstruction import render_ground, render_layers, synthesize
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


def overlay(picture: Image, layers: npt.NDArray[np.int32], times: int) -> Image:
    """Draw outlines in green and waves in red, those of high contrast brighter and on top.

    Parameters
    ----------
    picture : (h, w, 3) uint8
    layers : (n, FIELDS) int32
        In falling contrast.
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
    weights = shapes.strength(len(layers))
    for layer, weight in zip(layers[::-1], weights[::-1].tolist(), strict=True):
        thick = max(round(smooth * (0.6 + weight)), 1)
        alpha = round(40 + 200 * weight)
        if layer[KIND] == STROKE:
            _shade(paper, shapes.stroke_points(layer) * unit, layer, unit, alpha // 4)
        for lines, colour in (
            (shapes.outlines(layer), drawing.GREEN),
            (shapes.waves(layer), drawing.RED),
        ):
            for line in lines:
                corners = [(x, y) for x, y in (line * unit).tolist()]
                pen.line(corners, (*colour, alpha), thick, "curve")
    return np.asarray(paper.reduce(smooth))


def _shade(
    paper: PILImage.Image, points: shapes.Points, layer: shapes.Layer, unit: int, alpha: int
) -> None:
    """Tint the width of a stroke, once where it overlaps itself."""
    radius = shapes.stroke_radius(layer) * unit
    low = np.maximum(np.floor(points.min(0) - radius), 0).astype(int)
    high = np.minimum(np.ceil(points.max(0) + radius), paper.size).astype(int)
    if (high <= low).any():
        return
    mask = PILImage.new("L", tuple((high - low).tolist()))
    corners = [(x, y) for x, y in (points - low).tolist()]
    ImageDraw.Draw(mask).line(corners, alpha, max(round(2 * radius), 1), "curve")
    paper.paste(drawing.GREEN, tuple(low.tolist()), mask)


def _picture(ground: Ground, planes: npt.NDArray[np.int32]) -> Image:
    return drawing.rgb(color.to_pixels(np, list(planes), FRACTION_BITS))


def growth(symbols: Symbols) -> list[tuple[str, Image]]:
    """Pictures of the first layers only, more and more of them, and their outlines below."""
    ground = symbols.ground
    layers = ground.layers
    counts = [count for count in GROWTH if count < len(layers)] + [len(layers)]
    bare = Ground(ground.geometry, ground.steps, ground.base_code, ground.base, layers[:0])
    planes = render_ground(np, bare)
    black = np.full((*planes.shape[1:], 3), 18, np.uint8)
    above, below, done = [], [], 0
    for count in counts:
        render_layers(np, layers[done:count], ground.steps, planes, 1)
        done = count
        name = f"all {count} layers" if count == len(layers) else f"{count} layers"
        above.append((name, _picture(ground, planes)))
        below.append(("their contours and harmonics", overlay(black, layers[:count], 1)))
    return above + below


def _legend(layers: npt.NDArray[np.int32]) -> list[tuple[drawing.Colour, str]]:
    kinds = [
        f"{int((layers[:, KIND] == kind).sum())} {name}s"
        for kind, name in enumerate(KIND_NAMES)
        if (layers[:, KIND] == kind).any()
    ]
    count = sum(len(shapes.harmonics(layer)) for layer in layers)
    return [(drawing.GREEN, "contours: " + ", ".join(kinds)), (drawing.RED, f"harmonics: {count}")]


def panels(symbols: Symbols, pixels: Image) -> list[tuple[str, Image]]:
    """Draw all panels, see `shared.codec.Codec.panels`."""
    layers = symbols.ground.layers
    out = []
    if len(layers):
        times = drawing.magnification(*pixels.shape[:2])
        # Rendered larger, not magnified: layers know no pixels.
        large = np.asarray(synthesize(symbols, np, times))
        shown = drawing.under(overlay(faded(large), layers, times), _legend(layers))
        out.append(("contours and their harmonics, in falling contrast", shown))
    if symbols.tiles is not None:
        shown = quadtree(symbols.tiles, symbols.known, pixels)
        out.append(("quadtree of brightness", shown))
    if len(layers):
        steps = growth(symbols)
        title = "the picture growing layer by layer"
        out.append((title, drawing.strip(steps, columns=len(steps) // 2)))
    return out
