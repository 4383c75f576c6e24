"""The smallest file that reaches a smart error: the content decides how many bytes it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .codec import Progress
from .encoding import AnyScale
from .error.smart_error import picture_and_alpha_error
from .errors import BudgetError
from .fitting import Fitted
from .picture.invisible import as_seen

_START_BPP = 0.2
_TRIES = 24
_RESOLUTION = 1.01
"""The search ends when the greatest budget that failed is this close below the best file."""
_BELOW = (0.975, 0.95, 0.925)
"""Parts of the best file at which smaller ones are looked for in the end."""


@dataclass(frozen=True)
class _Try:
    limit: int
    file: Fitted
    error: float

    @property
    def size(self) -> int:
        return len(self.file.data)


class _Search:
    def __init__(self, encoding: AnyScale, progress: Progress | None) -> None:
        self.encoding, self.progress = encoding, progress
        self.tries: list[_Try] = []

    def attempt(self, limit: int) -> _Try:
        """Encode to `limit` bytes, decode the real file, judge it."""
        file = self.encoding.file(limit)
        seen = as_seen(self.encoding.image, self.encoding.picture(file.data))
        error = picture_and_alpha_error(*seen)
        found = _Try(limit, file, error)
        self.tries.append(found)
        if self.progress:
            self.progress(1 - 0.8 ** len(self.tries))
        return found

    def lower(self, best: _Try, target: float) -> _Try | None:
        """Look a little below `best` for a file that keeps the target too."""
        for part in _BELOW:
            try:
                found = self.attempt(int(part * best.size))
            except BudgetError:
                return None
            if found.error <= target:
                return found
        return None

    def guess(self, target: float, low: int, high: int) -> int:
        """Where the error meets `target` on a line through the two nearest tries, in logarithms."""
        middle = math.log(low * high) / 2
        pair = sorted(self.tries, key=lambda t: abs(math.log(max(t.error, 1e-9) / target)))[:2]
        if len(pair) == 2:
            (x, y), (u, v) = ((math.log(t.limit), math.log(max(t.error, 1e-9))) for t in pair)
            if x != u and (v - y) / (u - x) < -1e-3:
                middle = x + (math.log(target) - y) * (u - x) / (v - y)
        # Never so close to an end that the interval hardly shrinks.
        edge = 0.1 * math.log(high / low)
        middle = min(max(middle, math.log(low) + edge), math.log(high) - edge)
        return min(max(round(math.exp(middle)), low + 1), high - 1)


def smallest_file(encoding: AnyScale, target: float, *, progress: Progress | None = None) -> Fitted:
    """Write the smallest file found whose decoded picture has at most the smart error `target`.

    Budgets are bisected (by secants in logarithms); every one tried is a real file, decoded
    and judged, so the target is kept. The error does not fall steadily with the bytes, where a
    codec changes its step; so a few percent below what bisection ends at are tried too. That no
    smaller file keeps the target is still not certain.

    Parameters
    ----------
    encoding : AnyScale
    target : float
        Positive; see `shared.error.smart_error`. Alpha is judged as a grey picture of its own.
    progress : callable, optional
        Called with the fraction done.

    Raises
    ------
    BudgetError
        If no file of the codec reaches the target; names the best error reached.
    """
    search = _Search(encoding, progress)
    pixels = encoding.geometry.pixels
    ceiling = 2 * encoding.image.size + 1024  # more than any codec can use
    low, high = 0, ceiling
    limit = max(64, int(_START_BPP * pixels / 8))
    best: _Try | None = None
    for _ in range(_TRIES):
        try:
            found = search.attempt(limit)
        except BudgetError as error:
            # The smallest file there is; if that is good enough it is the answer.
            if error.smallest is None or error.smallest <= limit:
                raise
            low, limit = limit, error.smallest
            continue
        if found.error <= target:
            if best is None or found.size < best.size:
                best = found
            high = min(high, found.size)
        else:
            low = max(low, found.limit)
            if found.size < limit // 2 and best is None:
                break  # the finest the codec has, and it does not fill the budget
        if high <= max(low + 1, int(low * _RESOLUTION)):
            break
        if best is None:
            limit = min(4 * low, ceiling)
            if low >= ceiling:
                break
        elif low == 0:
            limit = max(1, high // 4)
        else:
            limit = search.guess(target, low, high)
    lower = best
    while lower is not None:
        best = lower
        lower = search.lower(best, target)
    if progress:
        progress(1.0)
    if best is None:
        nearest = min(search.tries, key=lambda t: t.error)
        message = (
            f"codec {encoding.codec.name!r} does not reach a smart error of {target:g} on this "
            f"picture; the best it reaches is {nearest.error:.4g}, with {nearest.size} bytes"
        )
        raise BudgetError(message)
    return best.file
