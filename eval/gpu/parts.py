"""What is measured on a GPU, a function a part; each returns what its JSON file says."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ...shared import api
from ...shared.backend import get_array_module
from ...shared.conformance import sample_picture
from ...shared.decoding import decode_many
from ...shared.error.smart_error import smart_error
from ...shared.parallel.threads import in_threads
from . import pack as packing

Result = dict[str, Any]
Keep = Callable[[Result], None]
"""Writes what is known so far, should the part not come to its end."""
_BATCH = {"768x512": 64, "4096x4096": 1}
_SCALES = (1, 3)
_STEPS = 6


def surroundings(pack: Path, keep: Keep) -> Result:
    """What is there: device, driver, CuPy, torch."""
    out: Result = {"machine": platform.machine(), "python": platform.python_version()}
    cupy = get_array_module("cupy")
    device = cupy.cuda.runtime.getDeviceProperties(0)
    out["device"] = device["name"].decode()
    out["driver"] = cupy.cuda.runtime.driverGetVersion()
    out["runtime"] = cupy.cuda.runtime.runtimeGetVersion()
    out["cupy"] = cupy.__version__
    out["numpy"] = np.__version__
    try:
        import torch
    except ImportError:
        out["torch"] = None
    else:
        out["torch"] = torch.__version__
        out["torch finds CUDA"] = torch.cuda.is_available()
    return out


def _golden() -> dict[str, bytes]:
    folder = Path(str(files("fractour"))) / "tests" / "golden"
    names = json.loads((folder / "golden.json").read_text()) if folder.is_dir() else {}
    return {name: (folder / name).read_bytes() for name in names}


def identity(pack: Path, keep: Keep) -> Result:
    """Every golden file and every generated picture: the same bytes on CuPy as on NumPy."""
    everything = {**_golden(), **packing.read_files(pack, "many/")}
    out: Result = {"files": len(everything), "pictures": 0, "different": [], "failed": {}}

    for scale in _SCALES:
        wanted = list(decode_many(everything.values(), scale=scale))
        found = list(decode_many(everything.values(), scale=scale, backend="cupy"))
        for name, one, other in zip(everything, wanted, found, strict=True):
            if isinstance(one, Exception):  # formats of a fixed resolution
                continue
            out["pictures"] += 1
            if isinstance(other, Exception):
                out["failed"][f"{name} at scale {scale}"] = str(other)
            elif not np.array_equal(one, other):
                out["different"].append(f"{name} at scale {scale}")
    out["ok"] = not out["different"] and not out["failed"] and out["pictures"] > 0
    return out


def _seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    call()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _copy_bandwidth(cupy: Any) -> float:
    """Bytes a second that a copy on the device reads and writes."""
    source = cupy.zeros(1 << 28, cupy.uint8)
    target = cupy.empty_like(source)

    def copy() -> None:
        target[...] = source
        cupy.cuda.Device().synchronize()

    return 2 * source.nbytes / _seconds(copy)


def throughput(pack: Path, keep: Keep) -> Result:
    """Pictures and pixels a second: single pictures and batches, on CuPy and on one core.

    ``synthesis`` is from integers on the host to pixels on the device; ``kernels`` is the part of
    it that the device computes, by a profile; ``moved`` counts the bytes that must be moved at
    least: 32-bit samples written and read, pixels written.
    """
    cupy = get_array_module("cupy")
    out: Result = {"copy bytes/s": _copy_bandwidth(cupy), "rows": []}
    for name in (f"{codec}_{size}" for size in packing.LARGE for codec in packing.CODECS):
        found = list(packing.read_files(pack, f"large/{name}_").values())
        if not found:
            continue
        size = name.split("_")[1]
        for count in sorted({1, _BATCH[size]}):
            data = [found[i % len(found)] for i in range(count)]
            try:
                row = _throughput_of(cupy, data)
            except Exception as error:  # the others must be measured too
                row = {"error": f"{type(error).__name__}: {error}"}
            out["rows"].append({"codec": name.split("_")[0], "size": size, "batch": count, **row})
            keep(out)
    return out


def _throughput_of(cupy: Any, data: list[bytes]) -> Result:
    frame, codec, _ = api.parse(data[0])
    pixels = frame.geometry.pixels * len(data)
    reading = _seconds(lambda: in_threads(api.parse, data), 3)
    symbols = [one[2] for one in in_threads(api.parse, data)]

    def synthesize() -> Any:
        made = codec.synthesize_many(symbols, xp=cupy)
        cupy.cuda.Device().synchronize()
        return made

    whole = _seconds(synthesize)
    numpy_seconds = _seconds(lambda: codec.synthesize(symbols[0], xp=np), 3) * len(data)
    by_kernel = _kernel_seconds(cupy, codec, symbols)
    kernels = sum(by_kernel.values())
    everything = _seconds(lambda: list(decode_many(data, backend="cupy")), 3)
    moved = pixels * (frame.geometry.channels * (4 + 4 + 1))
    return {
        "pixels": pixels,
        "reading s": reading,
        "synthesis s": whole,
        "kernels s": kernels,
        "decode_many s": everything,
        "numpy synthesis, one core s": numpy_seconds,
        "pictures/s synthesis": len(data) / whole,
        "pictures/s kernels": len(data) / kernels if kernels else None,
        "pictures/s decode_many": len(data) / everything,
        "pixels/s synthesis": pixels / whole,
        "moved bytes/s kernels": moved / kernels if kernels else None,
        "by kernel s": by_kernel,
    }


def _kernel_seconds(cupy: Any, codec: Any, symbols: list[Any]) -> dict[str, float]:
    """Seconds that the device computes, by kernel, from a profile by torch; empty without it."""
    try:
        import torch
        from torch.profiler import ProfilerActivity, profile
    except ImportError:
        return {}
    torch.zeros(1, device="cuda")
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        codec.synthesize_many(symbols, xp=cupy)
        cupy.cuda.Device().synchronize()
    return {
        event.key[:60]: float(event.self_device_time_total) / 1e6
        for event in seen.key_averages()
        if event.self_device_time_total and "memcpy" not in event.key.lower()
    }


def smart(pack: Path, keep: Keep) -> Result:
    """Smart error on CuPy against NumPy: the same figure, and the time."""
    cupy = get_array_module("cupy")
    picture = sample_picture(512, 768, 3)
    other = api.decode(api.encode(picture, codec="wavelet", budget=8000, effort=1))
    there = (cupy.asarray(picture), cupy.asarray(other))
    values = [smart_error(picture, other), smart_error(*there, backend="cupy")]
    return {
        "numpy": values[0],
        "cupy": values[1],
        "relative difference": abs(values[1] / values[0] - 1),
        "numpy s": _seconds(lambda: smart_error(picture, other), 3),
        "cupy s": _seconds(lambda: smart_error(*there, backend="cupy"), 9),
        "ok": abs(values[1] / values[0] - 1) < 1e-3,
    }


def training(pack: Path, keep: Keep) -> Result:
    """Steps a second and peak memory of each network, at growing batches until one does not fit."""
    import tempfile

    import torch

    from ...shared.training.loop import Recipe, train

    images = packing.read_crops(pack)
    out: Result = {"rows": []}
    for pictures in (8, 32, 128):
        for codec in ("wavelet", "pifs", "contour"):
            row: Result = {"codec": codec, "pictures": pictures, "budgets": 3, "size": 128}
            torch.cuda.reset_peak_memory_stats()
            times: list[float] = []
            recipe = Recipe(codec, steps=_STEPS, pictures=pictures, size=128)
            try:
                with tempfile.TemporaryDirectory() as folder:
                    train(
                        recipe,
                        images,
                        Path(folder),
                        accelerator="cuda",
                        board=False,
                        report=partial(_note, times),
                    )
            except torch.OutOfMemoryError:
                row["error"] = "out of memory"
            except Exception as error:  # the others must be measured too
                row["error"] = f"{type(error).__name__}: {error}"
            if len(times) > 2:
                row["steps/s"] = (len(times) - 2) / (times[-1] - times[1])
                row["crops/s"] = row["steps/s"] * pictures * 3
            row["peak GiB"] = torch.cuda.max_memory_allocated() / 2**30
            out["rows"].append(row)
            keep(out)
            torch.cuda.empty_cache()
    return out


def _note(times: list[float], _: Any) -> None:
    times.append(time.perf_counter())


PARTS: dict[str, tuple[Callable[[Path, Keep], Result], float]] = {
    "surroundings": (surroundings, 60),
    "identity": (identity, 180),
    "throughput": (throughput, 150),
    "smart": (smart, 60),
    "training": (training, 120),
}
"""What is done, in this order, and for how many seconds at most."""

__all__ = ["PARTS"]
