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


@contextmanager
def _listening(event: str, tell: Callable[[Any], None]) -> Iterator[None]:
    from numba.core import event as events

    class Listener(events.Listener):  # type: ignore[misc, unused-ignore]
        def on_start(self, event: Any) -> None:
            tell(event)

        def on_end(self, event: Any) -> None:
            pass

    listener = Listener()
    events.register(event, listener)
    try:
        yield
    finally:
        events.unregister(event, listener)


@contextmanager
def compilations(tell: Callable[[str], None]) -> Iterator[None]:
    """Call `tell` with the name of each kernel that is compiled inside the block.

    What `tell` raises ends the compilation.
    """

    def name(event: Any) -> None:
        tell(str(event.data["dispatcher"].py_func.__name__).strip("_").replace("_", " "))

    with _listening(_COMPILES, name):
        yield


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
