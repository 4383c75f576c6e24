"""CuPy gives the pixels that NumPy gives, to the bit: ``pytest -m gpu`` on a CUDA machine."""

from __future__ import annotations

import json

import fractour
import numpy as np
import pytest
from fractour.shared.backend import get_array_module
from fractour.shared.conformance import sample_picture
from fractour.shared.errors import BackendUnavailableError
from fractour.shared.registry import codec_names
from places import GOLDEN


@pytest.fixture(autouse=True)
def _needs_cupy() -> None:
    try:
        get_array_module("cupy")
    except BackendUnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.gpu
@pytest.mark.parametrize("file", sorted(json.loads((GOLDEN / "golden.json").read_text())))
def test_golden_files(file: str) -> None:
    data = (GOLDEN / file).read_bytes()
    assert np.array_equal(fractour.decode(data, backend="cupy"), fractour.decode(data))


@pytest.mark.gpu
@pytest.mark.parametrize("codec", codec_names())
@pytest.mark.parametrize("shape", [(1, 1, 1), (64, 1, 3), (511, 769, 3), (200, 300, 4)])
def test_any_picture(codec: str, shape: tuple[int, int, int]) -> None:
    data = fractour.encode(
        sample_picture(*shape), codec=codec, budget=64 + shape[0] * shape[1] // 20
    )
    assert np.array_equal(fractour.decode(data, backend="cupy"), fractour.decode(data))


@pytest.mark.gpu
@pytest.mark.parametrize("scale", [1, 3])
def test_windows_in_one_launch(scale: int) -> None:
    """Windows of any shape, more than pictures have; `test_contour_kernels` does it without GPU."""
    from fractour.codecs.contour.format import layout
    from fractour.codecs.contour.synthesis import cuda, windows

    cupy = get_array_module("cupy")
    rng = np.random.default_rng(scale)
    layers = np.zeros((3000, layout.FIELDS), np.int32)
    for field, low, high in (
        *((layout.COMP, 0, 3), (layout.BUCKET, 0, 30), (layout.SCALE, 0, 13)),
        *((layout.TOP, 0, 16 * 200), (layout.LEFT, 0, 16 * 300), (layout.ASPECT, 0, 10)),
        *((layout.ANGLE, 0, 64), (layout.FINE, 0, 8), (layout.FREQUENCY, 0, 8)),
        *((layout.PHASE, 0, 64), (layout.BLUE, -8, 9), (layout.RED, -8, 9)),
        (layout.MORE, 0, 6),
        *((layout.EXTRA + 3 * i, 0, 16) for i in range(layout.MOST_EXTRA)),
        *((layout.EXTRA + 3 * i + 1, 0, 64) for i in range(layout.MOST_EXTRA)),
        *((layout.EXTRA + 3 * i + 2, 0, 8) for i in range(layout.MOST_EXTRA)),
    ):
        layers[:, field] = rng.integers(low, high, len(layers))
    layers[layers[:, layout.COMP] > 0, layout.BLUE] = 0
    layers[layers[:, layout.COMP] > 1, layout.RED] = 0
    steps = np.array([3 << 20, 2 << 20, 1 << 20], np.int64)
    one = np.zeros((3, 200 * scale, 300 * scale), np.int32)
    windows.draw(layers, steps, scale, one)
    other = cupy.zeros(one.shape, cupy.int32)
    cuda.draw_windows(cupy, windows.prepared(layers, steps, scale), other, scale)
    assert np.array_equal(one, other.get())
