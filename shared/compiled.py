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
    """Name the first folder that can hold compiled kernels; None if none can.

    ``FRACTOUR_CACHE`` names one to be tried first.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for folder in _FOLDERS:
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    name = f"fractour-{digest.hexdigest()[:16]}"
    asked = os.environ.get("FRACTOUR_CACHE")
    if asked and _usable(Path(asked) / name):
        return str(Path(asked) / name)
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
_UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


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
    kernel = _dispatcher(function, options, "")
    if not hasattr(kernel, "get_call_template"):  # under NUMBA_DISABLE_JIT: the function itself
        return kernel
    # Other kernels call a twin. It takes integers of all sizes as int64, so that it is compiled
    # once for all of them, and needs no way in from Python, which takes as long to compile as a
    # small function. Its files lie apart, since Numba would not tell the two from each other.
    types: Any = numba.types
    integers = types.Integer, types.Boolean

    @cache
    def called() -> Any:
        return _dispatcher(function, {**options, **_UNWRAPPED}, "called")

    def template(arguments: Any, named: Any) -> Any:
        canonical = [types.int64 if isinstance(a, integers) else a for a in arguments]
        return called().get_call_template(canonical, named)

    kernel.get_call_template = template
    kernel.get_overload = lambda signature: called().get_overload(signature)
    return kernel


def _dispatcher(function: Callable[..., Any], options: dict[str, Any], corner: str) -> Any:
    """Make what compiles `function` on its first call; its files lie in a corner of the cache."""
    folder = _cache_folder()
    if folder is None:
        return _njit(**options)(function)
    config: Any = numba.core.config
    before = config.CACHE_DIR
    config.CACHE_DIR = os.path.join(folder, corner)
    try:
        kernel = _njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = before
    if hasattr(kernel, "_cache"):
        kernel._cache = _Forgiving(kernel._cache)
    return kernel


def inlined(function: Callable[..., Any]) -> Any:
    """Compile `function` into each of its callers, for the innermost loops.

    Each copy takes Numba as long as a kernel of its own, so only where it makes code faster.
    """
    return _njit(inline="always", **_OPTIONS)(function)
