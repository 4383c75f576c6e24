"""Outlines and waves of layers as curves, in pixels, for pictures that explain a file.

Nothing normative, and in floats: the integers that draw a layer are in `windows` and `curves`.
A point is (x, y), with the corner of the picture at (0, 0) and the middle of its first pixel at
(1/2, 1/2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..format.layout import (
    ACROSS,
    ANGLE,
    CONTOUR,
    CUT,
    CUTS,
    EXTRA,
    FREQUENCY,
    KIND,
    LEFT,
    MORE,
    PAIRS,
    PHASE,
    SCALE,
    STROKE,
    TOP,
    UNIT,
    radii,
    radius_of,
)
from ..format.layout import ASPECT as ASPECT_FIELD
from ..synthesis.curves import MOST_POINTS
from ..synthesis.curves import outline as integer_outline
from ..synthesis.curves import path as integer_path
from ..synthesis.windows import COSINES

Layer = npt.NDArray[np.int32]
Points = npt.NDArray[np.float64]
"""(n, 2): x, y."""

RIM = 0.6
"""Where a window's outline is drawn, in radii: the rest is below a quarter of its peak."""
_FINE = 720
_REACH = 0.45
"""Largest swing of a wave, relative to the outline's extent sideways."""
_PER_CYCLE = 24


@dataclass(frozen=True)
class Frame:
    """Where a layer lies.

    Parameters
    ----------
    x, y : float
        Centre, pixels.
    major, minor : float
        Radii, pixels.
    angle : float
        Of the major radius, radians, from x towards y.
    """

    x: float
    y: float
    major: float
    minor: float
    angle: float

    @property
    def axes(self) -> Points:
        """Unit vectors along the major and the minor radius, rows of (2, 2)."""
        c, s = float(np.cos(self.angle)), float(np.sin(self.angle))
        return np.array([[c, s], [-s, c]])

    def place(self, u: Points, v: Points) -> Points:
        """Points at coordinates that are 1 at the radii."""
        uv = np.stack([u * self.major, v * self.minor], axis=-1)
        return np.asarray(uv @ self.axes + (self.x, self.y))


@dataclass(frozen=True)
class Arc:
    """Part of a window's ellipse, from one angle to another, radians in (u, v)."""

    start: float
    end: float


@dataclass(frozen=True)
class Bend:
    """Part of a cut's parabola: b = offset + bend a^2 along a direction, from a to a in radii."""

    direction: float
    offset: float
    bend: float
    start: float
    end: float

    def at(self, a: Points) -> tuple[Points, Points]:
        """Coordinates (u, v) of places along it."""
        return _turned(a, self.offset + self.bend * a * a, self.direction)

    @property
    def control(self) -> tuple[float, float]:
        """(u, v) of the middle control point: a parabola is a quadratic Bezier curve."""
        u, v = _turned(
            np.array((self.start + self.end) / 2),
            np.array(self.offset + self.bend * self.start * self.end),
            self.direction,
        )
        return float(u), float(v)


def _turned(a: Points, b: Points, direction: float) -> tuple[Points, Points]:
    c, s = np.cos(direction), np.sin(direction)
    return a * c - b * s, a * s + b * c


def frame(layer: Layer) -> Frame:
    """Find where a layer lies."""
    major, minor = radii(int(layer[SCALE]), int(layer[ASPECT_FIELD]))
    return Frame(
        int(layer[LEFT]) / UNIT,
        int(layer[TOP]) / UNIT,
        major / UNIT,
        minor / UNIT,
        int(layer[ANGLE]) * np.pi / 64,
    )


def strength(count: int) -> npt.NDArray[np.float64]:
    """How boldly to draw each of so many layers in falling contrast, 0 to 1, (count,) float64.

    By rank, not by contrast: that of the first is often far above all others.
    """
    return 1.0 - 0.75 * min(count / 300.0, 1.0) * np.arange(count) / max(count, 1)


def _cuts(layer: Layer) -> list[Bend]:
    out = []
    for i in range(int(layer[CUTS])):
        direction, offset, _, bend = layer[CUT + 4 * i : CUT + 4 * i + 4].tolist()
        out.append(Bend(direction * np.pi / 8, offset / 8, bend / 4, -RIM, RIM))
    return out


def _kept(cuts: list[Bend], u: Points, v: Points) -> npt.NDArray[np.bool_]:
    """Whether points lie on the side of all cuts that stays."""
    inside = np.ones(np.shape(u), np.bool_)
    for cut in cuts:
        a, b = _turned(u, v, -cut.direction)
        inside &= b > cut.offset + cut.bend * a * a
    return inside


def _runs(inside: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2) if b - a > 1]


