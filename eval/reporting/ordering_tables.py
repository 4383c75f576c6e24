"""How many orderings of `eval.judging.orderings` each measure holds, as tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...shared.error.smart_error import smart_error
from ...shared.errors import BackendUnavailableError
from ..judging import metrics, orderings
from ..judging.metrics import Image
from ..judging.orderings import Pair
from ..measuring.bench import in_turns, one_core
from ..tables import Cell, Table, number, word

Distance = Callable[[Image, Image], float]
"""Reference and decoded to a number; larger is worse."""


def mean_square_error(reference: Image, decoded: Image) -> float:
    """Mean squared difference over all samples, exact."""
    difference = reference.astype(np.int32) - decoded
    return float(np.square(difference).sum(dtype=np.int64)) / difference.size


def mean_absolute_error(reference: Image, decoded: Image) -> float:
    """Mean absolute difference over all samples, exact."""
    difference = reference.astype(np.int32) - decoded
    return float(np.abs(difference).sum(dtype=np.int64)) / difference.size


def _less(similarity: Callable[[Image, Image], float | None]) -> Distance:
    def distance(reference: Image, decoded: Image) -> float:
        value = similarity(reference, decoded)
        return math.nan if value is None else -value

    return distance


MEASURES: dict[str, Distance] = {
    "MSE": mean_square_error,
    "MAE": mean_absolute_error,
    "SSIM": _less(metrics.ssim),
    "MS-SSIM": _less(metrics.ms_ssim),
    "smart": smart_error,
}
"""Measures that are always there; the perceptual networks are added where installed."""


@dataclass(frozen=True)
class Held:
    """What one measure said of the pairs of one set.

    Parameters
    ----------
    measure : str
    which : str
        Name of the set.
    held : tuple of bool
        By pair; False also where the measure has no value.
    """

    measure: str
    which: str
    held: tuple[bool, ...]


def judge(distance: Distance, pairs: Sequence[Pair]) -> tuple[bool, ...]:
    """Tell of each pair whether the worse picture has strictly the larger error."""
    return tuple(
        distance(pair.reference, pair.worse) > distance(pair.reference, pair.better)
        for pair in pairs
    )


def measures(*, networks: bool = True) -> tuple[dict[str, Distance], list[str]]:
    """Return all measures that work here, and a note on each network that does not."""
    found, notes = dict(MEASURES), []
    if networks:
        from ..judging import perceptual_network

        for name in perceptual_network.LOADERS:
            try:
                found[name] = perceptual_network.load(name)
            except BackendUnavailableError as error:
                notes.append(f"not measured: {error}.")
    return found, notes


def _table(which: str, pairs: Sequence[Pair], results: Sequence[Held], notes: list[str]) -> Table:
    groups = [group for group in orderings.GROUPS if any(p.group == group for p in pairs)]
    members = {
        "all": list(range(len(pairs))),
        "essay": [at for at, pair in enumerate(pairs) if pair.essay],
        **{g: [at for at, pair in enumerate(pairs) if pair.group == g] for g in groups},
    }
    body = []
    for result in results:
        cells = [word(result.measure)]
        for name, places in members.items():
            n = sum(result.held[at] for at in places)
            share = n / len(places) if places else None
            text = f"{n} ({100 * n / len(places):.0f} %)" if name == "all" else str(n)
            cells.append(Cell(text, n, {"of": len(places), "share": share}))
        body.append(tuple(cells))
    titles = [f"{name} / {len(places)}" for name, places in members.items()]
    said = {
        "tuning": "The constants of the smart error were chosen on these pairs.",
        "unseen": "Other letters, fonts, photographs and warps, kept aside: measured only.",
    }[which]
    return Table(
        f"orderings_{which}",
        f"Orderings held, set {which}",
        ("measure", *titles),
        tuple(body),
        (
            f"Of two distortions of one picture the one that a reader would call worse must have "
            f"strictly the larger error. {said} essay: pairs that the project's essay names.",
            *notes,
        ),
    )


def judge_times(repeats: int = 7, shape: tuple[int, int] = (512, 768)) -> Table:
    """Time the measures that are always there on one colour picture, on one core.

    Parameters
    ----------
    repeats : int
        Measured calls of each, in turns; the median counts.
    shape : tuple of int
        Rows and columns.
    """
    generator = np.random.default_rng(0)
    pair = [generator.integers(0, 256, (*shape, 3), np.uint8) for _ in range(2)]
    with one_core() as pinned:
        times = in_turns(
            {name: lambda d=distance: d(*pair) for name, distance in MEASURES.items()}, repeats
        )
    return Table(
        "judge_times",
        f"Time to judge a colour picture of {shape[1]} x {shape[0]}",
        ("measure", "ms"),
        tuple((word(name), number(1e3 * seconds, 1)) for name, seconds in times.items()),
        (
            f"Median of {repeats} calls, in process, warm, in turns, "
            + ("on one core." if pinned else "not bound to a core."),
        ),
    )


def bench_smart(
    *,
    networks: bool = True,
    repeats: int = 7,
    progress: Callable[[float], None] | None = None,
) -> tuple[list[Table], list[str]]:
    """Measure all orderings with all measures, and how long the measures take.

    Parameters
    ----------
    networks : bool
        Perceptual networks too, where installed.
    repeats : int
        Measured calls of each measure, see `judge_times`.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    tables : list of Table
        One per set: measure by group, pairs held; then the times.
    missed : list of str
        Pairs that the smart error does not hold.
    """
    # First, while no network has started threads.
    times = judge_times(repeats)
    found, notes = measures(networks=networks)
    tables, missed = [], []
    steps = len(orderings.SETS) * (len(found) + 1)
    done = 0
    for which in orderings.SETS:
        pairs = orderings.pairs(which)
        done += 1
        results = []
        for name, distance in found.items():
            if progress is not None:
                progress(done / steps)
            results.append(Held(name, which, judge(distance, pairs)))
            done += 1
        smart = next(result for result in results if result.measure == "smart")
        missed += [
            f"{which}: {pair.name}"
            for pair, held in zip(pairs, smart.held, strict=True)
            if not held
        ]
        tables.append(_table(which, pairs, results, notes))
    if progress is not None:
        progress(1.0)
    return [*tables, times], missed
