"""The decorator of all compiled kernels: Numba with a cache that cannot go stale.

Numba's cache asks only whether the file of the outermost function changed. Code inlined from
other modules (every codec inlines `shared.entropy`) would stay old after an edit or an
upgrade, and then decode to garbage. So the cache lives in a folder named after a digest of
all sources of the package.
"""

from __future__ import annotations

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


@cache
def _cache_folder() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for folder in _FOLDERS:
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    name = f"fractour-{digest.hexdigest()[:16]}"
    beside = Path(__file__).resolve().parent / "__pycache__"
    try:
        beside.mkdir(exist_ok=True)
        for stale in beside.glob("fractour-*"):
            if stale.name != name:
                shutil.rmtree(stale, ignore_errors=True)
        own = beside / name
        own.mkdir(exist_ok=True)
        if os.access(own, os.W_OK):
            return str(own)
    except OSError:
        pass  # a read-only installation
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fractour"
    try:
        (home / name).mkdir(parents=True, exist_ok=True)
    except OSError:
        return tempfile.mkdtemp(prefix="fractour-")
    return str(home / name)


# Without Numba's reference counting kernels must not allocate, and run three times as fast:
# otherwise every array taken from a tuple is counted in and out, atomically, per decision.
_njit: Any = numba.njit  # its annotations do not know the options
_OPTIONS: dict[str, Any] = {"_nrt": False}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile `function` with Numba on first use and keep the result for later processes.

    It may index and slice its arrays, but not make new ones.
    """
    config: Any = numba.core.config
    before = config.CACHE_DIR
    config.CACHE_DIR = _cache_folder()
    try:
        return _njit(cache=True, **_OPTIONS)(function)
    finally:
        config.CACHE_DIR = before


def inlined(function: Callable[..., Any]) -> Any:
    """Compile `function` into each of its callers, for the innermost loops.

    A call passes every array as seven machine words; inside a decision loop that costs more
    than the decision.
    """
    return _njit(inline="always", **_OPTIONS)(function)
