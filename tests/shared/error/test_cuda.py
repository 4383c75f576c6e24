"""The smart error by kernels, built as C++, is that of NumPy, and takes few launches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from fractour.shared.conformance import sample_picture
from fractour.shared.error import smart_error as module
from fractour.shared.error.bands import ArrayOperations
from fractour.shared.error.cuda import device_error
from fractour.shared.error.settings import SETTINGS, Settings
from fractour.shared.error.smart_error import picture_error, smart_error
from fractour.shared.picture.raster import without_alpha
from hypothesis import example, given
from hypothesis import strategies as st
from kernels import Kernel, KernelPath, kernel_path


class Counting(KernelPath):
    """Counts launches by name, and the array operations that are asked for."""

    def __init__(self) -> None:
        self.launches: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()

    def RawKernel(self, source: str, name: str) -> Any:
        kernel = Kernel(source, name)

        def counted(*arguments: Any) -> None:
            self.launches[name] += 1
            kernel(*arguments)

        return counted

    def __getattr__(self, name: str) -> Any:
        self.operations[name] += 1
        return getattr(np, name)


@pytest.fixture(scope="module")
def xp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    kernel_path(tmp_path_factory.mktemp("kernels"))
    counting = Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "get_array_module", lambda name: np if name == "numpy" else counting)
        yield counting


CHANGES = {
    "another": lambda x, rng: rng.integers(0, 256, x.shape),
    "negative": lambda x, rng: 255 - x,
    "noise": lambda x, rng: x + rng.integers(-9, 10, x.shape),
    "contrast": lambda x, rng: (x - 100.0) * 1.1 + 108,
    "one sample": lambda x, rng: np.where(np.arange(x.size).reshape(x.shape) == x.size // 2, 7, x),
    "moved": lambda x, rng: np.roll(x, 1, axis=1),
    "equal": lambda x, rng: x,
}


def changed(picture: np.ndarray, change: str, seed: int = 0) -> np.ndarray:
    found = CHANGES[change](picture.astype(np.int64), np.random.default_rng(seed))
    return np.clip(found, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shape", [(70, 90, 3), (127, 65, 1), (97, 131, 4), (8, 300, 2)])
def test_five_digits(xp: Counting, shape: tuple[int, int, int], change: str) -> None:
    x = sample_picture(*shape)
    y = changed(x, change)
    wanted = smart_error(x, y)
    assert (wanted == 0) == (change == "equal")
    # Where little differs, the defect is a small difference of energies in single precision.
    assert smart_error(x, y, backend="cupy") == pytest.approx(wanted, rel=1e-5, abs=1e-6)


@example(height=2, width=35, channels=1, change="contrast", seed=35)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(1, 4),
    change=st.sampled_from(sorted(CHANGES)),
    seed=st.integers(0, 2**16),
)
def test_any_size(
    xp: Counting, height: int, width: int, channels: int, change: str, seed: int
) -> None:
    x = sample_picture(height, width, channels, seed=seed)
    y = changed(x, change, seed)
    # Of tiny pictures the defect is a small difference of large energies now and then: the formula
    # in double precision tells what is right, single precision rounds on either side of it.
    colours = (without_alpha(image.reshape(height, width, -1)) for image in (x, y))
    planes = (np.moveaxis(image, 2, 0).astype(np.float64) for image in colours)
    # Equal pictures do not come as far as the formula.
    wanted = smart_error(x, y) and float(picture_error(ArrayOperations(np), *planes))
    assert smart_error(x, y, backend="cupy") == pytest.approx(wanted, rel=1e-4, abs=2e-6)


def scaled(value: Any) -> Any:
    return tuple(map(scaled, value)) if isinstance(value, tuple) else 0.9 * value


@pytest.mark.parametrize(
    "settings",
    [
        replace(SETTINGS, gain=1.0, texture=1.0, power=0.75, pool=2.0),
        Settings(**{name: scaled(value) for name, value in asdict(SETTINGS).items()}),
    ],
)
def test_other_settings(xp: Counting, settings: Settings) -> None:
    """No constant of the measure is written into the kernels."""
    x = sample_picture(60, 75, 3)
    y = changed(x, "noise")
    planes = (np.moveaxis(image, 2, 0).astype(np.float32) for image in (x, y))
    wanted = float(picture_error(ArrayOperations(np), *planes, settings))
    assert device_error(xp, x, y, settings) == pytest.approx(wanted, rel=1e-5)
    assert wanted != pytest.approx(smart_error(x, y), rel=1e-3)


def test_alpha_alone_is_no_error(xp: Counting) -> None:
    x = sample_picture(20, 30, 4)
    y = x.copy()
    y[..., 3] = 255 - y[..., 3]
    assert smart_error(x, y, backend="cupy") == 0.0
    # Equal figures without kernels too: planes of alpha are views with gaps.
    assert smart_error(x[..., 3], y[..., 3], backend="cupy") == pytest.approx(
        smart_error(x[..., 3], y[..., 3]), rel=1e-5
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_few_launches_and_nothing_else(xp: Counting, channels: int) -> None:
    """Launches are what a small picture costs; an operation of the module would be one each."""
    x, y = (sample_picture(64, 96, channels, seed=seed) for seed in range(2))
    xp.launches.clear()
    xp.operations.clear()
    smart_error(x, y, backend="cupy")
    assert xp.launches.total() == 15
    # Memory alone: what the kernels do not write themselves is one flag.
    assert xp.operations.pop("zeros") == 1
    assert xp.operations.pop("empty") <= 12
    assert set(xp.operations) <= {"asarray", "ascontiguousarray"}
