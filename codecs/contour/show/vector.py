"""A contour file as SVG: the decoded picture, faded, under real curves that can be zoomed into.

Windows are ellipses, contours the quadratic curves that they are in the format, waves cubic ones.
Each layer is a group with a tooltip.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from ....shared.codec import Image
from ....shared.picture import drawing
from ..format.stream import Symbols
from . import shapes
from .raster import COLORS, faded
from .shapes import RIM, Layer, Points

_USEFUL = 1000
"""Pixels of the screen that a picture is opened at."""
_LEGEND = 18


def _n(value: float) -> str:
    """Write a coordinate with as few digits as a hundredth of a pixel needs."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _at(point: Points) -> str:
    return f"{_n(float(point[0]))} {_n(float(point[1]))}"


def _smooth(points: Points) -> str:
    """Cubic curves through points (Catmull-Rom)."""
    before = np.concatenate([points[:1], points[:-1]])
    after = np.concatenate([points[1:], points[-1:]])
    slope = (after - before) / 6
    parts = [f"M{_at(points[0])}"]
    for i in range(1, len(points)):
        leave, arrive = points[i - 1] + slope[i - 1], points[i] - slope[i]
        parts.append(f"C{_at(leave)} {_at(arrive)} {_at(points[i])}")
    return "".join(parts)


def _thinned(points: Points) -> Points:
    """Every fourth point and the last: cubic curves need no more."""
    return points if len(points) < 9 else np.concatenate([points[:-1:4], points[-1:]])


def _ring(points: Points, corners: npt.NDArray[np.bool_]) -> str:
    """Closed curve of a ring's nodes: quadratic round smooth ones, straight to corners."""
    middles = (points + np.roll(points, -1, axis=0)) / 2
    parts = [f"M{_at(middles[-1])}"]
    for node, middle, corner in zip(points, middles, corners, strict=True):
        parts.append(f"L{_at(node)}L{_at(middle)}" if corner else f"Q{_at(node)} {_at(middle)}")
    return "".join(parts) + "Z"


def _window(layer: Layer) -> str:
    at = shapes.frame(layer)
    where = f"translate({_n(at.x)} {_n(at.y)}) rotate({np.degrees(at.angle):.4g})"
    return f'<ellipse transform="{where}" rx="{_n(RIM * at.major)}" ry="{_n(RIM * at.minor)}"/>'


def _groups(symbols: Symbols) -> Iterator[str]:
    elements = list(shapes.elements(symbols))
    weights = shapes.strength(len(elements)).tolist()
    for element, weight in zip(elements[::-1], weights[::-1], strict=True):
        if element.kind == shapes.WINDOW:
            outline = _window(symbols.ground.layers[element.row])
        else:
            nodes = shapes.ring_nodes(symbols.ground.outlines, element.row)
            outline = f'<path d="{_ring(*nodes)}"/>'
        waves = "".join(_smooth(_thinned(line)) for line in element.waves)
        wave = f'<path class="h" d="{waves}"/>' if waves else ""
        title = f"<title>{escape(element.facts)}</title>"
        opacity = f"{0.15 + 0.8 * weight:.2f}"
        yield f'<g class="{element.kind}" opacity="{opacity}">{title}{outline}{wave}</g>'


def _legend(symbols: Symbols, height: int) -> Iterator[str]:
    """Patches and words below the picture."""
    kinds = [element.kind for element in shapes.elements(symbols)]
    x = 4
    for kind, color in COLORS.items():
        count = kinds.count(kind)
        if count:
            text = f"{count} {kind}{'s' if count > 1 else ''}"
            yield (
                f'<rect x="{x}" y="{height + 5}" width="8" height="8" fill="{_hex(color)}"/>'
                f'<text x="{x + 11}" y="{height + 12}">{text}</text>'
            )
            x += 24 + 6 * len(text)
    yield (
        f'<rect x="{x}" y="{height + 5}" width="8" height="8" fill="{_hex(drawing.RED)}"/>'
        f'<text x="{x + 11}" y="{height + 12}">harmonics</text>'
    )


def _hex(color: drawing.Colour) -> str:
    return "#" + bytes(color).hex()


def svg(symbols: Symbols, pixels: Image) -> str:
    """Draw outlines by kind and harmonics in red over the faded picture.

    Parameters
    ----------
    symbols : Symbols
    pixels : (H, W, C) uint8

    Returns
    -------
    str
        An SVG document that scales, with a legend below the picture.
    """
    height, width = pixels.shape[:2]
    file = io.BytesIO()
    PILImage.fromarray(faded(pixels)).save(file, "PNG", optimize=True)
    ground = base64.b64encode(file.getvalue()).decode("ascii")
    # Lines get no thicker when one zooms in; what the pointer is on stands out.
    style = (
        "svg{background:#121212}g{fill:none;stroke-linecap:round;stroke-linejoin:round}"
        "g *{vector-effect:non-scaling-stroke;stroke-width:.9}"
        + "".join(f".{kind}{{stroke:{_hex(color)}}}" for kind, color in COLORS.items())
        + f".h{{stroke:{_hex(drawing.RED)}}}"
        "g:hover{opacity:1}g:hover *{stroke-width:2.5}"
        "text{font:9px sans-serif;fill:#ddd}"
    )
    times = max(1.0, _USEFUL / width)
    size = f'width="{round(times * width)}" height="{round(times * (height + _LEGEND))}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + _LEGEND}" '
            f'{size} style="max-width:100%;height:auto">',
            f"<style>{style}</style>",
            f'<image width="{width}" height="{height}" href="data:image/png;base64,{ground}"/>',
            *_groups(symbols),
            *_legend(symbols, height),
            "</svg>\n",
        ]
    )
