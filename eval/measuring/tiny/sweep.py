"""Are tiny budgets kept, and used? ``python -m fractour.eval.measuring.tiny.sweep``.

From the least file that a format has to 600 bytes, for pictures of 1x1 to 4096x4096 pixels: every
file within its budget, decoded to the picture's shape, and at least 95 % of the bytes used wherever
more bytes would help. Ends with exit code 1 if not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....shared import api
from ....shared.conformance import sample_picture
from ....shared.errors import BudgetError

Image = npt.NDArray[np.uint8]

SHAPES = (
    (1, 1, 3),
    (1, 17, 1),
    (16, 16, 4),
    (61, 47, 3),
    (150, 220, 3),
    (512, 768, 3),
    (1100, 1700, 1),
    (4096, 4096, 3),
)
"""Height, width, channels of the wide sweep."""
BUDGETS = (*range(2, 64, 3), *range(64, 240, 16), 237, *range(260, 600, 40), 600)
USED, _SLACK = 0.95, 2
"""Part of a budget that is to be used; as good are all but so many bytes."""
_HELPS = 0.99
"""Part of the squared error that has to remain for a larger file to be no better."""


@dataclass(frozen=True)
class Step:
    """What came of one budget.

    Parameters
    ----------
    budget, size : int
        Bytes.
    error : float
        Mean squared error of the decoded picture.
    """

    budget: int
    size: int
    error: float

    @property
    def used(self) -> bool:
        """Whether the budget is used well enough."""
        return self.size >= min(USED * self.budget, self.budget - _SLACK)


def least(image: Image, codec: str, *, compact: bool = False) -> int:
    """Bytes of the smallest file that the format says it has."""
    smallest: int | None = 1
    # What is named is what was seen; a smaller budget may show a smaller one.
    while smallest is not None:
        try:
            return len(api.encode(image, codec=codec, budget=smallest, compact=compact))
        except BudgetError as error:
            smallest = error.smallest
    message = f"{codec} names no smallest file"
    raise BudgetError(message)


def sweep(image: Image, codec: str, budgets: Iterable[int], *, compact: bool = False) -> list[Step]:
    """Encode and decode an image at every budget that its least file fits into.

    Parameters
    ----------
    image : (H, W, C) uint8
    codec : str
    budgets : iterable of int
        Bytes; those below the least file are replaced by it.
    compact : bool
        Without checksum.
    """
    smallest = least(image, codec, compact=compact)
    found = []
    for budget in sorted({max(smallest, budget) for budget in budgets}):
        data = api.encode(image, codec=codec, budget=budget, compact=compact)
        shown = api.decode(data).reshape(image.shape).astype(np.int32)
        found.append(Step(budget, len(data), float(np.square(shown - image).mean())))
    return found


def faults(steps: Sequence[Step]) -> list[str]:
    """Say what is wrong with a sweep: budgets exceeded, or unused though more bytes would help."""
    wrong = []
    for at, step in enumerate(steps):
        if step.size > step.budget:
            wrong.append(f"{step.size} bytes for a budget of {step.budget}")
        better = min((later.error for later in steps[at + 1 :]), default=step.error)
        if not step.used and better < _HELPS * step.error:
            share = 100 * step.size / step.budget
            wrong.append(f"{step.size} of {step.budget} bytes ({share:.0f} %), more would help")
    return wrong


def _shape(text: str) -> tuple[int, int, int]:
    height, width, *rest = map(int, text.split("x"))
    return height, width, rest[0] if rest else 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep, print a line a picture and codec; return the exit code."""
    parser = argparse.ArgumentParser(prog="sweep", description=__doc__.splitlines()[0])
    parser.add_argument("--codec", default="tiles,wavelet", help="by commas")
    parser.add_argument("--shapes", type=_shape, nargs="+", default=SHAPES, metavar="HxW[xC]")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, metavar="N")
    parser.add_argument("--compact", action="store_true")
    chosen = parser.parse_args(arguments)
    failed = 0
    for shape in chosen.shapes:
        image = sample_picture(*shape)
        for codec in chosen.codec.split(","):
            steps = sweep(image, codec, chosen.budgets, compact=chosen.compact)
            wrong = faults(steps)
            failed += len(wrong)
            share = 100 * np.mean([step.size / step.budget for step in steps])
            said = "; ".join(wrong) or "ok"
            size = "x".join(map(str, shape))
            sys.stdout.write(
                f"{size} {codec}: {len(steps)} budgets from {steps[0].budget} bytes, "
                f"{share:.1f} % used, {said}\n"
            )
            sys.stdout.flush()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
