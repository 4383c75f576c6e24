"""Outlines of a picture at one step after the other, and what they leave to windows and tiles."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ....shared.tiles.analysis.spectra import Spectra, transform
from ....shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps
from ..format.outlines import MOST_SOFT, SOFT, VALUE, Outlines
from ..format.stream import initial_tables
from ..synthesis.coverage import FULL_LOG, coverage, draw
from .outlines import tracing
from .outlines.borders import Border, trace
from .outlines.regions import Regions, calm, segment
from .outlines.tables import gather
from .prices import node_prices

FloatArray = npt.NDArray[np.float32]

_CALM = 0.55
"""Part of the pixels that must be like their neighbours for a picture to be traced: drawings and
screens have 0.65 and more, photographs mostly less."""
_GRAIN, _INK, _FEW = 0.8, 40.0, 6
"""Others are smoothed so much (pixels), and traced if then no more than so many colours are so far
apart: ink on paper."""
_CHANCES, _CROWDED = 2, 60
"""Steps at which they may be of no use before outlines are given up; pixels that there must be for
each of their regions."""
_APART, _BEFORE = 24, 12
"""Steps up to which rings are taken over from others, and by which they are first fitted finer: a
second fit at another step takes error and bits together down by 2 to 5 %."""
_DRAWN, _BUSY = 0.8, 150
"""Part of the pixels from which a picture is surely drawn, and pixels that there must be for each
border of others, if there is no time to try."""


@dataclass(frozen=True)
class Outlined:
    """Outlines at a step.

    Parameters
    ----------
    outlines : Outlines
    gain, area : (r,) float64
        Squared error that each ring removes, in squared steps; pixels that it runs around.
    planes : list of (H, W) float32
        What the outlines leave.
    looked : int
        Regions that might have become rings.
    parents : (r,) int
        Ring that each lies in, or -1.
    """

    outlines: Outlines
    gain: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]
    planes: list[FloatArray]
    looked: int
    parents: npt.NDArray[np.intp]

    def subset(self, keep: npt.NDArray[np.bool_], planes: list[FloatArray]) -> Outlined:
        """Leave rings out, none of them without what lies in it.

        Parameters
        ----------
        keep : (r,) bool
        planes : list of (H, W) float32
            The picture.
        """
        outlines = self.outlines.subset(keep)
        number = np.where(keep, np.cumsum(keep) - 1, -1)
        parents = np.where(self.parents >= 0, number[self.parents], -1)[keep]
        rest = _left(planes, outlines)
        return Outlined(outlines, self.gain[keep], self.area[keep], rest, self.looked, parents)


def _left(planes: list[FloatArray], outlines: Outlines) -> list[FloatArray]:
    """What outlines leave of a picture."""
    drawn = np.zeros((len(planes), *planes[0].shape), np.int32)
    draw(np, outlines, drawn, 1)
    return [p - d.astype(np.float32) / np.float32(64) for p, d in zip(planes, drawn, strict=True)]


@dataclass
class Shapes:
    """What was traced of a picture so far.

    Parameters
    ----------
    planes : list of (H, W) float32
    regions : Regions
    borders : list of Border
    traced : dict
        Rings by step.
    found : dict
        Outlines by step; those that stay, once that is known.
    chances : int, optional
        Steps at which outlines may be of no use before they are given up.
    useless : int, optional
        Coarsest step at which they are known to be of no use beside tiles.
    """

    planes: list[FloatArray]
    regions: Regions
    borders: list[Border]
    traced: dict[int, tracing.Tracing] = field(default_factory=dict)
    found: dict[int, Outlined | None] = field(default_factory=dict)
    chances: int | None = None
    useless: int | None = None

    @classmethod
    def of(cls, planes: list[FloatArray], *, probe: bool = False) -> Shapes | None:
        """Find the regions of a picture; None if it is none of those that have any.

        Parameters
        ----------
        planes : list of (H, W) float32
        probe : bool
            Give up a picture that most likely is better without outlines: to trace it in vain
            would take most of a network's time.
        """
        flat = calm(planes)
        if flat >= _CALM:
            found = segment(planes)
            if len(found.colors) < 2:
                return None
            borders = trace(planes, found)
            if probe and flat < _DRAWN and _BUSY * len(borders) > planes[0].size:
                return None
            return cls(planes, found, borders)
        # Ink on paper: few colours that are far apart, under grain.
        from scipy import ndimage

        smooth = [ndimage.gaussian_filter(plane, _GRAIN) for plane in planes]
        if probe and len(segment([p[::2, ::2] for p in smooth], _INK).colors) > _FEW:
            return None
        found = segment(smooth, _INK)
        if not 2 <= len(found.colors) <= _FEW:
            return None
        borders = trace(smooth, found)
        if _CROWDED * len(borders) > planes[0].size:
            return None
        return cls(planes, found, borders, chances=_CHANCES)

    def at(self, step: int, steps: npt.NDArray[np.int64]) -> Outlined | None:
        """Trace the picture at a step, unless that has been done; None if no ring pays."""
        if step not in self.found:
            if self.chances is not None and self.chances < 1:
                return None
            self.found[step] = self._trace(step, steps)
        return self.found[step]

    def least(self, steps: npt.NDArray[np.int64]) -> list[FloatArray]:
        """What all borders together would leave of the picture, drawn as finely as they are."""
        rest = tracing.begin(self.planes, self.regions, self.borders, steps).residual
        return list(rest * (steps / 65536.0).astype(np.float32)[:, None, None])

    def _trace(self, step: int, steps: npt.NDArray[np.int64]) -> Outlined | None:
        prices = node_prices(initial_tables())
        # Those of the next finer step, else of the next coarser one.
        near = min(self.traced, key=lambda at: (at > step, abs(at - step)), default=None)
        if near is None or abs(near - step) > _APART:
            near = max(step - _BEFORE, 0)
            fine = component_steps(near, NEUTRAL_CHROMA, len(steps))
            self.traced[near] = tracing.fit(self.planes, self.regions, self.borders, fine, prices)
        if step not in self.traced:
            self.traced[step] = tracing.adapt(
                self.traced[near], self.planes, self.regions, steps, prices
            )
        traced = self.traced[step]
        outlines, order = gather(traced)
        if not order:
            return None
        _soften(outlines, traced.residual, steps)
        gain = np.array([traced.gain(traced.rings[i]) for i in order])
        area = np.array([float(traced.rings[i].area) for i in order])
        row = {number: i for i, number in enumerate(order)}
        parents = np.array([row.get(traced.rings[i].parent, -1) for i in order])
        rest = _left(self.planes, outlines)
        return Outlined(outlines, gain, area, rest, len(self.borders), parents)


def _soften(outlines: Outlines, residual: FloatArray, steps: npt.NDArray[np.int64]) -> None:
    """Choose how soft the edges of each fill are, by the error that is left; in place."""
    sizes = steps / 65536.0
    for k, fill in enumerate(outlines.fills):
        fill[SOFT] = MOST_SOFT
        wide, top, left = coverage(outlines, k, residual.shape[1:], 1)
        fill[SOFT] = 0
        inside = (slice(top, top + wide.shape[0]), slice(left, left + wide.shape[1]))
        value = (fill[VALUE : VALUE + len(sizes)] / sizes).astype(np.float32)
        along = np.tensordot(value, residual[:, *inside], axes=1)
        square = float((value * value).sum())
        sharp, least = _placed(outlines, k, residual.shape[1:], inside), 0.0
        for soft in range(1, MOST_SOFT + 1):
            before = int(fill[SOFT])
            fill[SOFT] = soft
            change = sharp - _placed(outlines, k, residual.shape[1:], inside)
            error = float((change * (square * change + 2.0 * along)).sum())
            if error >= least:
                fill[SOFT] = before
                break
            least = error


def _placed(
    outlines: Outlines, fill: int, shape: tuple[int, ...], inside: tuple[slice, slice]
) -> FloatArray:
    """Coverage of a fill in a part of the picture that holds all of it, 0 to 1."""
    cover, top, left = coverage(outlines, fill, (shape[0], shape[1]), 1)
    out = np.zeros([s.stop - s.start for s in inside], np.float32)
    top, left = top - inside[0].start, left - inside[1].start
    out[top : top + cover.shape[0], left : left + cover.shape[1]] = cover
    return out / np.float32(1 << FULL_LOG)


def spectra_of(planes: list[FloatArray], like: Spectra) -> Spectra:
    """Transform what outlines leave; errors and colours are those of the picture."""
    found = transform(planes)
    return replace(like, coefficients=found.coefficients, planes=tuple(planes), found={})
