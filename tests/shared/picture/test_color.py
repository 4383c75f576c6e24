"""Integer colour against the float definition; input rasters."""

from __future__ import annotations

import fractour
import numpy as np
import pytest
from fractour.shared.conformance import ArrayPath
from fractour.shared.errors import ImageInputError
from fractour.shared.picture import color
from fractour.shared.picture.raster import as_raster
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

images = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4]))
)


@given(images)
def test_components_and_back(image) -> None:
    planes = [np.rint(p * 64).astype(np.int32) for p in color.to_components(image)]
    assert np.abs(color.to_pixels(np, planes, 6).astype(int) - image).max() <= 1
    assert np.array_equal(color.to_pixels(ArrayPath(), planes, 6), color.to_pixels(np, planes, 6))


@given(hnp.arrays(np.int32, (3, 4, 5), elements=st.integers(-(2**27), 2**27)))
def test_compiled_and_array_paths_agree_far_out_of_range(planes) -> None:
    assert np.array_equal(
        color.to_pixels(np, list(planes), 6), color.to_pixels(ArrayPath(), list(planes), 6)
    )


def test_error_weights_are_the_squared_columns_of_the_matrix() -> None:
    step = 256.0
    for comp, weight in enumerate(color.ERROR_WEIGHTS[3]):
        planes = [np.zeros((1, 1), np.int32) for _ in range(3)]
        low = color.to_pixels(np, planes, 6).astype(float)
        planes[comp][:] = int(step * 64 / 8)
        high = color.to_pixels(np, planes, 6).astype(float)
        assert abs(((high - low) ** 2).sum() / (step / 8) ** 2 - weight) < 0.1


def test_rasters_from_pillow_follow_palette_and_orientation() -> None:
    picture = Image.new("RGB", (4, 2), (255, 0, 0)).convert("P")
    assert as_raster(picture)[0, 0].tolist() == [255, 0, 0]
    assert fractour.decode(fractour.encode(picture, budget=64)).shape == (2, 4, 3)


def test_16_bits_are_rounded_with_a_warning() -> None:
    wide = np.array([[0, 128, 129, 257, 65535]], np.uint16)
    for array in (wide, wide.astype(">u2")):
        with pytest.warns(UserWarning, match="rounded"):
            assert as_raster(array)[0, :, 0].tolist() == [0, 0, 1, 1, 255]


@pytest.mark.parametrize(
    "bad",
    [np.zeros((0, 4)), np.zeros((3, 3, 5), np.uint8), np.zeros(7, np.uint8), np.zeros((2, 2))],
)
def test_what_is_no_image_is_said_so(bad) -> None:
    with pytest.raises(ImageInputError):
        as_raster(bad)