def window_pieces(layer: Layer) -> list[Arc | Bend]:
    """Outline of a window: its ellipse, or what the cuts leave of it, and the cuts."""
    cuts = _cuts(layer)
    if not cuts:
        return [Arc(0.0, 2 * np.pi)]
    out: list[Arc | Bend] = []
    turn = np.arange(_FINE) * 2 * np.pi / _FINE
    inside = _kept(cuts, RIM * np.cos(turn), RIM * np.sin(turn))
    if inside.all():
        out.append(Arc(0.0, 2 * np.pi))
    elif inside.any():
        # Begin outside, so that no run goes across the start.
        start = int(np.flatnonzero(~inside)[0])
        for first, last in _runs(np.roll(inside, -start)):
            out.append(Arc(*((start + k) * 2 * np.pi / _FINE for k in (first, last))))
    for i, cut in enumerate(cuts):
        along = np.linspace(-RIM, RIM, _FINE)
        u, v = cut.at(along)
        others = cuts[:i] + cuts[i + 1 :]
        for first, last in _runs((u * u + v * v < RIM * RIM) & _kept(others, u, v)):
            ends = float(along[first]), float(along[last])
            out.append(Bend(cut.direction, cut.offset, cut.bend, *ends))
    return out


def _line(piece: Arc | Bend, at: Frame) -> Points:
    if isinstance(piece, Arc):
        count = max(int((piece.end - piece.start) * 15), 3)
        turn = np.linspace(piece.start, piece.end, count)
        return at.place(RIM * np.cos(turn), RIM * np.sin(turn))
    return at.place(*piece.at(np.linspace(piece.start, piece.end, 24)))


def _points(layer: Layer, tracer: object) -> Points:
    room = np.zeros((MOST_POINTS, 2), np.int64)
    count = int(tracer(layer, 1, room, COSINES))  # type: ignore[operator]
    return room[:count, ::-1] / 256.0


def contour_points(layer: Layer) -> Points:
    """Points of a closed contour, the last repeats the first."""
    return _points(layer, integer_outline)


def stroke_points(layer: Layer) -> Points:
    """Points of a stroke's path: ends, the middle of the first step, four on each corner."""
    return _points(layer, integer_path)


def stroke_radius(layer: Layer) -> float:
    """Half a stroke's width, pixels."""
    return float(radius_of(2 * int(layer[SCALE]) - 2)) / UNIT


def outlines(layer: Layer) -> list[Points]:
    """Lines that outline a layer; of a stroke its middle line."""
    if layer[KIND] == STROKE:
        return [stroke_points(layer)]
    if layer[KIND] == CONTOUR:
        return [contour_points(layer)]
    at = frame(layer)
    return [_line(piece, at) for piece in window_pieces(layer)]


def harmonics(layer: Layer) -> list[tuple[int, int, int, float]]:
    """Wave numbers along and across, phase, and amplitude relative to the layer's first.

    What does not swing is no harmonic: it fills the outline evenly.
    """
    out = [(0, ACROSS[int(layer[FREQUENCY])], int(layer[PHASE]), 1.0)]
    for i in range(int(layer[MORE])):
        pair, phase, drop = layer[EXTRA + 3 * i : EXTRA + 3 * i + 3].tolist()
        out.append((*PAIRS[pair], phase, 2.0 ** (-drop / 2)))
    return [wave for wave in out if wave[0] or wave[1]]


def waves(layer: Layer) -> list[Points]:
    """Lines that swing as the harmonics of a layer do, each along its carrier, up to the rim."""
    at = frame(layer)
    size = np.array([at.major, at.minor])
    cuts = _cuts(layer)
    out = []
    for along, across, phase, amplitude in harmonics(layer):
        carrier = np.array([along, across]) / size
        carrier /= np.hypot(*carrier)
        sideways = np.array([-carrier[1], carrier[0]])
        half = RIM / float(np.hypot(*(carrier / size)))
        swing = RIM / float(np.hypot(*(sideways / size))) * _REACH * amplitude
        unit = carrier * half / size
        cycles = abs(along * unit[0] + across * unit[1]) / 2
        # Neither a straight line nor a comb: a wave is seen as one if it is as high as it is long.
        swing = min(swing, half / max(cycles, 0.5))
        tau = np.linspace(-1, 1, int((cycles + 2) * _PER_CYCLE) + 1)
        turn = (along * unit[0] + across * unit[1]) * tau * np.pi / 2 + phase * np.pi / 32
        height = swing * np.cos(turn) * (1 - tau * tau)
        local = carrier * (tau * half)[:, None] + sideways * height[:, None]
        line = np.asarray(local @ at.axes + (at.x, at.y))
        if not cuts:
            out.append(line)
            continue
        kept = _kept(cuts, local[:, 0] / at.major, local[:, 1] / at.minor)
        out += [line[first : last + 1] for first, last in _runs(kept)]
    return out
