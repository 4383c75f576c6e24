"""All kernels, built as C++, give the pixels of NumPy: golden files, batches, every scale."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fractour.shared import api
from fractour.shared.conformance import sample_picture
from fractour.shared.parallel.kernels import constants, has_kernels, launch, rows_of, together
from fractour.shared.picture import color, cuda
from kernels import Kernel, KernelPath, kernel_path
from places import GOLDEN

FILES = sorted(json.loads((GOLDEN / "golden.json").read_text()))


@pytest.fixture(scope="module")
def xp(tmp_path_factory: pytest.TempPathFactory) -> KernelPath:
    return kernel_path(tmp_path_factory.mktemp("kernels"))


def _symbols(data: bytes):  # type: ignore[no-untyped-def]
    return api._read(data, max_pixels=api.MAX_PIXELS, allow_truncated=False)


@pytest.mark.parametrize("file", FILES)
def test_golden_files(xp: KernelPath, file: str) -> None:
    _, codec, symbols = _symbols((GOLDEN / file).read_bytes())
    for scale in (1, 2, 3) if codec.name.startswith("contour") else (1,):
        wanted = codec.synthesize(symbols, xp=np, scale=scale)
        found = codec.synthesize(symbols, xp=xp, scale=scale)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("codec", ["tiles", "pifs", "wavelet", "contour"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 1), (70, 130, 3), (65, 33, 4)])
def test_batches(xp: KernelPath, codec: str, shape: tuple[int, int, int]) -> None:
    """Pictures of one size, of different steps, strengths and contents, in one go."""
    pictures = [sample_picture(*shape, seed=seed) for seed in range(3)]
    files = [
        api.encode(picture, codec=codec, budget=64 + (shape[0] * shape[1] // 20 << i), effort=1)
        for i, picture in enumerate(pictures)
    ]
    read = [_symbols(file) for file in files]
    one, given = read[0][1], [symbols for _, _, symbols in read]
    if hasattr(given[0], "postfilter"):  # with and without filters
        given += [
            replace(symbols, postfilter=n) for symbols, n in zip(given, (0, 2, 4), strict=True)
        ]
    if codec == "contour":  # with and without tiles
        given.append(replace(given[0], tiles=None))
    for symbols, picture in zip(given, one.synthesize_many(given, xp=xp), strict=True):
        np.testing.assert_array_equal(picture, one.synthesize(symbols, xp=np))


def test_launches_of_a_batch_do_not_grow(xp: KernelPath) -> None:
    """What is compiled is compiled once, and nothing is launched on an empty grid."""
    built = len(Kernel.built)
    source = constants({"ADDED": 3}) + (
        'extern "C" __global__ void add(int *at, int n) { if ((int)threadIdx.x < n) '
        "at[threadIdx.x] += ADDED; }"
    )
    values = np.zeros(4, np.int32)
    for grid in ((1,), (1,), (0,), (1, 0)):
        launch(xp, source, "add", grid, (8,), values, 3)
    assert values.tolist() == [6, 6, 6, 0]
    assert len(Kernel.built) == built + 1
    assert has_kernels(xp)
    assert not has_kernels(np)
    assert rows_of(65, 64) == 2


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_colours_of_any_planes(xp: KernelPath, channels: int) -> None:
    """Usual samples, those at the limit of what 32 bits are used for, and the largest."""
    rng = np.random.default_rng(channels)
    planes = rng.integers(-9000, 9000, (2, channels, 9, 70), np.int32)
    edge = cuda._NARROW + rng.integers(-2, 3, planes.shape, np.int32)
    wild = rng.integers(-(1 << 29), 1 << 29, planes.shape, np.int32)
    kind = rng.integers(0, 4, planes.shape)
    planes = np.where(kind == 0, edge, np.where(kind == 1, -edge, planes))
    planes[1, :, 4:] = wild[1, :, 4:]
    found = cuda.to_pixels(xp, planes, 7, 65, 6)
    for one, picture in zip(planes[:, :, :7, :65], found, strict=True):
        np.testing.assert_array_equal(picture, color.to_pixels(np, list(one), 6))


def test_arrays_travel_together(xp: KernelPath) -> None:
    """Types, shapes and order are kept; what is empty or not contiguous arrives too."""
    given = [
        np.arange(5, dtype=np.uint8),
        np.arange(6, dtype=np.int64).reshape(2, 3).T,
        np.zeros((0, 2), np.int32),
        np.array([[-1]], np.int8),
    ]
    for one, there in zip(given, together(xp, given), strict=True):
        assert there.dtype == one.dtype
        assert there.flags.c_contiguous
        np.testing.assert_array_equal(there, one)
