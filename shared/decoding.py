"""Decoding many files: entropy decoding on all cores, synthesis of many pictures at a time."""

from __future__ import annotations

import itertools
import operator
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from . import api
from .backend import get_array_module, is_numpy, to_numpy
from .errors import FractourError

BATCH_PIXELS = 1 << 26
"""Pixels that are on a device at once: with all intermediates about 60 bytes each."""
_WINDOW = 256
"""Files that are read before their pictures are made, at most."""
T = TypeVar("T")
R = TypeVar("R")


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], ahead: int
) -> Iterator[R]:
    """Map over threads in order, with no more than `ahead` results waiting."""
    source = iter(items)
    waiting: deque[Future[R]] = deque(
        pool.submit(work, one) for one in itertools.islice(source, ahead)
    )
    while waiting:
        found = waiting.popleft().result()
        for one in itertools.islice(source, 1):
            waiting.append(pool.submit(work, one))
        yield found


def _attempt(work: Callable[[], R]) -> R | Exception:
    # A damaged file must not stop the others, whatever it raises; bytes that are no bytes neither.
    try:
        return work()
    except (FractourError, TypeError) as error:
        return error


def _batches(read: Iterable[Any], pixels: int) -> Iterator[list[Any]]:
    """Gather what was read, until the pictures together have this many pixels."""
    batch: list[Any] = []
    total = 0
    for one in read:
        size = 0 if isinstance(one, Exception) else one[0].geometry.pixels
        if batch and (total + size > pixels or len(batch) == _WINDOW):
            yield batch
            batch, total = [], 0
        batch.append(one)
        total += size
    if batch:
        yield batch


def _synthesized(batch: Sequence[Any], xp: Any, scale: int) -> list[Any]:
    """Make the pictures of a batch, those of one codec and coded size together."""
    out: list[Any] = list(batch)
    groups: dict[Any, list[int]] = {}
    for i, one in enumerate(batch):
        if not isinstance(one, Exception):
            frame, codec, _ = one
            groups.setdefault((codec.name, frame.coded), []).append(i)
    for places in groups.values():
        codec, symbols = batch[places[0]][1], [batch[i][2] for i in places]
        pictures = _attempt(partial(codec.synthesize_many, symbols, xp=xp, scale=scale))
        for n, i in enumerate(places):
            if isinstance(pictures, Exception):
                out[i] = pictures
                continue
            frame = batch[i][0]
            picture = api.shown(frame, pictures[n], xp, scale=scale)
            out[i] = picture[:, :, 0] if frame.geometry.channels == 1 else picture
    return out


def decode_many(
    files: Iterable[bytes],
    *,
    backend: str = "numpy",
    scale: int = 1,
    max_pixels: int = api.MAX_PIXELS,
    on_device: bool = False,
    workers: int | None = None,
) -> Iterator[Any]:
    """Decode many ``.frc`` files, in order.

    Entropy decoding runs in threads, as many as there are cores (its kernels hold no lock). On
    NumPy each of them makes the pixels too; on CuPy pictures of one codec and size are made
    together, in few launches. Files are taken from `files` as pictures are taken from the result,
    so neither needs to fit into memory.

    Parameters
    ----------
    files : iterable of bytes
        What `fractour.decode` takes.
    backend : {"numpy", "cupy"}
    scale, max_pixels
        As for `fractour.decode`; the limit is of each picture.
    on_device : bool
        Give arrays of the backend as they are: on CuPy they stay on the device, and
        ``torch.from_dlpack`` takes them.
    workers : int, optional
        Threads; all cores by default.

    Yields
    ------
    ndarray or Exception
        (H, W) for grey, else (H, W, C), uint8; in the place of a file that cannot be decoded, the
        error that `fractour.decode` would raise.

    Raises
    ------
    BackendUnavailableError
        If the backend is not there.
    FractourError
        If `scale` is no positive number.
    """
    xp = get_array_module(backend)
    scale = operator.index(scale)
    if scale < 1:
        message = f"scale must be a positive integer, not {scale}"
        raise FractourError(message)
    threads = workers or os.cpu_count() or 1
    return _decoded(files, xp, scale, max_pixels, on_device, threads)


def _decoded(
    files: Iterable[bytes], xp: Any, scale: int, max_pixels: int, on_device: bool, threads: int
) -> Iterator[Any]:
    def read(data: bytes) -> Any:
        return _attempt(lambda: api.parse(data, scale=scale, max_pixels=max_pixels))

    def whole(data: bytes) -> Any:
        return _synthesized([read(data)], xp, scale)[0]

    with ThreadPoolExecutor(threads) as pool:
        if is_numpy(xp):
            yield from _in_order(pool, whole, files, 2 * threads)
            return
        limit = max(BATCH_PIXELS // scale**2, 1)
        for batch in _batches(_in_order(pool, read, files, 2 * threads), limit):
            for one in _synthesized(batch, xp, scale):
                yield one if on_device or isinstance(one, Exception) else to_numpy(one)


__all__ = ["BATCH_PIXELS", "decode_many"]
