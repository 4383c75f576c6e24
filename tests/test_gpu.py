"""CuPy gives the pixels that NumPy gives, to the bit: ``pytest -m gpu`` on a CUDA machine."""

from __future__ import annotations

import json
from pathlib import Path

import fractour
import numpy as np
import pytest
from fractour.shared.backend import get_array_module
from fractour.shared.conformance import sample_picture
from fractour.shared.errors import BackendUnavailableError
from fractour.shared.registry import codec_names

FOLDER = Path(__file__).resolve().parent / "golden"


@pytest.fixture(autouse=True)
def _needs_cupy() -> None:
    try:
        get_array_module("cupy")
    except BackendUnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.gpu
@pytest.mark.parametrize("file", sorted(json.loads((FOLDER / "golden.json").read_text())))
def test_golden_files(file: str) -> None:
    data = (FOLDER / file).read_bytes()
    assert np.array_equal(fractour.decode(data, backend="cupy"), fractour.decode(data))


@pytest.mark.gpu
@pytest.mark.parametrize("codec", codec_names())
@pytest.mark.parametrize("shape", [(1, 1, 1), (64, 1, 3), (511, 769, 3), (200, 300, 4)])
def test_any_picture(codec: str, shape: tuple[int, int, int]) -> None:
    data = fractour.encode(
        sample_picture(*shape), codec=codec, budget=64 + shape[0] * shape[1] // 20
    )
    assert np.array_equal(fractour.decode(data, backend="cupy"), fractour.decode(data))
