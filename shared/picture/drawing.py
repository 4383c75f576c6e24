"""What `Codec.panels` draws with: squares by kind, arrows, heat, strips. Nothing normative.

Everything works on (H, W, 3) uint8 arrays. Loaded only by ``fractour show``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from .raster import Image

Colour = tuple[int, int, int]
GREY: Colour = (150, 156, 164)
BLUE: Colour = (86, 180, 233)
ORANGE: Colour = (240, 165, 30)
PINK: Colour = (240, 110, 190)
GREEN: Colour = (60, 210, 150)
RED: Colour = (235, 90, 70)
PAPER: Colour = (250, 250, 248)
INK: Colour = (40, 42, 46)

_WIDTH = 1600
"""Small pictures are magnified to at most this many pixels."""
_FINE = 4_000_000
"""Larger drawings are not smoothed."""
# Black, violet, red, orange, pale yellow: equal steps look equal.
_HEAT = np.array(
    [[8, 8, 14], [62, 20, 96], [150, 40, 112], [224, 84, 74], [250, 160, 70], [252, 244, 190]],
    np.float64,
)


@dataclass(frozen=True)
class Kind:
    """A kind of square: its name in the legend and its colour."""

    name: str
    colour: Colour


def rgb(pixels: Image) -> Image:
    """Show any decoded picture as RGB; what is transparent shows a chessboard."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    channels = pixels.shape[2]
    solid = pixels[:, :, :3] if channels >= 3 else np.repeat(pixels[:, :, :1], 3, axis=2)
    if channels in (1, 3):
        return np.ascontiguousarray(solid)
    row, column = np.indices(pixels.shape[:2]) // 8
    board = np.where((row + column) % 2 == 0, 204, 250)[:, :, None]
    alpha = pixels[:, :, -1:].astype(np.int64)
    mixed: Image = ((solid * alpha + board * (255 - alpha) + 127) // 255).astype(np.uint8)
    return mixed


def magnification(height: int, width: int) -> int:
    """How many times a drawing is larger than the picture: 1, 2, 4, 6 or 8."""
    return min(max(_WIDTH // max(height, width) // 2 * 2, 1), 8)


def magnify(picture: Image, times: int) -> Image:
    """Repeat every pixel."""
    return np.repeat(np.repeat(picture, times, axis=0), times, axis=1)


def dim(pixels: Image) -> Image:
    """Grey and dark, so that colours on top are read easily."""
    light = rgb(pixels).astype(np.float64) @ (0.299, 0.587, 0.114)
    grey: Image = np.repeat((24 + 0.36 * light)[:, :, None], 3, axis=2).astype(np.uint8)
    return grey


def heat(values: npt.NDArray[Any]) -> Image:
    """Colour values of 0 to 1, (H, W) to (H, W, 3)."""
    at = np.clip(values, 0, 1) * (len(_HEAT) - 1)
    low = np.minimum(at.astype(np.int64), len(_HEAT) - 2)
    part = (at - low)[:, :, None]
    mixed: Image = np.rint(_HEAT[low] * (1 - part) + _HEAT[low + 1] * part).astype(np.uint8)
    return mixed


def font(size: int) -> Any:
    """Pillow's own font."""
    return ImageFont.load_default(size)


def squares(
    pixels: Image, boxes: npt.NDArray[np.int64], kinds: npt.NDArray[np.int64], names: Sequence[Kind]
) -> Image:
    """Draw squares over the dimmed picture, tinted and outlined by kind, with a legend.

    Parameters
    ----------
    pixels : (H, W, C) uint8
    boxes : (n, 3) int64
        Top, left and side; later ones cover earlier ones.
    kinds : (n,) int64
        Index into `names`.
    names : sequence of Kind
        Those without a square are left out of the legend.
    """
    height, width = pixels.shape[:2]
    times = magnification(height, width)
    base = magnify(dim(pixels), times)
    canvas = base.copy()
    seen = np.full((height, width), -1, np.int64)
    edge = max(times // 4, 1)
    for (top, left, side), kind in zip(boxes.tolist(), kinds.tolist(), strict=True):
        seen[top : top + side, left : left + side] = kind
        colour = np.array(names[kind].colour)
        inside = (
            slice(top * times, (top + side) * times),
            slice(left * times, (left + side) * times),
        )
        box, below = canvas[inside], base[inside]
        box[:] = (0.83 * below + 0.17 * colour).astype(np.uint8)
        box[:edge] = (0.3 * below[:edge] + 0.7 * colour).astype(np.uint8)
        box[:, :edge] = (0.3 * below[:, :edge] + 0.7 * colour).astype(np.uint8)
    entries = []
    for index, kind in enumerate(names):
        count, area = int((kinds == index).sum()), float((seen == index).mean())
        if count:
            entries.append((kind.colour, f"{kind.name}: {count} ({100 * area:.0f} % of the area)"))
    return under(canvas, entries)


def under(canvas: Image, entries: Sequence[tuple[Colour, str]]) -> Image:
    """Append a legend below a drawing: patches of colour and what they mean."""
    size = 18
    face = font(size)
    width = canvas.shape[1]
    places, x, y = [], 0, 8
    for colour, text in entries:
        needed = size + 6 + int(face.getlength(text))
        if x and x + needed > width:
            x, y = 0, y + size + 8
        places.append((x, y, colour, text))
        x += needed + 22
    strip = PILImage.new("RGB", (width, y + size + 6 if entries else 1), PAPER)
    pen = ImageDraw.Draw(strip)
    for x, y, colour, text in places:
        pen.rectangle((x, y + 1, x + size - 2, y + size - 1), fill=colour, outline=INK)
        pen.text((x + size + 5, y - 1), text, fill=INK, font=face)
    return np.concatenate([canvas, np.asarray(strip)])


def arrows(
    pixels: Image,
    sources: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.int64],
    names: Sequence[Kind],
) -> Image:
    """Draw arrows from squares to squares over the dimmed picture, the last on top.

    Parameters
    ----------
    pixels : (H, W, C) uint8
    sources, targets : (n, 3) int64
        Top, left and side.
    kinds : (n,) int64
        Index into `names`.
    names : sequence of Kind
    """
    height, width = pixels.shape[:2]
    times = magnification(height, width)
    smooth = 2 if times * times * height * width <= _FINE else 1
    unit = times * smooth
    shown = PILImage.fromarray(magnify(dim(pixels), unit))
    pen = ImageDraw.Draw(shown, "RGBA")
    thick = 2 * smooth
    for source, target, kind in zip(sources, targets, kinds.tolist(), strict=True):
        colour = names[kind].colour
        for (top, left, side), fill in ((source, 0), (target, 90)):
            corners = (left * unit, top * unit, (left + side) * unit - 1, (top + side) * unit - 1)
            pen.rectangle(corners, (*colour, fill), (*colour, 170 if fill else 110), smooth)
    for source, target, kind in zip(sources, targets, kinds.tolist(), strict=True):
        colour = names[kind].colour
        y0, x0 = (source[:2] + source[2] / 2) * unit
        y1, x1 = (target[:2] + target[2] / 2) * unit
        length = float(np.hypot(x1 - x0, y1 - y0))
        pen.ellipse((x0 - 2 * thick, y0 - 2 * thick, x0 + 2 * thick, y0 + 2 * thick), fill=colour)
        if length < 1:
            continue
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        head = min(6.0 * thick, length)
        bx, by = x1 - ux * head, y1 - uy * head
        side = 0.45 * head
        pen.line((x0, y0, bx, by), fill=(*colour, 230), width=thick)
        wings = [(x1, y1), (bx - uy * side, by + ux * side), (bx + uy * side, by - ux * side)]
        pen.polygon(wings, fill=colour, outline=(20, 20, 24))
    canvas = np.asarray(shown.reduce(smooth) if smooth > 1 else shown)
    entries = [(k.colour, f"{k.name}: {int((kinds == i).sum())}") for i, k in enumerate(names)]
    return under(canvas, entries)


def strip(pictures: Sequence[tuple[str, Image]], columns: int = 4) -> Image:
    """Put pictures of one size side by side, half as large as drawings, with captions above."""
    times = magnification(*pictures[0][1].shape[:2])
    shown = [
        PILImage.fromarray(magnify(picture, times // 2))
        if times > 1
        else PILImage.fromarray(picture).reduce(2)
        for _, picture in pictures
    ]
    (width, height), gap, bar = shown[0].size, 8, 27
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (columns * (width + gap) - gap, rows * (height + bar + gap) - gap)
    paper = PILImage.new("RGB", size, PAPER)
    pen, face = ImageDraw.Draw(paper), font(18)
    for i, (caption, _) in enumerate(pictures):
        x, y = i % columns * (width + gap), i // columns * (height + bar + gap)
        pen.text((x, y), caption, fill=INK, font=face)
        paper.paste(shown[i], (x, y + bar))
    return np.asarray(paper)


def sheet(panels: Sequence[tuple[str, Image]]) -> Image:
    """Lay panels out in rows under their titles, on paper as small as holds them."""
    margin, bar, size = 16, 38, 25
    face = font(size)
    widest = max(panel.shape[1] for _, panel in panels)
    # Two of the first panel fit side by side, or three if there are three; a strip has a row.
    columns = 3 if len(panels) == 3 else 2
    limit = max(widest, columns * panels[0][1].shape[1]) + columns * margin
    rows: list[list[tuple[str, Image]]] = [[]]
    used = 0
    for title, panel in panels:
        needed = max(panel.shape[1], int(face.getlength(title)))
        if rows[-1] and used + needed > limit:
            rows.append([])
            used = 0
        rows[-1].append((title, panel))
        used += needed + margin
    places, y, right = [], margin, 0
    for row in rows:
        x = margin
        for title, panel in row:
            places.append((x, y, title, panel))
            x += max(panel.shape[1], int(face.getlength(title)) + 1) + margin
        right = max(right, x)
        y += bar + max(panel.shape[0] for _, panel in row) + margin
    paper = PILImage.new("RGB", (right, y), PAPER)
    pen = ImageDraw.Draw(paper)
    for x, y, title, panel in places:
        pen.text((x, y), title, fill=INK, font=face)
        paper.paste(PILImage.fromarray(panel), (x, y + bar))
    return np.asarray(paper)
