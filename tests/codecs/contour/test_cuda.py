"""The CUDA C source of the windows, compiled as C++: the integers of Python, to the bit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contour_layers import STEPS, some_layers
from fractour.codecs.contour.format import base, layout
from fractour.codecs.contour.format.stream import Ground
from fractour.codecs.contour.synthesis import cuda, windows
from fractour.codecs.contour.synthesis.reconstruction import render_ground
from fractour.shared.codec import Geometry
from fractour.shared.conformance import ArrayPath
from fractour.shared.parallel.kernels import PREAMBLE
from kernels import Kernel, KernelPath, kernel_path


@pytest.fixture(scope="module")
def xp(tmp_path_factory: pytest.TempPathFactory) -> KernelPath:
    return kernel_path(tmp_path_factory.mktemp("kernel"))


@pytest.mark.parametrize(("seed", "scale"), [(1, 1), (2, 1), (3, 2), (4, 3)])
def test_kernel_draws_the_same(xp: KernelPath, seed: int, scale: int) -> None:
    height, width = 50 + 17 * seed, 120 - 9 * seed
    layers = some_layers(np.random.default_rng(seed), 250, height, width)
    # Some as large and as strong as the format has them: sums that wrap.
    layers[:20, layout.SCALE] = 15
    layers[:20, layout.BUCKET] = 0
    one, other = np.full((2, 3, height * scale, width * scale), (1 << 31) - 99, np.int32)
    windows.draw(layers, STEPS, scale, one)
    rows = windows.prepared(layers, STEPS, scale)
    cuda.draw_windows(xp, rows, other, scale)
    assert len(np.unique(one)) > 100
    assert one.min() < 0
    np.testing.assert_array_equal(one, other)
    assert Kernel.built == [cuda.NAME], "compiled once"


@pytest.mark.parametrize("scale", [1, 3])
def test_grounds_of_many_pictures(xp: KernelPath, scale: int) -> None:
    """Bases of all cells or none, and windows, each in the planes of its picture."""
    rng = np.random.default_rng(scale)
    geometry, grounds = Geometry(75, 150, 3), []
    for code in (3, 0, 1, 2, 1):
        levels = rng.integers(-9000, 9000, (3, *base.shape_of(75, 150, code))).astype(np.int32)
        layers = some_layers(rng, 20 * code, 75, 150)
        grounds.append(Ground(geometry, STEPS, code, levels, layers))
    found = np.full((5, 3, 75 * scale, 150 * scale), 7, np.int32)
    cuda.render_grounds(xp, grounds, found, scale)
    for ground, planes in zip(grounds, found, strict=True):
        np.testing.assert_array_equal(planes, render_ground(np, ground, scale) + 7)


def test_nothing_to_draw(xp: KernelPath) -> None:
    planes = np.zeros((3, 4, 4), np.int32)
    cuda.draw_windows(xp, np.zeros((0, windows.PREPARED), np.int64), planes, 1)
    assert not planes.any()


def test_without_kernels_the_array_loop_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def loop(*arguments: Any) -> None:
        seen.append(arguments)

    monkeypatch.setattr(windows, "draw_arrays", loop)
    rows, planes, plain = np.zeros((1, windows.PREPARED), np.int64), np.zeros(1), ArrayPath()
    cuda.draw_windows(plain, rows, planes, 2)
    assert seen == [(plain, rows, planes, 2)]


@pytest.mark.slow
def test_nvcc_takes_the_source(tmp_path: Path) -> None:
    if shutil.which("nvcc") is None:
        pytest.skip("no nvcc here")
    (tmp_path / "k.cu").write_text(PREAMBLE + cuda.SOURCE)
    nvcc: Callable[..., Any] = subprocess.run
    words = ["nvcc", "--ptx", "-o", str(tmp_path / "k.ptx"), str(tmp_path / "k.cu")]
    ended = nvcc(words, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "k.ptx").read_text()
    assert f".visible .entry {cuda.NAME}(" in text
    # An atomic addition without a result is a reduction.
    assert ".global.add.s32" in text or ".global.add.u32" in text
