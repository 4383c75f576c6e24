"""The decorator of all compiled kernels: Numba with a cache that cannot go stale.

Numba's cache asks only whether the file of the outermost function changed. Code inlined from
other modules (every codec inlines `shared.entropy`) would stay old after an edit or an
upgrade, and then decode to garbage. So the cache lives in a folder named after a digest of
all sources of the package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numba.core.config

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = ("shared", "codecs")


def _usable(folder: Path) -> bool:
    """Make a folder and find out by writing whether it holds files: rights alone do not tell."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError:
        return False
    return True


@cache
def _cache_folder() -> str | None:
    """Name the first folder that can hold compiled kernels; None if none can."""
    digest = hashlib.sha256(numba.__version__.encode())
    for folder in _FOLDERS:
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    name = f"fractour-{digest.hexdigest()[:16]}"
    beside = Path(__file__).resolve().parent / "__pycache__"
    for stale in beside.glob("fractour-*"):
        if stale.name != name:
            shutil.rmtree(stale, ignore_errors=True)
    if _usable(beside / name):
        return str(beside / name)
    # A read-only installation. Neither a home nor its name in the password file need exist.
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        if _usable(home / "fractour" / name):
            return str(home / "fractour" / name)
    except RuntimeError:
        pass
    try:
        return tempfile.mkdtemp(prefix="fractour-")
    except OSError:
        return None


class _Forgiving:
    """Numba's cache of one kernel, as an optimization: what fails is compiled anew.

    A disk may be full, and a power cut leaves files empty; neither is a reason not to decode.
    """

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def load_overload(self, *arguments: Any) -> Any:
        """Return what was compiled before; None if there is nothing, or nothing that is whole."""
        try:
            return self._kept.load_overload(*arguments)
        # Unpickling raises nearly anything on damaged files.
        except Exception:
            with contextlib.suppress(Exception):
                self._kept.flush()
            return None

    def save_overload(self, *arguments: Any) -> None:
        """Keep what was compiled, if there is room."""
        with contextlib.suppress(Exception):
            self._kept.save_overload(*arguments)


# Without Numba's reference counting kernels must not allocate, and run three times as fast:
# otherwise every array taken from a tuple is counted in and out, atomically, per decision.
# They touch nothing but their arguments, so they need not hold Python's lock.
_njit: Any = numba.njit  # its annotations do not know the options
_OPTIONS: dict[str, Any] = {"_nrt": False, "nogil": True}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile `function` with Numba on first use and keep the result for later processes.

    It may index and slice its arrays, but not make new ones.
    """
    return _compiled(function, _OPTIONS)


def in_any_order(function: Callable[..., Any]) -> Any:
    """Compile like `compiled`, but let floats be added in any order, several at once.

    The last bits of what comes out then differ between machines: for encoders alone.
    """
    return _compiled(function, {**_OPTIONS, "fastmath": {"reassoc", "contract", "nsz"}})


def _compiled(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    folder = _cache_folder()
    if folder is None:
        return _canonical(_njit(**options)(function))
    config: Any = numba.core.config
    before = config.CACHE_DIR
    config.CACHE_DIR = folder
    try:
        kernel = _njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = before
    if hasattr(kernel, "_cache"):  # under NUMBA_DISABLE_JIT it is the function itself
        kernel._cache = _Forgiving(kernel._cache)
    return _canonical(kernel)


def _canonical(kernel: Any) -> Any:
    """Let kernels hand integers of all sizes to `kernel` as int64: it is compiled once for all."""
    if not hasattr(kernel, "get_call_template"):  # under NUMBA_DISABLE_JIT
        return kernel
    types: Any = numba.types
    template = kernel.get_call_template

    def canonical(arguments: Any, named: Any) -> Any:
        integers = (types.Integer, types.Boolean, types.IntegerLiteral, types.BooleanLiteral)
        return template([types.int64 if isinstance(a, integers) else a for a in arguments], named)

    kernel.get_call_template = canonical
    return kernel


def inlined(function: Callable[..., Any]) -> Any:
    """Compile `function` into each of its callers, for the innermost loops.

    A call passes every array as seven machine words; inside a decision loop that costs more
    than the decision.
    """
    return _njit(inline="always", **_OPTIONS)(function)
