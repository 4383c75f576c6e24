"""Hitting a number of bytes: which quantizer step, how strict, and what is cut.

Written once for all codecs: the step is searched so that little has to be cut, and where a codec
weighs bits, how strictly it does so fills what is left between two steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from . import container
from .budget import DEFAULT_RANK, RANKS, select
from .codec import Codec, Geometry, Progress, Proposal
from .errors import BudgetError

BoolArray = npt.NDArray[np.bool_]

_LENGTHS_TRIED = 6
_SECANTS_TRIED = 8
_AIMS_TRIED = 4
_ENOUGH = 0.985
"""Part of the limit that is used well enough."""
_WITHIN, _WITHIN_SEARCH = 0.06, 0.35
"""Logarithm of size over limit from which strictness makes a proposal fit. The search comes from
the finest step that fits; it is far from the limit only where the next is of another making."""
_LOST = 0.22
"""Logarithm of size over limit at which a quick aim has missed."""
_YIELD = 0.27
"""How the size falls with strictness, in logarithms, about."""
_SAME = 1e-6
"""Logarithms of strictness that are as good as equal."""
_UNUSED, _UNUSED_QUICK = (-0.005, 0.001), (-0.008, 0.004)
"""Logarithm of size over limit that is close enough."""
_ADJUSTMENTS, _ADJUSTMENTS_SEARCH = 3, 5
TINY, _ENOUGH_TINY = 640, 0.97
"""Bytes up to which one element more or less leaves much unused, and the part that is enough."""
_AROUND = (1, -1, 2, -2, 3, 4)
"""Steps beside that of the best tiny file at which another may fill the limit better."""


@dataclass(frozen=True)
class Fitted:
    """A file, and how many there were of what it was chosen from.

    Parameters
    ----------
    data : bytes
    survivors : int
        Elements that are in the file.
    proposal : Proposal
        What they were chosen from.
    """

    data: bytes
    survivors: int
    proposal: Proposal = field(repr=False)

    @property
    def candidates(self) -> int:
        """Elements that the codec looked at for this file, see `Proposal`."""
        return max(self.proposal.looked, len(self.proposal))


@dataclass(frozen=True)
class _Try:
    file: Fitted
    distortion: float


class _Fitter:
    """One image, one codec, one limit: what was proposed and written so far."""

    def __init__(
        self,
        codec: Codec,
        analysis: object,
        geometry: Geometry,
        limit: int,
        rank: str,
        quick: bool,
        progress: Progress | None,
        near: Proposal | None,
        form: container.Form,
    ) -> None:
        self.form = form
        self.codec, self.analysis, self.geometry = codec, analysis, geometry
        self.limit, self.rank, self.progress = limit, rank, progress
        self.quick, self.near = quick, near
        self.rather_cut_by: tuple[str, ...] = ()
        self.best: _Try | None = None
        self.smallest: int | None = None
        self.largest = 0
        self._sizes: dict[int, float] = {}
        self._recent: dict[int, Proposal] = {}

    @property
    def full(self) -> bool:
        """Whether there was a file that uses the limit well enough."""
        return self.largest >= _ENOUGH * self.limit

    def propose(self, step: int) -> Proposal:
        """Propose at `step`; the two most recent proposals are kept."""
        if step not in self._recent:
            while len(self._recent) > 1:
                self._recent.pop(next(iter(self._recent)))
            analysis = self.analysis
            near = next(reversed(self._recent.values()), self.near)
            if self.quick and near is not None:
                analysis = self.codec.near(analysis, near)
            self._recent[step] = self.codec.propose(analysis, step)
            if self.progress:
                self.progress(min(0.95, 0.3 + 0.07 * len(self._sizes)))
        return self._recent[step]

    def size(self, step: int) -> float:
        """Estimate the file size at `step` with every candidate kept, bytes."""
        if step not in self._sizes:
            proposal = self.propose(step)
            bits = proposal.overhead_bits + float(proposal.bits.sum())
            frame = container.overhead_bytes(
                self.geometry, [int(bits / 8) + 1], number=self.codec.number, form=self.form
            )
            self._sizes[step] = bits / 8 + frame
        return self._sizes[step]

    def enough(self, step: int, excess: float) -> bool:
        """Whether what is left over or lacking at `step` can be cut, or made up for."""
        proposal = self.propose(step)
        if abs(excess) >= self.codec.slack(self.analysis, proposal):
            return False
        return excess > 0 or self.codec.strict(self.analysis, 1.0, proposal) is not None

    def bracket(self) -> int:
        """Find the finest step whose file, everything kept, is estimated to fit.

        One near it will do where proposals take long.
        """
        low, high = -1, self.codec.steps  # low is too fine, high fits (or is out of range)
        step = min(max(self.codec.first_step(self.analysis, self.limit), 0), high - 1)
        previous = None
        while high - low > 1:
            excess = math.log(self.size(step) / self.limit)
            if excess > 0:
                low = step
            else:
                high = step
            if self.enough(step, excess):
                return step
            # Sizes fall about exponentially with the step; two points give the slope.
            slope = -10.0 / self.codec.steps
            if previous is not None and previous[0] != step:
                slope = min(-1e-3, (excess - previous[1]) / (step - previous[0]))
            previous = (step, excess)
            guess = round(step - excess / slope + (0.5 if excess <= 0 else -0.5))
            # A far too fine step is slow to price, unless a picture is flat.
            reach = self.codec.steps // (6 if len(self.propose(step)) else 2)
            guess = max(step - reach, min(step + reach, guess))
            if len(self._sizes) > _SECANTS_TRIED:
                guess = (low + high) // 2  # sizes that do not follow the rule
            step = min(max(guess, low + 1), high - 1)
        return high

    def aim(self) -> None:
        """Propose what just fits or a little more, as few times as possible, and cut it."""
        if self.near is None:
            step = self.codec.first_step(self.analysis, self.limit)
        else:
            step = self.near.step
        step = min(max(step, 0), self.codec.steps - 1)
        tried: dict[int, float] = {}
        surplus, least = self.codec.surplus(self.analysis), math.log(_ENOUGH)
        if self.codec.strict(self.analysis, 1.0) is not None:
            surplus, least = _WITHIN, -_WITHIN
        for _ in range(_AIMS_TRIED):
            tried[step] = math.log(self.size(step) / self.limit)
            if least <= tried[step] <= surplus:
                break
            slope = -10.0 / self.codec.steps
            if len(tried) > 1:
                (x, y), (u, v) = list(tried.items())[-2:]
                slope = min((v - y) / (u - x), slope / 8)
            guess = round(step - (tried[step] - (surplus + least) / 2) / slope)
            guess = min(max(guess, 0), self.codec.steps - 1)
            if guess in tried:
                break
            step = guess
        nearest = min(tried, key=lambda at: abs(tried[at]))
        if abs(tried[nearest]) > _LOST:
            return  # sizes that do not follow the rule: the search will find the step
        if abs(tried[nearest]) <= _WITHIN and self.adjust(self.propose(nearest)):
            return
        # More than a few elements go; contrast alone would take large faint ones first.
        self.rather_cut_by = ("rd",)
        over = [at for at in tried if tried[at] >= 0]
        under = [at for at in tried if -surplus <= tried[at] < 0]
        if over:
            self.cut(self.propose(max(over)))
        if under or not over:
            self.cut(self.propose(min(under or tried)))

    def adjust(self, proposal: Proposal, whole: int | None = None) -> bool:
        """Propose so strictly, or leniently, that the file fits without a cut, about.

        Parameters
        ----------
        proposal : Proposal
        whole : int, optional
            Size of its file with every candidate kept, if that has been written.

        Returns
        -------
        bool
            Whether there was something to adjust; files have been written then.
        """
        if self.codec.strict(self.analysis, 1.0, proposal) is None:
            return False
        whole = self.write_whole(proposal) if whole is None else whole
        least, most = _UNUSED_QUICK if self.quick else _UNUSED
        aim, fall = (least + most) / 2, _YIELD
        within = _WITHIN if self.quick else _WITHIN_SEARCH
        known = [(0.0, math.log(whole / self.limit), proposal)]
        for _ in range(_ADJUSTMENTS if self.quick else _ADJUSTMENTS_SEARCH):
            known.sort(key=lambda one: abs(one[1] - aim))
            at, excess, nearest = known[0]
            if abs(excess) > within or least <= excess <= most:
                break
            ahead = at + (excess - aim) / fall
            # Two of the same side may lead to the same place again and again.
            beyond = [one for one in known if (one[1] > aim) != (excess > aim)]
            for u, v, _ in [*known[1:2], *beyond[:1]]:
                fall = min(max((v - excess) / (at - u), _YIELD / 4), _YIELD * 4)
                ahead = at + (excess - aim) / fall
                if all(abs(ahead - one[0]) > _SAME for one in known):
                    break
            at = ahead
            strict = self.codec.near(self.codec.strict(self.analysis, math.exp(at)), nearest)
            found = self.codec.propose(strict, proposal.step)
            known.append((at, math.log(self.write_whole(found) / self.limit), found))
            if known[-1][1] == excess:  # bits are not what decides here
                return False
        over = [one for one in known if one[1] > 0]
        if over and not self.full:
            _, excess, nearest = min(over, key=lambda one: one[1])
            self.cut(nearest, round(self.limit * math.exp(excess)))
        return True

    def search(self) -> None:
        """Write files at the finest step that fits whole, and around it."""
        self._search()
        if self.best is not None and self.limit <= TINY and not self.quick:
            self._around(self.best.file.proposal.step)

    def _around(self, step: int) -> None:
        """Adjust proposals at other steps, until the best file uses the limit."""
        for other in (step + offset for offset in _AROUND):
            used = 0 if self.best is None else len(self.best.file.data)
            if used >= min(_ENOUGH_TINY * self.limit, self.limit - 1):
                return
            if 0 <= other < self.codec.steps and not self.adjust(self.propose(other)):
                return

    def _search(self) -> None:
        step = min(self.bracket(), self.codec.steps - 1)
        proposal = self.propose(step)
        whole = self.cut(proposal)
        slack = self.codec.slack(self.analysis, proposal)
        if (self.adjust(proposal, whole) or slack) and self.full:
            return
        if whole > self.limit:
            while whole > self.limit and step + 1 < self.codec.steps:
                step += 1
                whole = self.cut(self.propose(step))
        else:
            while whole <= self.limit and step > 0:
                step -= 1
                whole = self.cut(self.propose(step))
        if self.best is None:
            self.cut(self.propose(self.codec.steps - 1))

    def write(self, proposal: Proposal, keep: BoolArray) -> int:
        """Write a file; remember it if it is the best that fits. Return its size."""
        packets = self.codec.write(proposal, keep)
        data = container.pack(
            self.codec.number, self.codec.version, self.geometry, packets, form=self.form
        )
        size = len(data)
        if size <= self.limit:
            self.largest = max(self.largest, size)
            distortion = proposal.residual + float(proposal.gain[~keep].sum())
            if self.best is None or distortion < self.best.distortion:
                file = Fitted(data, int(keep.sum()), proposal)
                self.best = _Try(file, distortion)
        elif self.smallest is None or size < self.smallest:
            self.smallest = size
        return size

    def write_whole(self, proposal: Proposal) -> int:
        """Write a file with every candidate kept; see `write`."""
        return self.write(proposal, np.ones(len(proposal), np.bool_))

    def cut(self, proposal: Proposal, whole: int | None = None) -> int:
        """Write the file of `proposal`, candidates cut so that it fills the limit from below.

        Parameters
        ----------
        proposal : Proposal
        whole : int, optional
            What is returned, if that file has been written.

        Returns
        -------
        int
            Size that the file has with every candidate kept, bytes.
        """
        whole = self.write_whole(proposal) if whole is None else whole
        if whole <= self.limit:
            return whole
        for rank in dict.fromkeys((self.rank, *self.codec.also_cut_by, *self.rather_cut_by)):
            self._cut_by(proposal, whole, rank)
        if self.best is None:
            self.write(proposal, np.zeros(len(proposal), np.bool_))
        return whole

    def _cut_by(self, proposal: Proposal, size: int, rank: str) -> None:
        """Write `proposal`, whose whole file has `size` bytes, cut to the limit by one rule."""
        total = float(proposal.bits.sum())
        fixed = max(0.0, 8.0 * size - total)
        low, high = 0.0, total
        target = 8.0 * self.limit - fixed
        sizes: dict[bytes, int] = {}
        for _ in range(_LENGTHS_TRIED):
            target = min(max(target, low), high)
            keep = select(proposal, target, rank=rank)
            cut = keep.tobytes()
            if cut not in sizes:
                sizes[cut] = self.write(proposal, keep)
            size = sizes[cut]
            if size <= self.limit:
                low = target
                if size >= self.limit - max(2, self.limit // 1000):
                    break
            else:
                high = target
            spent = float(proposal.bits[keep].sum())
            aim = spent + 8.0 * (self.limit - size) - 4.0
            target = aim if low < aim < high else (low + high) / 2
            if not keep.any() and size > self.limit:
                break


def fit(
    codec: Codec,
    analysis: object,
    geometry: Geometry,
    limit: int,
    *,
    rank: str = DEFAULT_RANK,
    quick: bool = False,
    progress: Progress | None = None,
    near: Proposal | None = None,
    form: container.Form = container.DEFAULT_FORM,
) -> Fitted:
    """Write the best file of at most `limit` bytes.

    The step is searched with priced proposals alone. From there on real files decide. Where a
    codec weighs bits, the finest step that fits whole is proposed again so leniently that it
    fills the limit. Else the next finer step is cut to the limit by `select`. Of all files
    that fit, the one with the least estimated error is returned.

    With `quick` there are as few proposals as possible, from a guess of the step on, or `near` a
    proposal for about the same file: each begins from the last, and what fits closely is taken.

    Raises
    ------
    BudgetError
        If nothing fits; names the smallest size that was seen to be possible.
    """
    if rank not in RANKS:
        message = f"unknown ranking rule {rank!r}; there is {', '.join(RANKS)}"
        raise BudgetError(message)
    if limit < 1:
        message = f"the budget is {limit} bytes; the smallest useful one is about 64 bytes"
        raise BudgetError(message, 64)
    fitter = _Fitter(codec, analysis, geometry, limit, rank, quick, progress, near, form)
    if quick:
        fitter.aim()
    if not fitter.full:
        fitter.search()
    if progress:
        progress(1.0)
    if fitter.best is None:
        message = (
            f"{limit} bytes are too few for this {geometry.width} x {geometry.height} picture "
            f"with codec {codec.name!r}; the smallest file possible has {fitter.smallest} bytes"
        )
        raise BudgetError(message, fitter.smallest)
    return fitter.best.file
