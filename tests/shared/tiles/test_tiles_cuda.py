"""Tiles through kernels built as C++: the pixels of NumPy, whatever a file holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fractour.shared.codec import Geometry
from fractour.shared.errors import BitstreamError
from fractour.shared.registry import get_codec
from fractour.shared.tiles.format.packets import header_bytes
from fractour.shared.tiles.format.syntax import MEAN, TURN
from fractour.shared.tiles.synthesis import cuda, packing, reconstruction, smoothing_cuda
from kernels import KernelPath, kernel_path

SIZES = [(1, 1, 1), (70, 137, 3), (129, 66, 4), (40, 41, 2)]


@pytest.fixture(scope="module")
def xp(tmp_path_factory: pytest.TempPathFactory) -> KernelPath:
    return kernel_path(tmp_path_factory.mktemp("kernels"))


def any_files(
    geometry: Geometry, steps: tuple[int, ...], postfilters: tuple[int, ...]
) -> list[Any]:
    """What random bytes say: all sizes of leaves, turns, wild levels, and cut streams."""
    codec, out = get_codec("tiles"), []
    for seed in range(120):
        rng = np.random.default_rng([seed, geometry.height])
        step, postfilter = steps[seed % len(steps)], postfilters[seed % len(postfilters)]
        # A stream that begins with zeros has palettes.
        start = (b"", b"\0", b"\xff")[seed % 3]
        data = start + rng.integers(0, 256, 300 + 40 * seed, np.uint8).tobytes()
        head = header_bytes(step, seed % 8, postfilter)
        try:
            out.append(codec.read(geometry, [head + data], complete=bool(seed % 2)))
        except BitstreamError:
            continue
        if len(out) % 4 == 3:
            tiles = out[-1].tiles
            tiles.levels[...] = np.clip(tiles.levels * np.int64(3000), -32768, 32767)
            tiles.leaves[:, MEAN] = np.clip(tiles.leaves[:, MEAN] * 999, -(1 << 24), 1 << 24)
        if len(out) == 12:
            break
    return out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("postfilters", [(3,), (0,), (1, 0, 4)])
@pytest.mark.parametrize("steps", [(20, 60, 110), (150, 255, 90)])
def test_batches_of_any_files(
    xp: KernelPath,
    size: tuple[int, int, int],
    postfilters: tuple[int, ...],
    steps: tuple[int, ...],
) -> None:
    found = any_files(Geometry(*size), steps, postfilters)
    assert len(found) >= 6
    codec = get_codec("tiles")
    for one, picture in zip(found, codec.synthesize_many(found, xp=xp), strict=True):
        np.testing.assert_array_equal(picture, codec.synthesize(one, xp=np))


def test_files_have_all_there_is() -> None:
    """The test above is worth what its files hold."""
    found = any_files(Geometry(129, 66, 4), (20, 60, 110), (3,))
    leaves = np.concatenate([one.tiles.leaves for one in found])
    assert any(one.tiles.palette is not None for one in found)
    assert any(one.tiles.palette is None for one in found)
    assert not all(one.known.all() for one in found)
    assert len(np.unique(leaves[:, TURN])) > 5
    small = [packing.pack([one.tiles], [one.known]).most < 1 << 15 for one in found]
    assert any(small)
    assert not all(small)


@pytest.mark.parametrize("size", SIZES)
def test_planes_and_what_bounds_them(xp: KernelPath, size: tuple[int, int, int]) -> None:
    """Planes of 16 and 32 bits are those of NumPy; none exceeds what packing promises."""
    for one in any_files(Geometry(*size), (30, 70, 120), (2,)):
        tiles, known = [one.tiles], [one.known]
        wanted = reconstruction.render(np, *tiles, *known)
        assert np.abs(wanted).max() <= packing.pack(tiles, known).most
        batch = cuda.gather(xp, tiles, known)
        wide = cuda.render(xp, batch)
        np.testing.assert_array_equal(wide[0], wanted)
        softened = smoothing_cuda.smooth(xp, batch, tiles, [2], wide)
        if batch.small:
            narrow = cuda.render(xp, batch, narrow=True)
            assert narrow.dtype == np.int16
            np.testing.assert_array_equal(narrow[0], wanted)
            again = smoothing_cuda.smooth(xp, batch, tiles, [2], narrow)
            np.testing.assert_array_equal(again, softened)
