"""Outlines and waves of layers as curves, in pixels, for pictures that explain a file.

Nothing normative, and in floats: the integers that draw a layer are in `synthesis`.
A point is (x, y), with the corner of the picture at (0, 0) and the middle of its first pixel at
(1/2, 1/2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..format.layout import (
    ACROSS,
    ANGLE,
    ASPECT,
    BUCKET,
    COMP,
    EXTRA,
    FINE,
    FREQUENCY,
    LEFT,
    MORE,
    PAIRS,
    PHASE,
    SCALE,
    TOP,
    UNIT,
    amplitude_of,
    radii,
)
from ..format.outlines import (
    CORNER,
    DOWN,
    PHASES,
    RIGHT,
    SOURCE,
    VALUE,
    W_DOWN,
    W_PHASE,
    W_RIGHT,
    WAVE,
    WAVE_FIELDS,
    WAVES,
    Outlines,
)
from ..format.outlines import LEFT as RING_LEFT
from ..format.outlines import TOP as RING_TOP
from ..format.stream import Ground, Symbols

Layer = npt.NDArray[np.int32]
Points = npt.NDArray[np.float64]
"""(n, 2): x, y."""

CONTOUR, REPEAT, WINDOW = "contour", "repeat", "window"
RIM = 0.6
"""Where a window's outline is drawn, in radii: the rest is below a quarter of its peak."""
_REACH = 0.45
"""Largest swing of a wave, relative to the outline's extent sideways."""
_PER_CYCLE = 24
_AROUND = 64


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


def frame(layer: Layer) -> Frame:
    """Find where a layer lies."""
    major, minor = radii(int(layer[SCALE]), int(layer[ASPECT]))
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
        out.append(np.asarray(local @ at.axes + (at.x, at.y)))
    return out


def window_outline(layer: Layer) -> Points:
    """Closed line around a window, where it fades."""
    turn = np.linspace(0.0, 2 * np.pi, _AROUND + 1)
    return frame(layer).place(RIM * np.cos(turn), RIM * np.sin(turn))


def ring_nodes(outlines: Outlines, ring: int) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Nodes of a ring, and which of them are corners."""
    nodes, row = outlines.nodes_of(ring), outlines.rings[ring]
    points = (nodes[:, [RIGHT, DOWN]] + row[[RING_LEFT, RING_TOP]]) / float(UNIT)
    return points, nodes[:, CORNER] > 0


def ring_outline(points: Points, corners: npt.NDArray[np.bool_]) -> Points:
    """Closed line through the curve of a ring's nodes."""
    middles = (points + np.roll(points, -1, axis=0)) / 2
    out = [middles[-1:]]
    t = np.linspace(0.0, 1.0, 7)[1:, None]
    for i, node in enumerate(points):
        start, end = middles[i - 1], middles[i]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * node + t * t * end
        out.append(np.stack([node, end]) if corners[i] else curve)
    return np.concatenate(out)


def ring_waves(fill: Layer, points: Points) -> list[Points]:
    """Lines that swing as the harmonics inside an outline do, through its middle."""
    low, high = points.min(axis=0), points.max(axis=0)
    size, middle = np.maximum(high - low, 1e-6), (low + high) / 2
    out = []
    for wave in fill[WAVE:].reshape(-1, WAVE_FIELDS)[: fill[WAVES]]:
        rate = np.array([wave[W_RIGHT], wave[W_DOWN]]) / size
        length = float(np.hypot(*rate))
        if not length:
            continue
        way = rate / length
        half = 0.5 / float(np.abs(way / size).max())
        tau = np.linspace(-1.0, 1.0, int((length * half + 2) * _PER_CYCLE) + 1)
        place = middle + way * (tau * half)[:, None]
        turn = np.pi * ((place - low) * rate).sum(axis=1) + 2 * np.pi * wave[W_PHASE] / PHASES
        swing = min(_REACH * float(size.min()) / 2, half / max(length * half, 0.5))
        height = swing * np.cos(turn) * (1 - tau * tau)
        out.append(place + np.array([-way[1], way[0]]) * height[:, None])
    return out


@dataclass(frozen=True)
class Element:
    """A layer as it is shown.

    Parameters
    ----------
    kind : str
        `CONTOUR`, `REPEAT` or `WINDOW`.
    outline : (n, 2) float64
        Closed.
    waves : list of (n, 2) float64
    row : int
        In the table of rings, or of windows.
    facts : str
    """

    kind: str
    outline: Points
    waves: list[Points]
    row: int
    facts: str


def elements(symbols: Symbols) -> Iterator[Element]:
    """All layers of a file in its order: rings, then windows."""
    ground = symbols.ground
    outlines = ground.outlines
    owners = outlines.owners()
    total = len(outlines.rings) + len(ground.layers)
    for i in range(len(outlines.rings)):
        fill = outlines.fills[owners[i]]
        points, corners = ring_nodes(outlines, i)
        value = fill[VALUE : VALUE + ground.geometry.channels].tolist()
        facts = [f"contrast {max(abs(v) for v in value)}", f"adds {value}", f"{len(points)} nodes"]
        if fill[WAVES]:
            facts.append(f"{fill[WAVES]} harmonics")
        if i < len(symbols.ring_bits):
            facts.append(f"{symbols.ring_bits[i]:.0f} bits")
        repeat = outlines.rings[i, SOURCE] >= 0
        if repeat:
            facts.append(f"repeats layer {outlines.rings[i, SOURCE] + 1}")
        kind = REPEAT if repeat else CONTOUR
        text = f"{kind}, rank {i + 1} of {total}, " + ", ".join(facts)
        yield Element(kind, ring_outline(points, corners), ring_waves(fill, points), i, text)
    for i, layer in enumerate(ground.layers):
        yield _window(ground, i, layer, len(outlines.rings) + i + 1, total)


def _window(ground: Ground, i: int, layer: Layer, rank: int, total: int) -> Element:
    at = frame(layer)
    step = int(ground.steps[layer[COMP]])
    contrast = amplitude_of(int(layer[BUCKET]), int(layer[FINE]), step) / 64.0
    text = (
        f"{WINDOW}, rank {rank} of {total}, contrast {contrast:.1f}, "
        f"radii {at.major:.1f} and {at.minor:.1f} pixels, {len(harmonics(layer))} harmonics"
    )
    return Element(WINDOW, window_outline(layer), waves(layer), i, text)
