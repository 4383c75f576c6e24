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
        folder = beside / name
        folder.mkdir(exist_ok=True)
        if os.access(folder, os.W_OK):
            return str(folder)
    except OSError:
        pass  # a read-only installation
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fractour"
    try:
        (home / name).mkdir(parents=True, exist_ok=True)
    except OSError:
        return tempfile.mkdtemp(prefix="fractour-")
    return str(home / name)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile `function` with Numba on first use and keep the result for later processes."""
    folder = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _cache_folder()
    try:
        return numba.njit(cache=True)(function)
    finally:
        numba.config.CACHE_DIR = folder
