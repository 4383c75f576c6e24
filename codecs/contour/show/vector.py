"""A contour file as SVG: the decoded picture, faded, under real curves that can be zoomed into.

Windows are ellipses, or arcs and parabolas where they are cut; contours and strokes are quadratic
curves, as they are in the format; waves are cubic ones. Each layer is a group with a tooltip.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image as PILImage

from ....shared.codec import Image
from ....shared.picture import drawing
from ..format.layout import ASPECT, BUCKET, CONTOUR, COUNT, CUTS, KIND, KIND_NAMES, SCALE, STROKE
from ..format.stream import Symbols
from . import shapes
from .raster import faded
from .shapes import RIM, Arc, Layer, Points


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


def _ring(points: Points) -> str:
    """Closed quadratic B-spline around points, whose last repeats the first."""
    corners = points[:-1]
    middles = (corners + np.roll(corners, -1, axis=0)) / 2
    parts = [f"M{_at(middles[-1])}"]
    parts += [f"Q{_at(c)} {_at(m)}" for c, m in zip(corners, middles, strict=True)]
    return "".join(parts) + "Z"


def _path(points: Points) -> str:
    """Quadratic curve of a stroke; every corner has four points, of which the second is halfway."""
    parts = [f"M{_at(points[0])}"]
    if len(points) > 2:
        parts.append(f"L{_at(points[1])}")
    for i in range(1, len(points) - 2, 4):
        start, half, end = points[i], points[i + 2], points[i + 4]
        parts.append(f"Q{_at(2 * half - (start + end) / 2)} {_at(end)}")
    return "".join(parts) + f"L{_at(points[-1])}"


def _window(layer: Layer) -> str:
    """Elements that outline a window."""
    at = shapes.frame(layer)
    turn = f"{np.degrees(at.angle):.4g}"
    pieces = shapes.window_pieces(layer)
    if pieces == [Arc(0.0, 2 * np.pi)]:
        where = f"translate({_n(at.x)} {_n(at.y)}) rotate({turn})"
        size = f'rx="{_n(RIM * at.major)}" ry="{_n(RIM * at.minor)}"'
        return f'<ellipse transform="{where}" {size}/>'
    parts = []
    for piece in pieces:
        if isinstance(piece, Arc):
            ends = np.array([piece.start, piece.end])
            if piece.end - piece.start > 2 * np.pi - 1e-9:
                ends = np.array([piece.start, (piece.start + piece.end) / 2])
            start, end = at.place(RIM * np.cos(ends), RIM * np.sin(ends))
            large = int(ends[1] - ends[0] > np.pi)
            radii = f"{_n(RIM * at.major)} {_n(RIM * at.minor)} {turn}"
            parts.append(f"M{_at(start)}A{radii} {large} 1 {_at(end)}")
            if ends[1] < piece.end:
                parts.append(f"A{radii} 0 1 {_at(start)}")
        else:
            u, v = piece.at(np.array([piece.start, piece.end]))
            start, end = at.place(u, v)
            (middle,) = at.place(*(np.array([x]) for x in piece.control))
            parts.append(f"M{_at(start)}Q{_at(middle)} {_at(end)}")
    return f'<path d="{"".join(parts)}"/>' if parts else ""


def _outline(layer: Layer) -> str:
    if layer[KIND] == STROKE:
        line = _path(shapes.stroke_points(layer))
        wide = _n(2 * shapes.stroke_radius(layer))
        return f'<path class="w" style="stroke-width:{wide}" d="{line}"/><path d="{line}"/>'
    if layer[KIND] == CONTOUR:
        return f'<path d="{_ring(shapes.contour_points(layer))}"/>'
    return _window(layer)


def _title(number: int, layer: Layer) -> str:
    at = shapes.frame(layer)
    kind = KIND_NAMES[int(layer[KIND])]
    facts = [f"layer {number}: {kind}", f"bucket {layer[BUCKET]}", f"scale {layer[SCALE]}"]
    if layer[KIND] != STROKE:
        round_one = not layer[ASPECT]
        facts.append(
            f"radius {at.major:.1f} pixels"
            if round_one
            else f"radii {at.major:.1f} and {at.minor:.1f} pixels"
        )
    waves = len(shapes.harmonics(layer))
    counts = {"harmonic": waves, "cut": int(layer[CUTS]), "node": int(layer[COUNT])}
    for name, count in counts.items():
        if count:
            facts.append(f"{count} {name}{'s' if count > 1 else ''}")
    return escape(", ".join(facts))


def _groups(layers: Layer) -> Iterator[str]:
    weights = shapes.strength(len(layers)).tolist()
    for number in range(len(layers) - 1, -1, -1):
        layer, weight = layers[number], weights[number]
        waves = "".join(_smooth(_thinned(line)) for line in shapes.waves(layer))
        wave = f'<path class="h" d="{waves}"/>' if waves else ""
        title = f"<title>{_title(number + 1, layer)}</title>"
        yield f'<g opacity="{0.15 + 0.8 * weight:.2f}">{title}{_outline(layer)}{wave}</g>'


def svg(symbols: Symbols, pixels: Image) -> str:
    """Draw contours in green and harmonics in red over the faded picture.

    Parameters
    ----------
    symbols : Symbols
    pixels : (H, W, C) uint8

    Returns
    -------
    str
        An SVG document as large as the picture.
    """
    height, width = pixels.shape[:2]
    file = io.BytesIO()
    PILImage.fromarray(faded(pixels)).save(file, "PNG", optimize=True)
    ground = base64.b64encode(file.getvalue()).decode("ascii")
    green, red = ("#" + bytes(c).hex() for c in (drawing.GREEN, drawing.RED))
    # Lines get no thicker when one zooms in; what the pointer is on stands out.
    style = (
        f"g{{fill:none;stroke:{green};stroke-linecap:round;stroke-linejoin:round}}"
        "g *{vector-effect:non-scaling-stroke;stroke-width:.9}"
        f".h{{stroke:{red}}}"
        "g .w{vector-effect:none;opacity:.25}"
        "g:hover{opacity:1}g:hover *{stroke-width:2.5}"
    )
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}">',
            f"<style>{style}</style>",
            f'<image width="{width}" height="{height}" href="data:image/png;base64,{ground}"/>',
            *_groups(symbols.ground.layers),
            "</svg>\n",
        ]
    )
