"""Pillow at both ends: every mode to an array, and .frc as a Pillow format."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fractour
import numpy as np
import pytest
from fractour.shared.errors import ImageInputError
from fractour.shared.picture.files import read_image
from fractour.shared.picture.pillow import array_to_pillow, pillow_to_array
from fractour.shared.pillow_plugin import EXTENSION, FORMAT, MIME
from PIL import Image, ImageFile, UnidentifiedImageError


@pytest.fixture
def registered() -> Iterator[None]:
    """The format registered for one test only."""
    tables: tuple[Any, ...] = (Image.OPEN, Image.SAVE, Image.EXTENSION, Image.MIME, Image.ID)
    before = [table.copy() for table in tables]
    fractour.register_pillow()
    yield
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.extend(old) if isinstance(table, list) else table.update(old)


@pytest.fixture
def data(picture: np.ndarray) -> bytes:
    return fractour.encode(picture, budget=900)


# ---- any mode in -----------------------------------------------------------------------------


def colour() -> Image.Image:
    ramp = np.arange(12 * 10, dtype=np.uint8).reshape(12, 10)
    return Image.fromarray(np.stack([ramp, 2 * ramp, 255 - ramp], axis=-1))


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        ("1", (12, 10)),
        ("L", (12, 10)),
        ("LA", (12, 10, 2)),
        ("La", (12, 10, 2)),
        ("P", (12, 10, 3)),
        ("PA", (12, 10, 4)),
        ("RGB", (12, 10, 3)),
        ("RGBA", (12, 10, 4)),
        ("RGBX", (12, 10, 3)),
        ("RGBa", (12, 10, 4)),
        ("CMYK", (12, 10, 3)),
        ("YCbCr", (12, 10, 3)),
        ("HSV", (12, 10, 3)),
    ],
)
def test_every_eight_bit_mode(mode: str, shape: tuple[int, ...]) -> None:
    via = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}.get(mode)
    image = colour().convert(via) if via else colour()
    if mode == "PA":
        image = image.convert("P").convert("PA")
    array = pillow_to_array(image if image.mode == mode else image.convert(mode))
    assert array.shape == shape
    assert array.dtype == np.uint8
    if mode == "P":
        # Colours, not indices.
        expected = np.asarray(colour().convert("P").convert("RGB"))
        assert np.array_equal(array, expected)
    if mode == "CMYK":
        assert np.abs(array.astype(int) - np.asarray(colour())).max() <= 2


def test_black_and_white_becomes_0_and_255() -> None:
    assert set(np.unique(pillow_to_array(colour().convert("1")))) <= {0, 255}


def test_transparent_colour_becomes_alpha() -> None:
    image = colour().convert("P")
    image.info["transparency"] = 0
    assert pillow_to_array(image).shape == (12, 10, 4)
    grey = colour().convert("L")
    grey.info["transparency"] = 7
    assert pillow_to_array(grey).shape == (12, 10, 2)


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_are_rounded_with_a_warning(tmp_path: Path, order: str) -> None:
    samples = np.array([[0, 128, 129], [257, 65406, 65535]], np.uint16)
    mode = "I;16" if order == "<u2" else "I;16B"
    image = Image.frombytes(mode, (3, 2), samples.astype(order).tobytes())
    assert np.array_equal(pillow_to_array(image), samples)
    image.save(tmp_path / "deep.tif")
    with pytest.warns(UserWarning, match=r"deep\.tif has 16-bit samples"):
        pixels = read_image(tmp_path / "deep.tif", "deep.tif")
    assert np.array_equal(pixels, [[0, 0, 1], [1, 254, 255]])


@pytest.mark.parametrize(
    ("dtype", "value"), [(np.float32, 0.5), (np.int32, 70_000), (np.int32, -1)]
)
def test_samples_without_an_eight_bit_meaning_are_refused(dtype: type, value: float) -> None:
    with pytest.raises(ImageInputError, match="8"):
        pillow_to_array(Image.fromarray(np.full((3, 3), value, dtype)))


def test_orientation_is_applied() -> None:
    image = colour()
    image.getexif()[0x0112] = 6  # turned by a quarter
    file = io.BytesIO()
    image.save(file, "PNG", exif=image.getexif())
    assert read_image(io.BytesIO(file.getvalue()), "x").shape == (10, 12, 3)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    first, second = Image.new("L", (5, 4), 10), Image.new("L", (5, 4), 200)
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    with pytest.warns(UserWarning, match="2 frames; only the first"):
        pixels = read_image(tmp_path / "moving.gif", "moving.gif")
    assert pixels.max() == 10


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "not an image"), (b"hello", "not an image"), (b"\x89PNG\r\n\x1a\n", "image")],
)
def test_no_image(content: bytes, reason: str) -> None:
    with pytest.raises(ImageInputError, match=reason):
        read_image(io.BytesIO(content), "file.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "JPEG2000", "AVIF"])
def test_truncated_image_is_refused(kind: str, picture: np.ndarray) -> None:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    whole = file.getvalue()
    for size in (len(whole) // 2, 40):
        with pytest.raises(ImageInputError):
            read_image(io.BytesIO(whole[:size]), "cut")


def test_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    colour().save(file, "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(ImageInputError, match="bomb"):
        read_image(io.BytesIO(file.getvalue()), "x")


# ---- .frc as a Pillow format -----------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.usefixtures("registered")
def test_round_trip_through_pillow(mode: str, picture: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / f"x{EXTENSION}"
    Image.fromarray(picture).convert(mode).save(path, target_bytes=900)
    assert path.stat().st_size <= 900
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == (FORMAT, mode, (64, 48))
        assert image.get_format_mimetype() == MIME
        pixels = np.asarray(image)
    assert np.array_equal(pixels, fractour.decode(path.read_bytes()))


@pytest.mark.usefixtures("registered")
def test_open_decodes_nothing(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("fractour.shared.api.decode", refuse)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (64, 48)


@pytest.mark.usefixtures("registered")
def test_load_twice_and_copy(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        assert image.load() is not None
        first = np.asarray(image.copy())
        image.load()
        assert np.array_equal(first, np.asarray(image))


@pytest.mark.usefixtures("registered")
def test_saving_needs_one_budget(picture: np.ndarray) -> None:
    image = Image.fromarray(picture)
    for options in ({}, {"target_bytes": 900, "bpp": 1.0}, {"budget": 900, "target_bytes": 900}):
        with pytest.raises(ValueError, match="exactly one"):
            image.save(io.BytesIO(), FORMAT, **options)
    file = io.BytesIO()
    image.save(file, FORMAT, bpp=2.0, codec="wavelet")
    assert len(file.getvalue()) <= 2 * 64 * 48 // 8


@pytest.mark.usefixtures("registered")
def test_impossible_budget_is_an_oserror(picture: np.ndarray) -> None:
    with pytest.raises(OSError, match="too few"):
        Image.fromarray(picture).save(io.BytesIO(), FORMAT, target_bytes=3)


@pytest.mark.usefixtures("registered")
def test_damage_is_left_to_other_plugins(data: bytes) -> None:
    for broken in (data[:2], data[:9], data[:-1], data[:-1] + bytes([data[-1] ^ 1]), data + b"x"):
        with pytest.raises(UnidentifiedImageError):
            Image.open(io.BytesIO(broken))


@pytest.mark.usefixtures("registered")
def test_truncated_file_loads_if_pillow_may(cut: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(io.BytesIO(cut)) as image, pytest.raises(OSError, match="ends inside"):
        image.load()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with Image.open(io.BytesIO(cut)) as image:
        image.load()
        assert image.size == (64 * 4, 48 * 4)


@pytest.mark.usefixtures("registered")
def test_pillow_size_limit_holds(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48 // 2 - 1)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))


@pytest.mark.usefixtures("registered")
def test_registering_twice_changes_nothing() -> None:
    before = list(Image.ID)
    fractour.register_pillow()
    assert list(Image.ID) == before
    assert Image.registered_extensions()[EXTENSION] == FORMAT


def test_pixels_to_pillow() -> None:
    assert array_to_pillow(np.zeros((3, 4, 1), np.uint8)).mode == "L"
    assert array_to_pillow(np.zeros((3, 4, 2), np.uint8)).mode == "LA"


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("name", ["budget", "target_bytes"])
def test_a_budget_has_one_name_and_its_old_one(picture: np.ndarray, name: str) -> None:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, FORMAT, codec="template", **{name: 600})
    assert file.getvalue() == fractour.encode(picture, codec="template", budget=600)
