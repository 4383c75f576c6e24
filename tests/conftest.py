"""What all tests share: the command line in process, small pictures, the repository's root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from places import ROOT

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", parent=settings.get_profile("dev"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    raw: bytes

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def root() -> Path:
    """Root of the repository, which is the package."""
    return ROOT


@pytest.fixture
def cli(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Ended]:
    """Run ``fractour ARGUMENTS`` in this process."""
    from fractour.eval.cli import run

    def call(*arguments: object) -> Ended:
        capfdbinary.readouterr()
        code = run([str(argument) for argument in arguments])
        sys.stdout.flush()
        raw, err = capfdbinary.readouterr()
        return Ended(code, raw.decode(errors="replace"), err.decode(), raw)

    return call


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a process of its own, far from the repository's folder."""

    def call(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **{"cwd": ROOT.anchor, **options},
        )

    return call


@pytest.fixture
def picture() -> np.ndarray:
    """A picture with smooth parts, an edge and some grain, (48, 64, 3) uint8."""
    row, column = np.mgrid[:48, :64]
    grain = (row * 7919 + column * 104729) % 13
    planes = (4 * row + grain, 3 * column + grain, np.where(row > column, 200, 60) + grain)
    return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.fixture
def cut(picture: np.ndarray) -> bytes:
    """A 256x192 file that ends inside its second packet."""
    import fractour

    data = fractour.encode(np.tile(picture, (4, 4, 1)), budget=4000)
    facts = fractour.info(data)
    first, second, *_ = facts["packets"]
    assert second > 1
    return data[: facts["overhead_bytes"] + first + second // 2]
