"""Kernels in CUDA C: compiled once, launched through an array module that has them.

The sources are plain enough that a C++ compiler takes them too: no shared memory, no barriers, so
that threads may run one after the other. Where there is no GPU the tests build them so and compare
with NumPy, integer by integer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

_MOST = 65535
_ALIGNED = 256
"""Bytes, as what is allocated on a device is aligned."""

PREAMBLE = r"""
typedef long long word;

static __device__ word least(word a, word b) { return a < b ? a : b; }
static __device__ word most(word a, word b) { return a > b ? a : b; }
static __device__ word bounded(word a, word low, word high) { return most(low, least(a, high)); }
static __device__ word magnitude(word a) { return a < 0 ? -a : a; }

/* a / b rounded down, b > 0; CUDA C rounds to zero, and shifts negative numbers as Python does */
static __device__ word floor_div(word a, word b) {
    word q = a / b;
    return a % b < 0 ? q - 1 : q;
}
"""


def has_kernels(xp: Any) -> bool:
    """Tell whether an array module takes CUDA C."""
    return getattr(xp, "RawKernel", None) is not None


def constants(values: Mapping[str, int]) -> str:
    """Declare names for a kernel's source."""
    return "enum { " + ", ".join(f"{name} = {value}" for name, value in values.items()) + " };\n"


def table(kind: str, name: str, values: Iterable[Any]) -> str:
    """Declare a constant table for a kernel's source; `kind` is the C type of its values."""
    return f"static __device__ const {kind} {name}[] = {{{', '.join(map(str, values))}}};\n"


@cache
def _kernel(raw_kernel: Any, source: str, name: str) -> Any:
    return raw_kernel(PREAMBLE + source, name)


def launch(
    xp: Any,
    source: str,
    name: str,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    *arguments: Any,
) -> None:
    """Run a kernel; nothing happens on an empty grid.

    Parameters
    ----------
    xp : module
        See `has_kernels`.
    source : str
        CUDA C that comes after `PREAMBLE`.
    name : str
        Of the kernel.
    grid, block : tuple of int
        Blocks, and threads of a block. More than 65535 rows of blocks there are not: kernels go
        on by ``gridDim.y``.
    arguments : array or int
        Contiguous arrays of `xp`; integers arrive as 32-bit ones.
    """
    if not all(grid):
        return
    passed = tuple(np.int32(a) if isinstance(a, int) else a for a in arguments)
    grid = (*grid[:1], *(min(size, _MOST) for size in grid[1:2]), *grid[2:])
    _kernel(xp.RawKernel, source, name)(grid, block, passed)


def rows_of(count: int, threads: int) -> int:
    """Blocks of so many threads that `count` places need."""
    return -(-count // threads)


def together(xp: Any, arrays: Sequence[Any]) -> list[Any]:
    """Bring arrays of any types to the device in one copy: each copy takes its time anew."""
    ends = np.cumsum([-(-array.nbytes // _ALIGNED) * _ALIGNED for array in arrays]).tolist()
    starts = [0, *ends[:-1]]
    whole = np.empty(ends[-1], np.uint8)
    for start, array in zip(starts, arrays, strict=True):
        flat = np.ascontiguousarray(array).reshape(-1)
        whole[start : start + array.nbytes] = flat.view(np.uint8)
    there = xp.asarray(whole)
    return [
        there[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        if array.nbytes
        else xp.empty(array.shape, array.dtype)
        for start, array in zip(starts, arrays, strict=True)
    ]
