"""Time to decode and encode, side by side with OpenJPEG in one run, as ratios.

Milliseconds belong to a machine and to what else it does at that moment; a ratio to a known
decoder, measured in turns with it on one core, travels. Everything is in process and warm.
"""

from __future__ import annotations

import contextlib
import math
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared import api
from ...shared.errors import BudgetError, FractourError
from ..tables import Cell, Table, count, number, word
from .anchors import ANCHORS, AnchorSearch, decode_anchor
from .measure import DEFAULTS, CodecSpec

REFERENCE = "jpeg2000"
Image = npt.NDArray[np.uint8]
Call = Callable[[], Any]


@contextlib.contextmanager
def one_core() -> Iterator[bool]:
    """Stay on one core, where the system allows it, threads started meanwhile included.

    Yields
    ------
    bool
        Whether it worked.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, before)


def in_turns(calls: dict[str, Call], repeats: int) -> dict[str, float]:
    """Median wall seconds of each call; they take turns, so a slow moment hits all of them.

    Parameters
    ----------
    calls : dict
        Each is made once before, unmeasured.
    repeats : int
        At least 1.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def _calls(spec: CodecSpec, image: Image, limit: int) -> tuple[Call, Call, int]:
    """Return the calls that encode and decode one file, and its bytes."""
    if spec.codec in ANCHORS:
        search = AnchorSearch(spec.codec, image)
        found = search.best(limit)
        if found is None:
            message = f"no {search.anchor.label} file has {limit} bytes or fewer"
            raise BudgetError(message, search.smallest())
        data, setting = found.data, found.setting
        return (
            lambda: search.encode_once(setting),
            lambda: decode_anchor(spec.codec, data),
            len(data),
        )

    def encode() -> bytes:
        return api.encode(image, codec=spec.codec, budget=limit, **(DEFAULTS | spec.config))

    data = encode()
    return encode, lambda: api.decode(data), len(data)


def _bench(
    images: Iterable[Any],
    codecs: Sequence[CodecSpec | str],
    bpp: float,
    repeats: int,
    which: int,
    progress: Callable[[float], None] | None,
) -> Table:
    verb = ("encode", "decode")[which]
    specs = [CodecSpec.parse(codec) if isinstance(codec, str) else codec for codec in codecs]
    if all(spec.codec != REFERENCE for spec in specs):
        specs.append(CodecSpec(REFERENCE))
    names = [spec.label for spec in specs]
    reference = next(n for n, spec in zip(names, specs, strict=True) if spec.codec == REFERENCE)
    pictures = list(images)
    if not pictures or repeats < 1 or not bpp > 0:
        message = "a benchmark needs at least one image, one repeat and a positive bpp"
        raise FractourError(message)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    sizes: dict[str, list[int]] = {name: [] for name in names}
    with one_core() as pinned:
        for at, image in enumerate(pictures):
            pixels = image.load()
            limit = int(bpp * pixels.shape[0] * pixels.shape[1] / 8)
            calls = {}
            for name, spec in zip(names, specs, strict=True):
                with contextlib.suppress(BudgetError):
                    *pair, size = _calls(spec, pixels, limit)
                    calls[name] = pair[which]
                    sizes[name].append(size)
            if reference not in calls:
                message = f"{image.name}: OpenJPEG does not reach {bpp:g} bpp; raise it"
                raise FractourError(message)
            medians = in_turns(calls, repeats)
            for name, seconds in medians.items():
                times[name].append((seconds, medians[reference]))
            if progress is not None:
                progress((at + 1) / len(pictures))
    body = []
    for name in names:
        found = times[name]
        if not found:
            body.append((word(name), count(0, len(pictures)), Cell("-"), Cell("-"), Cell("-")))
            continue
        ratio = math.fsum(mine for mine, _ in found) / math.fsum(base for _, base in found)
        body.append(
            (
                word(name),
                count(len(found), len(pictures)),
                number(math.fsum(sizes[name]) / len(found), 0),
                number(1e3 * math.fsum(mine for mine, _ in found) / len(found), 2),
                number(ratio, 2),
            )
        )
    return Table(
        f"bench_{verb}",
        f"Time to {verb} at {bpp:g} bits per pixel",
        ("codec", "images", "bytes", "ms", "x OpenJPEG"),
        tuple(body),
        (
            f"Mean over images of the median of {repeats} calls, in process, warm, in turns, "
            + ("on one core; " if pinned else "not bound to a core; ")
            + "the ratio is to OpenJPEG with a codestream of the same budget in the same run.",
        ),
    )


def bench_decode(
    images: Iterable[Any],
    codecs: Sequence[CodecSpec | str] = ("wavelet",),
    bpp: float = 0.2,
    repeats: int = 7,
    progress: Callable[[float], None] | None = None,
) -> Table:
    """Time decoding from bytes to an array of pixels.

    Parameters
    ----------
    images : iterable of CorpusImage
    codecs : sequence of CodecSpec or str
        OpenJPEG (``jpeg2000``) is added if it is not among them.
    bpp : float
        Budget, bits per pixel of the whole file.
    repeats : int
        Measured calls per image and codec, of which the median counts.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Table
        Columns codec, images (reached/all), bytes, ms, and the ratio to OpenJPEG.
    """
    return _bench(images, codecs, bpp, repeats, 1, progress)


def bench_encode(
    images: Iterable[Any],
    codecs: Sequence[CodecSpec | str] = ("wavelet",),
    bpp: float = 0.2,
    repeats: int = 3,
    progress: Callable[[float], None] | None = None,
) -> Table:
    """Time encoding to a budget; of an anchor one call at the setting that meets it.

    Parameters and result are those of `bench_decode`.
    """
    return _bench(images, codecs, bpp, repeats, 0, progress)
