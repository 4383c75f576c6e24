"""The CUDA C source of the windows, compiled as C++: the integers of Python, to the bit."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contour_layers import STEPS, some_layers
from fractour.codecs.contour.format import layout
from fractour.codecs.contour.synthesis import cuda, windows
from fractour.shared.conformance import ArrayPath

# What CUDA C has and C++ has not; a launch is a loop over blocks and threads.
SHIM = r"""
#define __global__
#define __device__
struct Place { int x, y; };
static Place blockIdx, threadIdx, blockDim, gridDim;
static int atomicAdd(int *at, int change) {
    const int before = *at;
    *at = (int)((unsigned)before + (unsigned)change);
    return before;
}
"""
LAUNCH = r"""
extern "C" void launch(const int *size, const long long *rows, const int *cosine, int *planes,
                       int height, int width) {
    gridDim = Place{size[0], size[1]};
    blockDim = Place{size[2], size[3]};
    for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
            for (threadIdx.y = 0; threadIdx.y < blockDim.y; threadIdx.y++)
                for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)
                    draw_windows(rows, cosine, planes, height, width);
}
"""


class Kernel:
    """Stands in for ``cupy.RawKernel``: the same arguments, run by the C++ build."""

    folder: Path
    built: list[Kernel]

    def __init__(self, source: str, name: str) -> None:
        assert name == cuda.NAME
        self.built.append(self)
        text, library = self.folder / "k.cpp", self.folder / "k.so"
        text.write_text(SHIM + source + LAUNCH)
        # Division by zero, overflow and shifts beyond the width would end the test run.
        check = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
        command = ["g++", "-O1", "-Wall", "-Werror", *check, "-shared", "-fPIC", "-o"]
        subprocess.run([*command, str(library), str(text)], check=True, timeout=120)
        self.launch = ctypes.CDLL(str(library)).launch

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], arguments: Any) -> None:
        assert block[0] * block[1] <= 1024
        size = np.array([*grid, *block], np.int32)
        passed = []
        for value, kind in zip(
            (size, *arguments),
            (np.int32, np.int64, np.int32, np.int32, np.int32, np.int32),
            strict=True,
        ):
            assert value.dtype == kind
            if isinstance(value, np.ndarray):
                assert value.flags.c_contiguous
                passed.append(ctypes.c_void_p(value.ctypes.data))
            else:
                passed.append(ctypes.c_int(int(value)))
        self.launch(*passed)


class KernelPath(ArrayPath):
    """NumPy in the guise of an array module with kernels."""

    RawKernel = Kernel


@pytest.fixture(scope="module")
def xp(tmp_path_factory: pytest.TempPathFactory) -> KernelPath:
    if shutil.which("g++") is None:
        pytest.skip("no g++ here")
    Kernel.folder, Kernel.built = tmp_path_factory.mktemp("kernel"), []
    cuda._kernel.cache_clear()
    return KernelPath()


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
    assert len(Kernel.built) == 1, "compiled once"


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
    (tmp_path / "k.cu").write_text(cuda.SOURCE)
    nvcc: Callable[..., Any] = subprocess.run
    words = ["nvcc", "--ptx", "-o", str(tmp_path / "k.ptx"), str(tmp_path / "k.cu")]
    ended = nvcc(words, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "k.ptx").read_text()
    assert f".visible .entry {cuda.NAME}(" in text
    # An atomic addition without a result is a reduction.
    assert ".global.add.s32" in text or ".global.add.u32" in text
