"""Choosing an array module."""

from __future__ import annotations

import importlib.util

import fractour
import numpy as np
import pytest
from fractour.shared.backend import get_array_module, is_numpy
from fractour.shared.errors import BackendUnavailableError


def test_numpy_is_always_there() -> None:
    assert get_array_module("numpy") is np
    assert is_numpy(np)


def test_unknown_backend_lists_the_known_ones() -> None:
    with pytest.raises(BackendUnavailableError, match="numpy and cupy"):
        get_array_module("jax")


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed")
def test_missing_cupy_names_the_remedy() -> None:
    data = fractour.encode(np.zeros((4, 4, 3), np.uint8), budget=64)
    with pytest.raises(BackendUnavailableError, match=r"pip install"):
        fractour.decode(data, backend="cupy")
