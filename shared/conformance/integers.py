"""Integers from bytes to pixels: no float on the way, and the same pixels on every backend.

Floats are looked for in three ways, because none sees all. An array module that refuses them
sees what arrays hold while pixels are made. Changing every float that `read` returned, and
making the pixels again, sees those that decide something. The source, last, sees compiled kernels
and numbers that never were in an array (`sources`).
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from typing import Any

import numpy as np

from .. import api, container
from ..backend import get_array_module, to_numpy
from ..codec import Codec
from ..errors import BackendUnavailableError
from .sources import floats_of
from .support import ArrayPath, Failure, encode, expect, sample_picture

_PICTURES = ((37, 52, 3), (20, 31, 4), (33, 18, 1))


def _refuse(what: str) -> None:
    message = f"synthesize uses floats: {what}; from bytes to pixels there are integers only"
    raise Failure(message)


class _Whole(np.ndarray[Any, Any]):
    """An array that refuses to become one of floats, whatever is done to it."""

    def __array_finalize__(self, other: Any) -> None:
        if self.dtype.kind in "fc":
            _refuse(f"an array of {self.dtype}")


def _watched(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.view(_Whole)
    if isinstance(value, float | complex | np.inexact):
        _refuse(f"a {type(value).__name__}")
    return value


class IntegersOnly:
    """NumPy without floats: neither its types nor any result of its functions may be inexact."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(np, name)
        if isinstance(value, type):
            if issubclass(value, np.inexact):
                _refuse(f"xp.{name}")
            return value
        if not callable(value):
            return _watched(value)

        def function(*arguments: Any, **options: Any) -> Any:
            found = value(*arguments, **options)
            if isinstance(found, tuple | list):
                return type(found)(_watched(one) for one in found)
            return _watched(found)

        return function


def _other(value: Any, known: dict[int, Any]) -> Any:
    """Copy what `read` returned, with every float in it replaced by another."""
    if id(value) in known:
        return known[id(value)]
    found: Any = value
    if isinstance(value, bool | int | str | bytes | np.integer) or value is None:
        return value
    if isinstance(value, float | np.inexact):
        return type(value)(-1.75 * value - 3)
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            found = (-1.75 * value - 3).astype(value.dtype)
    elif isinstance(value, dict):
        found = {key: _other(one, known) for key, one in value.items()}
    elif isinstance(value, tuple | list):
        parts = [_other(one, known) for one in value]
        found = type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    elif dataclasses.is_dataclass(value) or hasattr(value, "__dict__"):
        with contextlib.suppress(Exception):  # modules, locks and the like stay what they are
            found = copy.copy(value)
        known[id(value)] = found
        names = (
            [field.name for field in dataclasses.fields(value)]
            if (dataclasses.is_dataclass(value))
            else list(vars(value))
        )
        for name in names:
            object.__setattr__(found, name, _other(getattr(value, name), known))
    known[id(value)] = found
    return found


def integers(codec: Codec) -> str:
    """Look for floats between bytes and pixels."""
    for height, width, channels in _PICTURES:
        data = encode(codec, sample_picture(height, width, channels), 700)
        frame = container.unpack(data, max_pixels=api.MAX_PIXELS)
        symbols = codec.read(frame.coded, frame.packets, complete=True)
        wanted = codec.synthesize(symbols, xp=np)
        codec.synthesize(symbols, xp=IntegersOnly())
        same = "pixels depend on a float that read returned"
        try:
            other = codec.synthesize(_other(symbols, {}), xp=np)
        except Exception as error:
            message = f"{same}: with another, {type(error).__name__}: {error}"
            raise Failure(message) from error
        expect(np.array_equal(to_numpy(other), wanted), same)
    found = floats_of(codec)
    expect(not found, "; ".join(found[:3]))
    return "no float in arrays, in what read returns, in the source"


def backends(codec: Codec) -> str:
    """Compare the pixels of every array module."""
    modules: dict[str, Any] = {"array operations": ArrayPath()}
    with contextlib.suppress(BackendUnavailableError):
        modules["cupy"] = get_array_module("cupy")
    for height, width, channels in ((1, 1, 1), (37, 52, 3), (64, 41, 4), (33, 32, 2)):
        data = encode(codec, sample_picture(height, width, channels), 700)
        for cut in (data, api.trim(data, len(data))):
            frame = container.unpack(cut, max_pixels=api.MAX_PIXELS)
            symbols = codec.read(frame.coded, frame.packets, complete=frame.complete)
            wanted = codec.synthesize(symbols, xp=np)
            for name, xp in modules.items():
                same = np.array_equal(to_numpy(codec.synthesize(symbols, xp=xp)), wanted)
                expect(same, f"{name} gives other pixels at {height}x{width}x{channels}")
    return f"NumPy = {' = '.join(modules)}"
