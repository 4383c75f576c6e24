"""The smart error as a loss: the figures of the judge, gradients everywhere (needs torch)."""

from __future__ import annotations

import numpy as np
import pytest
from fractour.shared.error.bands import ArrayOperations
from fractour.shared.error.settings import SETTINGS
from fractour.shared.error.smart_error import smart_error
from skimage import data

torch = pytest.importorskip("torch")

SIZES = [(1, 1), (1, 7), (2, 3), (5, 1), (9, 16), (33, 40), (97, 123)]


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return data.astronaut()[20:117, 150:273]


@pytest.fixture(scope="module")
def coarse(photo: np.ndarray) -> np.ndarray:
    return (photo // 24 * 24).astype(np.uint8)


def tensor(image: np.ndarray) -> torch.Tensor:
    planes = image[..., None] if image.ndim == 2 else image
    return torch.from_numpy(planes.astype(np.float32).transpose(2, 0, 1).copy())


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("grey", [False, True])
def test_loss_and_judge_give_the_same_figures(
    photo: np.ndarray, coarse: np.ndarray, shape: tuple[int, int], grey: bool
) -> None:
    from fractour.shared.network.loss import NO_ANCHORS, smart_loss

    pair = [image[: shape[0], : shape[1]] for image in (photo, coarse)]
    if grey:
        pair = [image[..., 0] for image in pair]
    loss = smart_loss(*map(tensor, pair), settings=SETTINGS, anchors=NO_ANCHORS)
    assert float(loss) == pytest.approx(smart_error(*pair), rel=2e-4, abs=2e-5)


def test_loss_of_a_batch_is_that_of_its_pictures(photo: np.ndarray, coarse: np.ndarray) -> None:
    from fractour.shared.network.loss import smart_loss

    first = torch.stack([tensor(photo), tensor(coarse)])
    second = torch.stack([tensor(coarse), tensor(coarse)])
    together = smart_loss(first, second)
    assert together.shape == (2,)
    assert float(together[0]) == pytest.approx(float(smart_loss(first[0], second[0])), rel=1e-4)
    assert float(together[1]) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("settings", ["judge", "training"])
@pytest.mark.parametrize("flat", [False, True])
def test_gradients_exist_everywhere(photo: np.ndarray, settings: str, flat: bool) -> None:
    from fractour.shared.network.loss import TRAINING, smart_loss

    image = tensor(np.full_like(photo, 90) if flat else photo)
    chosen = SETTINGS if settings == "judge" else TRAINING
    for decoded in (image.clone(), image * 0, image + 1, image.flip(-1)):
        decoded.requires_grad_()
        smart_loss(image, decoded, settings=chosen).backward()
        assert torch.isfinite(decoded.grad).all()
    equal = image.clone().requires_grad_()
    smart_loss(image, equal, settings=chosen).backward()
    assert float(equal.grad.abs().max()) < 1e-4


def test_gradient_is_that_of_differences() -> None:
    from fractour.shared.network.loss import TRAINING, smart_loss

    generator = torch.Generator().manual_seed(3)
    first, second = (
        255 * torch.rand((1, 24, 20), generator=generator, dtype=torch.float64) for _ in range(2)
    )
    second.requires_grad_()
    smart_loss(first, second, settings=TRAINING).backward()
    for row, column in ((0, 0), (11, 7), (23, 19)):
        moved = []
        for step in (-1e-3, 1e-3):
            other = second.detach().clone()
            other[0, row, column] += step
            moved.append(float(smart_loss(first, other, settings=TRAINING)))
        slope = (moved[1] - moved[0]) / 2e-3
        assert float(second.grad[0, row, column]) == pytest.approx(slope, rel=1e-3, abs=1e-8)


@pytest.mark.parametrize("taps", [(0.25, 0.5, 0.25), (-0.3, -0.1, 0.0, 0.1, 0.3)])
@pytest.mark.parametrize("axis", [-2, -1])
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (8, 5)])
def test_filters_are_those_of_numpy_and_their_gradient_that_of_differences(
    taps: tuple[float, ...], axis: int, step: int, shape: tuple[int, int]
) -> None:
    from fractour.shared.network.loss import OPERATIONS

    x = torch.rand((3, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = OPERATIONS.filter(x, taps, axis, step)
    expected = ArrayOperations(np).filter(x.numpy(), taps, axis, step)
    assert found.shape == expected.shape
    assert np.allclose(found.numpy(), expected, atol=1e-6)
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda y: OPERATIONS.filter(y, taps, axis, step), (x,))


@pytest.mark.parametrize("axis", [-2, -1])
@pytest.mark.parametrize("step", [1, 2])
def test_the_filter_of_a_gpu_is_that_of_the_cpu(axis: int, step: int) -> None:
    from fractour.shared.network.loss import _Correlation, convolved

    taps = (-0.3, -0.1, 0.0, 0.1, 0.3)
    x = torch.rand((2, 3, 13, 14), generator=torch.Generator().manual_seed(1))
    ways = []
    for way in (_Correlation.apply, convolved):
        given = x.clone().requires_grad_()
        found = way(given, taps, axis, step)  # type: ignore[no-untyped-call]
        (found**2).sum().backward()
        assert given.grad is not None
        ways.append((found.detach(), given.grad))
    for one, other in zip(*ways, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_what_is_to_mend_comes_with_the_error_of_the_judge(
    photo: np.ndarray, coarse: np.ndarray
) -> None:
    from fractour.shared.network.refinement import importance_at

    found, error = importance_at(photo, coarse)
    assert error == pytest.approx(smart_error(photo, coarse), rel=1e-4)
    assert np.isfinite(found.logarithms).all()
    grey = photo[..., :1], coarse[..., :1]
    assert importance_at(*grey)[1] == pytest.approx(smart_error(*grey), rel=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (40, 70), (64, 96)])
def test_networks_speak_beside_the_importance_of_the_masked_search(shape: tuple[int, int]) -> None:
    from fractour.shared.error.masking import masked_importance
    from fractour.shared.network.importance import masked

    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    image[: shape[0] // 2] //= 8
    wanted = masked_importance(image).logarithms
    pictures = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    found = masked(pictures, 6, 8).numpy()[0]
    found = found[:, :, : wanted.shape[2], : wanted.shape[3]]
    off = found - wanted
    assert np.abs(off - off.mean()).max() < 1e-4
