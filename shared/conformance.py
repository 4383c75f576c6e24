"""What every codec must keep to: the checks behind ``fractour check NAME``.

They see nothing of a codec but its contract, so they run on third-party codecs as they do on
the built-in ones. In a test: ``assert not [r for r in check_codec("mine") if not r.ok]``.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import api, container
from .backend import get_array_module, to_numpy
from .budget import RANKS, Budget, select
from .codec import Codec, Geometry, Image, Progress, Proposal
from .errors import BackendUnavailableError, BudgetError, FractourError
from .network.weights import has_torch
from .registry import get_codec

_SIZES = ((1, 1), (1, 9), (7, 1), (2, 2), (5, 3), (8, 8), (17, 31), (64, 48), (3, 130))
_BUDGETS = (64, 100, 300, 1000, 3000)
# A coarse-grained format may find a smaller file the better one now and then.
_LEAST_USE, _LEAST_MEAN_USE = 0.7, 0.9
_TOLERANCE_DB = 0.05


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check.

    Parameters
    ----------
    name : str
    ok : bool
    message : str
        What was seen: the reason of a failure, or the extent of a success.
    """

    name: str
    ok: bool
    message: str


class ArrayPath:
    """NumPy in the guise of another array module.

    Codecs may use compiled kernels where the module is NumPy itself; through this they take
    the path that other modules take, so that both can be compared where there is no GPU.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class _Failure(Exception):
    pass


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise _Failure(message)


def sample_picture(height: int, width: int, channels: int, seed: int = 0) -> Image:
    """Make a picture with smooth, sharp and noisy parts, (H, W, C) uint8."""
    rng = np.random.default_rng([seed, height, width, channels])
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        plane = 128 + 60 * np.sin(x / (9.0 + 4 * c) + c) * np.cos(y / 13.0)
        plane = np.where(
            (x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2, 210, plane
        )
        plane = np.where(x > 2 * width / 3, plane + rng.normal(0, 20, (height, width)), plane)
        planes.append(plane)
    picture: Image = np.clip(np.rint(np.stack(planes, -1)), 0, 255).astype(np.uint8)
    return picture


def _psnr(a: Image, b: Image) -> float:
    error = np.mean((a.astype(np.float64).ravel() - b.ravel()) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / float(error))


def _encode(codec: Codec, image: Image, budget: int) -> bytes:
    return api.encode(image, codec=codec.name, budget=budget)


def _declaration(codec: Codec) -> str:
    _expect(codec.name == codec.name.lower() and " " not in codec.name, "name must be lower case")
    _expect(0 < codec.number < 128, f"wire number {codec.number} is not in 1..127")
    _expect(1 <= codec.version <= 15, f"version {codec.version} is not in 1..15")
    _expect(codec.steps > 1, "there must be at least two quantizer steps")
    _expect("search" in codec.encoders, "every format has a search encoder")
    _expect(bool(codec.summary), "the summary is empty")
    return f"number {codec.number}, version {codec.version}, {codec.steps} steps"


def _proposals(codec: Codec) -> str:
    image = sample_picture(48, 64, 3)
    analysis = codec.analyze(image, encoder="search", effort=1)
    previous = math.inf
    for step in (codec.steps // 3, codec.steps // 2, codec.steps - 1):
        proposal: Proposal = codec.propose(analysis, step)
        n = len(proposal)
        for field in ("contrast", "area", "gain", "bits"):
            values: npt.NDArray[np.float64] = getattr(proposal, field)
            _expect(values.shape == (n,), f"{field} has shape {values.shape}, not ({n},)")
            _expect(bool(np.isfinite(values).all()), f"{field} is not finite at step {step}")
        _expect(bool((proposal.bits > 0).all()), f"an element is free at step {step}")
        _expect(proposal.residual >= 0, f"residual is negative at step {step}")
        size = proposal.overhead_bits + float(proposal.bits.sum())
        _expect(size <= previous * 1.05 + 64, f"step {step} costs more than a finer one")
        previous = size
        for rank in RANKS:
            kept = select(proposal, proposal.bits.sum() / 2, rank=rank)
            _expect(
                proposal.bits[kept].sum() <= proposal.bits.sum() / 2 + 1e-6, "select overspends"
            )
    return "finite, priced, cheaper when coarser"


def _shapes(codec: Codec) -> str:
    count = 0
    for height, width in _SIZES:
        for channels in (1, 2, 3, 4):
            image = sample_picture(height, width, channels)
            for budget in (64, 400):
                data = _encode(codec, image, budget)
                where = f"{height}x{width}x{channels} at {budget} bytes"
                _expect(len(data) <= budget, f"{where}: the file has {len(data)} bytes")
                pixels = api.decode(data)
                wanted = image.shape if channels > 1 else image.shape[:2]
                _expect(pixels.shape == wanted, f"{where}: decodes to shape {pixels.shape}")
                _expect(pixels.dtype == np.uint8, f"{where}: decodes to {pixels.dtype}")
                count += 1
    return f"{count} pictures"


def _contents(codec: Codec) -> str:
    rng = np.random.default_rng(0)
    dot = np.zeros((40, 40, 3), np.uint8)
    dot[20, 20] = 255
    board = (np.indices((40, 40)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None].repeat(3, 2)
    pictures = {
        "black": np.zeros((40, 40, 3), np.uint8),
        "white": np.full((40, 40, 3), 255, np.uint8),
        "one dot": dot,
        "chessboard": board,
        "noise": rng.integers(0, 256, (40, 40, 3), dtype=np.uint8),
    }
    for name, image in pictures.items():
        for budget in (64, 1500):
            data = _encode(codec, image, budget)
            _expect(len(data) <= budget, f"{name}: {len(data)} bytes of {budget}")
            api.decode(data)
    flat = _psnr(api.decode(_encode(codec, pictures["white"], 64)), pictures["white"])
    _expect(flat > 30, f"a white picture decodes with {flat:.1f} dB from 64 bytes")
    return ", ".join(pictures)


def _budgets(codec: Codec) -> str:
    image = sample_picture(96, 128, 3)
    quality, uses = [], []
    for budget in _BUDGETS:
        data = _encode(codec, image, budget)
        _expect(len(data) <= budget, f"{len(data)} bytes for a budget of {budget}")
        quality.append(_psnr(api.decode(data), image))
        uses.append(len(data) / budget)
    finest = len(_encode(codec, image, image.size * 4))
    counted = [use for budget, use in zip(_BUDGETS, uses, strict=True) if budget < finest]
    _expect(min(counted) >= _LEAST_USE, f"only {min(counted):.1%} of a budget used")
    mean = sum(counted) / len(counted)
    _expect(mean >= _LEAST_MEAN_USE, f"only {mean:.1%} of the budgets used on average")
    falls = max(a - b for a, b in itertools.pairwise(quality))
    _expect(falls <= _TOLERANCE_DB, f"PSNR falls by {falls:.2f} dB with a larger budget")
    return f"{min(uses):.1%} to {max(uses):.1%} used, {quality[0]:.1f} to {quality[-1]:.1f} dB"


def _encoders(codec: Codec) -> str:
    others = [name for name in codec.encoders if name != "search"]
    if not others:
        return "search alone"
    if not has_torch():
        return f"{', '.join(others)} not looked at: torch is missing"
    image = sample_picture(72, 88, 3)
    for encoder in others:
        for budget in (150, 700):
            data, again = (
                api.encode(image, codec=codec.name, budget=budget, encoder=encoder)
                for _ in range(2)
            )
            _expect(len(data) <= budget, f"{encoder}: {len(data)} bytes for {budget}")
            _expect(len(data) >= _LEAST_USE * budget, f"{encoder}: {len(data)} of {budget} bytes")
            _expect(data == again, f"{encoder}: two runs give different files")
            _expect(api.decode(data).shape == image.shape, f"{encoder}: another shape")
    return f"{', '.join(others)}: budgets kept, same input, same bytes"


def _determinism(codec: Codec) -> str:
    image = sample_picture(40, 56, 3)
    first, second = (_encode(codec, image, 500) for _ in range(2))
    _expect(first == second, "two runs give different files")
    other = api.encode(image, codec=codec.name, budget=Budget(bpp=8 * 500 / (40 * 56)))
    _expect(other == first, "the same budget in bits per pixel gives another file")
    return "same input, same bytes"


def _prefixes(codec: Codec) -> str:
    image = sample_picture(160, 160, 3, seed=1)
    data = _encode(codec, image, 12000)
    frame = container.unpack(data, max_pixels=api.MAX_PIXELS)
    end, quality = frame.overhead, []
    for packet in frame.packets:
        end += len(packet)
        quality.append(_psnr(api.decode(data[:end]), image))
    falls = max([a - b for a, b in itertools.pairwise(quality)], default=0.0)
    _expect(falls <= _TOLERANCE_DB, f"PSNR falls by {falls:.2f} dB with one more packet")
    for size in (len(data), 3 * len(data) // 4, len(data) // 3, 64):
        try:
            shorter = api.trim(data, size)
        except BudgetError as error:
            _expect(error.smallest is not None, "trim does not name the smallest size")
            continue
        _expect(len(shorter) <= size, f"trim to {size} gives {len(shorter)} bytes")
        api.decode(shorter)
    return f"{len(quality)} packets, {quality[0]:.1f} to {quality[-1]:.1f} dB"


def _mutations(data: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    for n in range(len(data)):
        yield data[:n]
    yield data + b"\0"
    yield data + rng.bytes(50)
    for _ in range(120):
        broken = bytearray(data)
        broken[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        yield bytes(broken)
    for _ in range(60):
        yield data[:4] + rng.bytes(int(rng.integers(1, 80)))


def _repack(codec: Codec, payload: bytes, image: Image) -> bytes:
    geometry = Geometry(*image.shape)
    return container.pack(codec.number, codec.version, geometry, [payload])


def _hostile(codec: Codec) -> str:
    rng = np.random.default_rng(7)
    image = sample_picture(24, 33, 3)
    data = _encode(codec, image, 160)
    tried = decoded = 0
    payload = b"".join(container.unpack(data, max_pixels=api.MAX_PIXELS).packets)
    # Beyond the checksum: valid containers with broken or random payloads.
    behind = [_repack(codec, broken, image) for broken in _mutations(payload, rng) if broken]
    behind += [_repack(codec, rng.bytes(int(rng.integers(1, 200))), image) for _ in range(60)]
    for broken in (*_mutations(data, rng), *behind):
        tried += 1
        for allow_truncated in (False, True):
            try:
                with warnings.catch_warnings():
                    # What is damaged at its end decodes in part, and says so.
                    warnings.filterwarnings("ignore", message="checksum mismatch")
                    api.decode(broken, allow_truncated=allow_truncated, max_pixels=1 << 16)
                decoded += 1
            except FractourError:
                pass
            except Exception as error:
                message = f"{type(error).__name__} for {broken[:24].hex()}...: {error}"
                raise _Failure(message) from error
    return f"{tried} broken files, each an image or a FractourError"


def _backends(codec: Codec) -> str:
    modules: dict[str, Any] = {"array operations": ArrayPath()}
    with contextlib.suppress(BackendUnavailableError):
        modules["cupy"] = get_array_module("cupy")
    for height, width, channels in ((1, 1, 1), (37, 52, 3), (64, 41, 4), (33, 32, 2)):
        data = _encode(codec, sample_picture(height, width, channels), 700)
        for cut in (data, api.trim(data, len(data))):
            frame = container.unpack(cut, max_pixels=api.MAX_PIXELS)
            symbols = codec.read(frame.coded, frame.packets, complete=frame.complete)
            wanted = codec.synthesize(symbols, xp=np)
            for name, xp in modules.items():
                same = np.array_equal(to_numpy(codec.synthesize(symbols, xp=xp)), wanted)
                _expect(same, f"{name} gives other pixels at {height}x{width}x{channels}")
    return f"NumPy = {' = '.join(modules)}"


CHECKS: dict[str, Callable[[Codec], str]] = {
    "declaration": _declaration,
    "proposals": _proposals,
    "shapes": _shapes,
    "contents": _contents,
    "budgets": _budgets,
    "encoders": _encoders,
    "determinism": _determinism,
    "prefixes": _prefixes,
    "hostile bytes": _hostile,
    "backends": _backends,
}
"""Name to check; each returns what it saw or raises."""


def check_codec(name: str, progress: Progress | None = None) -> list[CheckResult]:
    """Run all checks on the codec called `name`.

    Parameters
    ----------
    name : str
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    list of CheckResult

    Raises
    ------
    UnknownCodecError
        If no such codec is installed.
    """
    codec = get_codec(name)
    results = []
    for done, (title, check) in enumerate(CHECKS.items()):
        try:
            results.append(CheckResult(title, True, check(codec)))
        except _Failure as failure:
            results.append(CheckResult(title, False, str(failure)))
        except Exception as error:
            results.append(CheckResult(title, False, f"{type(error).__name__}: {error}"))
        if progress:
            progress((done + 1) / len(CHECKS))
    return results


__all__ = ["CHECKS", "ArrayPath", "CheckResult", "check_codec", "sample_picture"]
