"""Placeholders: never over the budget, whatever comes in, and readable again from a URI."""

from __future__ import annotations

import base64

import fractour
import numpy as np
import pytest
from fractour.shared.conformance import sample_picture
from fractour.shared.errors import BitstreamError, BudgetError, FractourError, UnknownCodecError
from fractour.shared.pillow_plugin import MIME
from fractour.shared.tiny.placeholder import usual_codecs
from PIL import Image


def error(data: bytes, image: np.ndarray) -> float:
    shown = fractour.decode(data).reshape(image.shape)
    return float(np.square(shown.astype(float) - image).mean())


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return sample_picture(150, 220, 3)


@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (1, 300, 1), (3, 2, 4), (61, 47, 2), (150, 220, 4), (1100, 900, 3)]
)
@pytest.mark.parametrize("budget", [32, 200])
def test_the_budget_is_kept(shape: tuple[int, int, int], budget: int) -> None:
    image = sample_picture(*shape)
    data = fractour.placeholder(image, budget)
    assert len(data) <= budget
    shown = fractour.decode(data)
    assert shown.shape == (shape if shape[2] > 1 else shape[:2])


@pytest.mark.parametrize("effort", [5, 7])
def test_the_best_of_the_formats_is_taken(picture: np.ndarray, effort: int) -> None:
    names = usual_codecs(effort)
    assert ("contour" in names) == (effort > 6)
    found = error(fractour.placeholder(picture, 120, effort=effort), picture)
    how = {"budget": 120, "compact": True, "effort": effort}
    each = [error(fractour.encode(picture, codec=name, **how), picture) for name in names]
    assert found == min(each)
    only = fractour.placeholder(picture, 120, codecs=["wavelet"], effort=effort)
    assert fractour.info(only)["codec"] == "wavelet"


def test_the_checksum_is_kept_on_demand(picture: np.ndarray) -> None:
    for compact, size in ((True, 0), (False, 2)):
        data = fractour.placeholder(picture, 100, compact=compact, codecs=["tiles"])
        assert fractour.info(data)["checksum_bytes"] == size


def test_pillow_images_come_in(picture: np.ndarray) -> None:
    grey = Image.fromarray(picture).convert("L")
    assert fractour.decode(fractour.placeholder(grey, 64)).shape == (150, 220)


@pytest.mark.parametrize(
    ("budget", "wrong", "words"),
    [
        (0, BudgetError, "at least one byte, not 0"),
        (-5, BudgetError, "not -5"),
        (3, BudgetError, "smallest file possible has"),
        (20.5, TypeError, "integer"),
        ("200", TypeError, "integer"),
        (None, TypeError, "integer"),
    ],
)
def test_bad_budgets_get_one_clear_error(
    budget: object, wrong: type[Exception], words: str, picture: np.ndarray
) -> None:
    with pytest.raises(wrong, match=words) as caught:
        fractour.placeholder(picture, budget)  # type: ignore[arg-type]
    if budget == 3:
        smallest = caught.value.smallest
        assert len(fractour.placeholder(picture, smallest)) == smallest


def test_other_bad_arguments_are_named(picture: np.ndarray) -> None:
    with pytest.raises(UnknownCodecError, match="nothing"):
        fractour.placeholder(picture, codecs=["nothing"])
    with pytest.raises(FractourError, match="at least one codec"):
        fractour.placeholder(picture, codecs=[])
    with pytest.raises(FractourError, match="effort must be 1 to 9"):
        fractour.placeholder(picture, effort=10)


def test_a_data_uri_holds_the_file(picture: np.ndarray) -> None:
    head = f"data:{MIME};base64,"
    uri = fractour.data_uri(picture, 100, codecs=["tiles"])
    assert uri.startswith(head)
    data = base64.b64decode(uri.removeprefix(head), validate=True)
    assert data == fractour.placeholder(picture, 100, codecs=["tiles"])
    for same in (data, bytearray(data), memoryview(data)):
        assert fractour.data_uri(same) == uri
    with pytest.raises(BitstreamError):
        fractour.data_uri(b"GIF89a")


def test_what_nobody_sees_takes_no_bytes(picture: np.ndarray) -> None:
    alpha = np.full((*picture.shape[:2], 1), 255, np.uint8)
    alpha[:, : picture.shape[1] // 2] = 0
    noise = np.random.default_rng(0).integers(0, 256, picture.shape, np.uint8)
    files = [
        fractour.placeholder(np.concatenate([np.where(alpha, picture, under), alpha], 2), 150)
        for under in (noise, np.zeros_like(picture))
    ]
    assert files[0] == files[1]
