"""The classified Wiener filter: one result whatever runs it, no overflow, and a gain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from fractour.shared.conformance import ArrayPath
from fractour.shared.tiles import wiener_training
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, STEPS, component_steps
from fractour.shared.tiles.synthesis import wiener, wiener_cuda
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import KernelPath, kernel_path

EXTREME = (1 << 31) - 1


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> KernelPath:
    return kernel_path(tmp_path_factory.mktemp("kernel"))


def some_planes(
    channels: int, height: int, width: int, seed: int, *, wild: bool
) -> list[npt.NDArray[np.int32]]:
    """Smooth shapes with noise and edges, or any numbers at all."""
    rng = np.random.default_rng(seed)
    shape = channels, height, width
    if wild:
        return list(rng.integers(-EXTREME - 1, EXTREME, shape, np.int32, endpoint=True))
    y, x = np.mgrid[:height, :width]
    found = 900 * np.sin(x / 7 + seed) + 700 * np.cos((x + y) / 5) + 2000 * (x > width // 2)
    return list((found + rng.normal(0, 60, shape)).astype(np.int32))


@settings(max_examples=60)
@given(
    channels=st.integers(1, 4),
    height=st.integers(1, 37),
    width=st.integers(1, 37),
    step=st.integers(0, STEPS - 1),
    seed=st.integers(0, 99),
    wild=st.booleans(),
)
def test_arrays_give_what_the_kernel_gives(
    channels: int, height: int, width: int, step: int, seed: int, wild: bool
) -> None:
    planes = some_planes(channels, height, width, seed, wild=wild)
    steps = component_steps(step, NEUTRAL_CHROMA, channels)
    one = wiener.refined(np, planes, steps, 3)
    other = wiener.refined(ArrayPath(), planes, steps, 3)
    assert all(plane.dtype == np.int32 for plane in one)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 1, 1), (3, 61, 150), (4, 18, 7)])
@pytest.mark.parametrize("wild", [False, True])
def test_cuda_gives_what_the_kernel_gives(
    kernels: KernelPath, channels: int, height: int, width: int, wild: bool
) -> None:
    strengths = (3, 0, 5)
    pictures = [some_planes(channels, height, width, seed, wild=wild) for seed in range(3)]
    steps = [component_steps(90 + 40 * i, NEUTRAL_CHROMA, channels) for i in range(3)]
    # What lies beyond the picture in its padded planes must not matter.
    wide = np.full((3, channels, height + 9, width + 5), 77, np.int32)
    wide[:, :, :height, :width] = pictures
    wiener_cuda.refine(kernels, wide, steps, strengths, height, width)
    for planes, its, strength, shown in zip(pictures, steps, strengths, wide, strict=True):
        expected = wiener.refined(np, planes, its, strength)
        np.testing.assert_array_equal(shown[:, :height, :width], expected)
    assert (wide[:, :, height:] == 77).all()
    assert (wide[:, :, :, width:] == 77).all()


def test_no_sum_passes_32_bits() -> None:
    most = wiener.limit_of(int(component_steps(STEPS + 47, 7, 3).max()))
    reach = np.abs(wiener.table().astype(np.int64)).sum(-1).max() * 2 * most
    assert reach + (1 << wiener.WEIGHT_BITS) < 1 << 31


def test_flat_planes_and_alpha_stay() -> None:
    flat = [np.full((9, 14), 1234, np.int32)] * 2
    rough = some_planes(4, 20, 20, 1, wild=False)
    for strength, planes in ((3, flat), (0, rough)):
        steps = component_steps(120, NEUTRAL_CHROMA, len(planes))
        np.testing.assert_array_equal(wiener.refined(np, planes, steps, strength), planes)
    out = wiener.refined(np, rough, component_steps(120, NEUTRAL_CHROMA, 4), 3)
    changed = [bool((a != b).any()) for a, b in zip(out, rough, strict=True)]
    assert changed == [True, True, True, False]


def test_edges_steeper_than_a_quarter_of_a_step_hardly_move() -> None:
    step = int(component_steps(140, NEUTRAL_CHROMA, 1)[0])
    plane = np.zeros((40, 40), np.int32)
    plane[:, 20:] = 60 * wiener.limit_of(step)
    out = wiener.refined(np, [plane], np.array([step]), 3)[0]
    reach = np.abs(wiener.table().astype(np.int64)).sum(-1).max() / (1 << wiener.WEIGHT_BITS)
    assert np.abs(out - plane).max() <= 2 * reach * wiener.limit_of(step) + 1


def test_training_finds_what_undoes_noise() -> None:
    wanted = some_planes(1, 160, 160, 3, wild=False)[0] // 64 * 64
    step = int(component_steps(130, NEUTRAL_CHROMA, 1)[0])
    noise = np.random.default_rng(1).normal(0, wiener.limit_of(step) / 2, wanted.shape)
    seen = (wanted + noise).astype(np.int32)
    weights = wiener_training.solve(*wiener_training.gather(seen, wanted, step))
    assert weights.shape == (wiener.CLASSES, len(wiener.TAPS))
    shown = wiener._filtered(np, seen, step, weights.astype(np.int32))
    before, after = (float(((p - wanted) ** 2.0).mean()) for p in (seen, shown))
    assert after < 0.75 * before
