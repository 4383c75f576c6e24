"""The classified Wiener filter: one result whatever runs it, no overflow, and a gain."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fractour.shared.conformance import ArrayPath
from fractour.shared.picture import color
from fractour.shared.tiles import wiener_training
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, STEPS, component_steps
from fractour.shared.tiles.format.syntax import FRACTION_BITS
from fractour.shared.tiles.synthesis import wiener, wiener_cuda
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import KernelPath, kernel_path
from places import ROOT

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


def refined(
    xp: Any, planes: list[npt.NDArray[np.int32]], steps: npt.NDArray[np.int64], postfilter: int
) -> npt.NDArray[np.int32]:
    """Filter padded copies of planes."""
    height, width = planes[0].shape
    wide = np.full((len(planes), height + 6, width + 3), 77, np.int32)
    wide[:, :height, :width] = planes
    wiener.refine(xp, wide, steps, postfilter, (height, width))
    assert (wide[:, height:] == 77).all()
    assert (wide[:, :, width:] == 77).all()
    return wide[:, :height, :width]


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
    postfilter = 1 + seed % wiener.SETS
    one = refined(np, planes, steps, postfilter)
    other = refined(ArrayPath(), planes, steps, postfilter)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("channels", "height", "width"), [(1, 1, 1), (2, 17, 30), (3, 61, 150), (3, 24, 48), (4, 18, 7)]
)
@pytest.mark.parametrize("wild", [False, True])
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("beyond", [(9, 5), (8, 4)])
def test_cuda_shows_what_the_kernel_gives(
    kernels: KernelPath,
    channels: int,
    height: int,
    width: int,
    wild: bool,
    narrow: bool,
    beyond: tuple[int, int],
) -> None:
    """Border and inside, all classes, steps from the finest on; rows whose length is not even."""
    steps = [component_steps(step, NEUTRAL_CHROMA, channels) for step in (0, 130, 250)]
    pictures = [some_planes(channels, height, width, seed, wild=wild) for seed in range(3)]
    # What lies beyond the picture in its padded planes must not matter.
    shape = (3, channels, height + beyond[0], -(-width // 4) * 4 + beyond[1])
    wide = np.full(shape, 77, np.int32)
    wide[:, :, :height, :width] = pictures
    if narrow:
        wide = wide.clip(-wiener.BOUND, wiener.BOUND) + wiener_cuda.BIAS
    given = wide.astype(np.int16) if narrow else wide
    found = wiener_cuda.shown(kernels, given, steps, (3, 1, 4), height, width)
    for planes, its, postfilter, picture in zip(pictures, steps, (3, 1, 4), found, strict=True):
        expected = color.to_pixels(np, list(refined(np, planes, its, postfilter)), FRACTION_BITS)
        np.testing.assert_array_equal(picture, expected)


def test_no_sum_passes_32_bits() -> None:
    limits = wiener.limits_of(int(component_steps(STEPS + 47, 7, 3).max())).astype(np.int64)
    size = np.abs(wiener.table().astype(np.int64))
    reach = (size.reshape(*size.shape[:-1], -1, wiener.LIMITS) * 2 * limits).sum((-1, -2)).max()
    assert reach + (1 << wiener.WEIGHT_BITS) < 1 << 31


def test_flat_planes_and_alpha_stay() -> None:
    flat = [np.full((9, 14), 1234, np.int32)] * 2
    rough = some_planes(4, 20, 20, 1, wild=False)
    for postfilter, planes in ((3, flat), (0, rough)):
        steps = component_steps(120, NEUTRAL_CHROMA, len(planes))
        np.testing.assert_array_equal(refined(np, planes, steps, postfilter), planes)
    out = refined(np, rough, component_steps(120, NEUTRAL_CHROMA, 4), 3)
    changed = [bool((a != b).any()) for a, b in zip(out, rough, strict=True)]
    assert changed == [True, True, True, False]


def decoded_noise(seed: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]:
    """A plane, what noise makes of it, and a step that the noise suits."""
    wanted = some_planes(1, 160, 160, seed, wild=False)[0] // 64 * 64
    step = int(component_steps(130, NEUTRAL_CHROMA, 1)[0])
    noise = np.random.default_rng(1).normal(0, wiener.limits_of(step)[0] / 2, wanted.shape)
    return wanted, (wanted + noise).astype(np.int32), step


def test_training_finds_what_undoes_noise() -> None:
    wanted, seen, step = decoded_noise(3)
    products = wiener_training.gather(seen, wanted, step)
    weights = wiener_training.solve(products[:, :-1, :-1], products[:, :-1, -1])
    table = wiener_training.rounded(weights).astype(np.int32)
    assert table.shape == wiener.table().shape[2:]
    wide, shown = wiener.extended(np, seen), np.empty(seen.shape, np.int32)
    kinds = wiener.classes(np, wide, step)
    wiener._apply(np, shown, wide, kinds, step, table, seen.shape)
    before, after = (float(((p - wanted) ** 2.0).mean()) for p in (seen, shown))
    assert after < 0.75 * before
    # The gain that the equations foretell is the one that is measured, rounding aside.
    error = float(products[:, -1, -1].sum())
    equations = wiener_training.Equations(
        np.stack([products[:, :-1, :-1], 0 * products[:, :-1, :-1]])[None] / error,
        np.stack([products[:, :-1, -1], 0 * products[:, :-1, -1]])[None] / error,
    )
    foretold = equations.gains(np.stack([weights, weights]))[0]
    assert foretold == pytest.approx(1 - after / before, abs=0.02)


def test_sets_part_pictures_by_what_serves_them() -> None:
    rng = np.random.default_rng(0)
    eye = np.broadcast_to(np.eye(36), (6, 2, wiener.CLASSES, 36, 36)).astype(np.float32)
    kinds = np.array([0, 1, 0, 0, 1, 0])
    right = np.where(kinds[:, None, None, None] == 1, 0.2, -0.1) * np.ones(
        (6, 2, wiener.CLASSES, 36)
    )
    right += rng.normal(0, 0.005, right.shape)
    equations = wiener_training.Equations(eye, right.astype(np.float32))
    found = wiener_training.cluster(equations, 2)
    assert found[0, :, 1:].mean() == pytest.approx(-0.1, abs=0.01), "the set of most comes first"
    assert found[1, :, 1:].mean() == pytest.approx(0.2, abs=0.01)


def test_the_best_set_is_the_one_of_least_error() -> None:
    wanted, seen, step = decoded_noise(5)
    luma = (wanted / 64).astype(np.float32)
    steps = np.array([step])
    errors = [
        ((refined(np, [seen], steps, 1 + i)[0] - wanted) ** 2.0).mean() for i in range(wiener.SETS)
    ]
    assert wiener.best(seen, luma, step) == 1 + int(np.argmin(errors))


def test_the_text_names_the_weights() -> None:
    text = (ROOT / "codecs" / "tiles" / "FORMAT.md").read_text("utf-8")
    with np.load(wiener_training.TABLE) as found:
        weights = found["weights"]
    assert weights.shape == (wiener.SETS, 2, wiener.CLASSES, 36)
    assert weights.dtype == np.int8
    assert hashlib.sha256(weights.tobytes()).hexdigest() in text
