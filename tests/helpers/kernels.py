"""CUDA C built as C++: kernels run on the CPU, a thread after the other."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fractour.shared.conformance import ArrayPath

# What CUDA C has and C++ has not; a launch is a loop over blocks and threads.
SHIM = r"""
#include <math.h>
#define __global__
#define __device__
struct Place { int x, y, z; };
static Place blockIdx, threadIdx, blockDim, gridDim;
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(8) short4 { short x, y, z, w; };
static unsigned __byte_perm(unsigned a, unsigned b, unsigned chosen) {
    const unsigned long long all = (unsigned long long)b << 32 | a;
    unsigned out = 0;
    for (int i = 0; i < 4; i++)
        out |= (unsigned)(all >> (chosen >> 4 * i & 7) * 8 & 255) << 8 * i;
    return out;
}
static unsigned __vmaxs2(unsigned a, unsigned b) {
    const short low = (short)a > (short)b ? (short)a : (short)b;
    const short high = (short)(a >> 16) > (short)(b >> 16) ? (short)(a >> 16) : (short)(b >> 16);
    return (unsigned)(unsigned short)high << 16 | (unsigned short)low;
}
static unsigned __vmins2(unsigned a, unsigned b) {
    const short low = (short)a < (short)b ? (short)a : (short)b;
    const short high = (short)(a >> 16) < (short)(b >> 16) ? (short)(a >> 16) : (short)(b >> 16);
    return (unsigned)(unsigned short)high << 16 | (unsigned short)low;
}
static int __dp2a_lo(int a, int b, int c) {
    return c + (short)a * (signed char)b + (short)(a >> 16) * (signed char)(b >> 8);
}
static int __dp2a_hi(int a, int b, int c) { return __dp2a_lo(a, b >> 16, c); }
static int atomicAdd(int *at, int change) {
    const int before = *at;
    *at = (int)((unsigned)before + (unsigned)change);
    return before;
}
"""
LAUNCH = r"""
extern "C" void launch(const int *sizes_%(parameters)s) {
    gridDim = Place{sizes_[0], sizes_[1], sizes_[2]};
    blockDim = Place{sizes_[3], sizes_[4], sizes_[5]};
    for (blockIdx.z = 0; blockIdx.z < gridDim.z; blockIdx.z++)
      for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
          for (threadIdx.y = 0; threadIdx.y < blockDim.y; threadIdx.y++)
            for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)
              %(name)s(%(arguments)s);
}
"""
KINDS = {
    "float": np.float32,
    "double": np.float64,
    "word": np.int64,
    "int": np.int32,
    "short": np.int16,
    "signed char": np.int8,
    "unsigned char": np.uint8,
}


class Kernel:
    """Stands in for ``cupy.RawKernel``: the same arguments, run by the C++ build."""

    folder: Path
    built: list[str]

    def __init__(self, source: str, name: str) -> None:
        text = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
        found = re.search(rf'extern "C" __global__ void {name}\(([^)]*)\)', text)
        assert found, name
        declared = [" ".join(one.split()) for one in found[1].split(",")]
        self.parameters = []
        for one in declared:
            kind, pointer = re.sub(r"^const |\w+$", "", one).strip(), "*" in one
            self.parameters.append((KINDS[kind.replace("*", "").strip()], pointer))
        self.name, at = name, len(self.built)
        self.built.append(name)
        file, library = self.folder / f"{at}.cpp", self.folder / f"{at}.so"
        words = {
            "parameters": "".join(", " + one for one in declared),
            "arguments": ", ".join(re.findall(r"\w+$", one)[0] for one in declared),
            "name": name,
        }
        file.write_text(SHIM + source + LAUNCH % words)
        # Division by zero, overflow and shifts beyond the width would end the test run.
        check = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
        warn = ["-Wall", "-Werror", "-Wno-unused-function", "-Wno-unknown-pragmas"]
        command = ["g++", "-O1", *warn, *check, "-shared", "-fPIC", "-o"]
        subprocess.run([*command, str(library), str(file)], check=True, timeout=120)
        self.launch = ctypes.CDLL(str(library)).launch

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], arguments: Any) -> None:
        assert np.prod(block) <= 1024
        assert all(0 < n <= 65535 for n in grid[1:]), grid
        ones = (1, 1, 1)
        size = np.array([*(*grid, *ones)[:3], *(*block, *ones)[:3]], np.int32)
        passed: list[Any] = [ctypes.c_void_p(size.ctypes.data)]
        for value, (kind, pointer) in zip(arguments, self.parameters, strict=True):
            assert value.dtype == kind, (self.name, value.dtype, kind)
            assert isinstance(value, np.ndarray) == pointer, self.name
            if pointer:
                assert value.flags.c_contiguous, self.name
                passed.append(ctypes.c_void_p(value.ctypes.data))
            else:
                passed.append(ctypes.c_int(int(value)))
        self.launch(*passed)


class KernelPath(ArrayPath):
    """NumPy in the guise of an array module with kernels."""

    RawKernel = Kernel


def kernel_path(folder: Path) -> KernelPath:
    """Make one that builds in `folder`; skip the test where there is no compiler."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ here")
    from fractour.shared.parallel import kernels

    kernels._kernel.cache_clear()
    Kernel.folder, Kernel.built = folder, []
    return KernelPath()
