"""Compilers beside the clock: what Numba makes is told, and never counts as time of a codec."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

_COMPILES = "numba:compile"
# Taken to compile a kernel and also to load one from the cache, which lasts milliseconds.
_MAKES_READY = "numba:compiler_lock"


class Spent:
    """Seconds that a compiler took, kernels inside kernels counted once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0
        self._started = 0.0

    def start(self) -> None:
        """Begin a kernel, maybe inside another."""
        if self._depth == 0:
            self._started = time.perf_counter()
        self._depth += 1

    def end(self) -> None:
        """End the kernel that was begun last."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._started


@contextmanager
def _listening(event: str, tell: Callable[[Any], None]) -> Iterator[Spent]:
    from numba.core import event as events

    spent = Spent()

    class Listener(events.Listener):  # type: ignore[misc, unused-ignore]
        def on_start(self, event: Any) -> None:
            spent.start()
            tell(event)

        def on_end(self, event: Any) -> None:
            spent.end()

    listener = Listener()
    events.register(event, listener)
    try:
        yield spent
    finally:
        events.unregister(event, listener)


@contextmanager
def compilations(tell: Callable[[str], None]) -> Iterator[Spent]:
    """Call `tell` with the name of each kernel that is compiled inside the block.

    What `tell` raises ends the compilation.

    Yields
    ------
    Spent
        What compiling took so far.
    """

    def name(event: Any) -> None:
        tell(str(event.data["dispatcher"].py_func.__name__).strip("_").replace("_", " "))

    with _listening(_COMPILES, name) as spent:
        yield spent


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """Return what `call` gives, and the seconds it takes when every kernel is ready.

    A call during which a kernel was compiled or loaded is made once more: warming up on a part
    of a picture need not reach every kernel that the whole one asks for.
    """
    made: list[Any] = []
    with _listening(_MAKES_READY, made.append):
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
    if made:
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
    return result, seconds
