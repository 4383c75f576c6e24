"""Array modules: NumPy always, CuPy where there is a CUDA device. The only importer of CuPy."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from .errors import BackendUnavailableError

BACKENDS = ("numpy", "cupy")


def get_array_module(name: str) -> Any:
    """Return the array module called `name`.

    Raises
    ------
    BackendUnavailableError
        If it is not installed or finds no device.
    """
    if name == "numpy":
        return np
    if name != "cupy":
        message = f"unknown backend {name!r}; there is {' and '.join(BACKENDS)}"
        raise BackendUnavailableError(message)
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        message = "CuPy is not installed; pip install 'fractour[cuda13]' (or cuda12)"
        raise BackendUnavailableError(message) from error
    try:
        devices = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        message = f"CuPy finds no CUDA device ({error}); decode with backend='numpy'"
        raise BackendUnavailableError(message) from error
    if devices < 1:
        message = "CuPy finds no CUDA device; decode with backend='numpy'"
        raise BackendUnavailableError(message)
    return cupy


def is_numpy(xp: Any) -> bool:
    """Tell whether `xp` is NumPy, where compiled CPU kernels may be used."""
    return xp is np


def to_numpy(array: Any) -> Any:
    """Copy an array of any backend to the host."""
    return array if isinstance(array, np.ndarray) else array.get()
