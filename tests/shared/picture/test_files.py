"""Files whose samples are not eight-bit sRGB: converted or rounded, and told of where not."""

from __future__ import annotations

import io
import warnings
from typing import Any

import fractour
import numpy as np
import pytest
from deep_files import ADOBE_RGB, GREY_INKS, LINEAR_GREY, png16
from fractour.shared.errors import ImageInputError
from fractour.shared.picture.files import read_image
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def read(data: bytes) -> np.ndarray:
    return read_image(io.BytesIO(data), "x")


def saved(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


@pytest.fixture
def colours() -> Image.Image:
    rng = np.random.default_rng(4)
    return Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8))


def adobe_to_srgb(samples: np.ndarray) -> np.ndarray:
    """By the two standards' formulas alone; both have the white point D65."""
    xyz = (samples / 255) ** (563 / 256) @ np.array(
        [[0.57667, 0.29734, 0.02703], [0.18556, 0.62736, 0.07069], [0.18823, 0.07529, 0.99134]]
    )
    linear = xyz @ np.linalg.inv(
        np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    )
    linear = np.clip(linear, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * curved)


# ---- colour profiles -------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [False, True])
def test_adobe_rgb_becomes_srgb(colours: Image.Image, alpha: bool) -> None:
    wanted = adobe_to_srgb(np.asarray(colours))
    if alpha:
        colours.putalpha(77)
    found = read(saved(colours, icc_profile=ADOBE_RGB))
    assert np.abs(found[..., :3] - wanted).max() <= 2
    assert np.abs(found[..., :3].astype(int) - np.asarray(colours)[..., :3]).mean() > 5
    assert not alpha or set(np.unique(found[..., 3])) == {77}


def test_a_pillow_image_with_a_profile_is_converted_too(colours: Image.Image) -> None:
    data = saved(colours, icc_profile=ADOBE_RGB)
    given = fractour.encode(Image.open(io.BytesIO(data)), codec="template", budget=600)
    assert given == fractour.encode(read(data), codec="template", budget=600)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_what_is_srgb_stays_to_the_bit(colours: Image.Image, mode: str) -> None:
    image = colours.convert(mode)
    assert np.array_equal(read(saved(image, icc_profile=SRGB)), np.asarray(image))


def test_a_palette_keeps_its_profile(colours: Image.Image) -> None:
    image = colours.convert("P")
    found = read(saved(image, icc_profile=ADOBE_RGB))
    assert np.abs(found - adobe_to_srgb(np.asarray(image.convert("RGB")))).max() <= 2


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_grey_keeps_its_channels(mode: str) -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    if mode == "I;16":
        image = Image.fromarray(ramp.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(ramp).convert(mode)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="x has 16-bit")
        found = read(saved(image, icc_profile=LINEAR_GREY))
    grey = found[..., 0] if mode == "LA" else found
    linear = np.arange(256) / 255
    wanted = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert found.shape == ((1, 256, 2) if mode == "LA" else (1, 256))
    assert np.abs(grey[0] - 255 * wanted).max() <= 2


def test_inks_look_as_their_profile_says() -> None:
    for inks, grey in (((0, 0, 0, 0), 255), ((255, 0, 0, 0), 198), ((0, 255, 255, 0), 145)):
        image = Image.new("CMYK", (9, 8), inks)  # L* 100, 80, 60
        found = read(saved(image, "JPEG", quality=100, icc_profile=GREY_INKS))
        assert found.shape == (8, 9, 3)
        assert np.abs(found.astype(int) - grey).max() <= 8  # Black is deepened.


@pytest.mark.parametrize(
    ("mode", "profile", "reason"),
    [
        ("RGB", b"no profile", "of no use"),
        ("RGB", ADOBE_RGB[:200], "of no use"),
        ("RGB", GREY_INKS, "for CMYK"),
        ("RGB", LINEAR_GREY, "for GRAY"),
        ("CMYK", ADOBE_RGB, "for RGB"),
        ("CMYK", b"", ""),
    ],
)
def test_a_profile_of_no_use_is_one_warning(
    colours: Image.Image, mode: str, profile: bytes, reason: str
) -> None:
    image = colours.convert(mode)
    kind, how = ("JPEG", {"quality": 95}) if mode == "CMYK" else ("PNG", {})
    plain = read(saved(image, kind, **how))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read(saved(image, kind, icc_profile=profile, **how))
    told = [str(one.message) for one in caught]
    assert len(told) == bool(reason)
    assert all(one.startswith("x has a colour profile") and reason in one for one in told)
    assert np.array_equal(found, plain)


# ---- 16 bits ---------------------------------------------------------------------------------


def rounded(samples: np.ndarray) -> np.ndarray:
    return np.rint(samples / 257).astype(np.uint8)


@pytest.fixture
def deep() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 65536, (6, 50, 4)).astype(np.uint16)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_rounded(deep: np.ndarray, channels: int) -> None:
    with pytest.warns(UserWarning, match=r"^x has 16-bit samples; they are rounded") as caught:
        found = read(png16(deep[..., :channels]))
    assert len(caught) == 1
    wanted = rounded(deep[..., :channels])
    if channels == 2:
        wanted = wanted[..., [0, 0, 0, 1]]
    assert np.array_equal(found.reshape(wanted.shape), wanted)


def test_one_transparent_colour_of_sixteen_bits(deep: np.ndarray) -> None:
    deep[2, 3] = (1000, 2000, 3000, 0)
    deep[2, 4] = (1000, 2000, 3001, 0)  # The same in eight bits.
    with pytest.warns(UserWarning, match="rounded"):
        found = read(png16(deep[..., :3], clear=(1000, 2000, 3000)))
    assert np.array_equal(found[..., :3], rounded(deep[..., :3]))
    assert np.argwhere(found[..., 3] != 255).tolist() == [[2, 3]]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_sixteen_bits_of_tiff(deep: np.ndarray, order: str, compression: str | None) -> None:
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    how = {"byteorder": order, "compression": compression, "photometric": "rgb"}
    tifffile.imwrite(file, deep[..., :3], **how)
    with pytest.warns(UserWarning, match="rounded"):
        assert np.array_equal(read(file.getvalue()), rounded(deep[..., :3]))
    file = io.BytesIO()
    tifffile.imwrite(file, deep[..., :3].transpose(2, 0, 1).copy(), planarconfig="separate", **how)
    if compression is None:
        # Pillow would take bytes for samples.
        with pytest.raises(ImageInputError, match="x: 16-bit samples in separate planes"):
            read(file.getvalue())
    else:
        with pytest.warns(UserWarning, match="all but their upper 8 bits are left out"):
            assert np.array_equal(read(file.getvalue()), deep[..., :3] >> 8)


def test_a_pillow_image_of_sixteen_bits_is_told_of(deep: np.ndarray) -> None:
    image = Image.open(io.BytesIO(png16(deep[..., :3])))
    with pytest.warns(UserWarning, match="upper 8 bits"):
        fractour.encode(image, codec="template", budget=600)


def test_a_deep_picture_with_a_profile_and_an_orientation(deep: np.ndarray) -> None:
    data = png16(deep[..., :3])
    turned = Image.new("RGB", (1, 1)).getexif()
    turned[0x0112] = 6
    extra = saved(Image.new("RGB", (1, 1)), icc_profile=ADOBE_RGB, exif=turned)
    chunks = extra[33 : extra.index(b"IDAT") - 4]
    with pytest.warns(UserWarning, match="rounded"):
        found = read(data[:33] + chunks + data[33:])
    wanted = adobe_to_srgb(rounded(deep[..., :3])).transpose(1, 0, 2)[:, ::-1]
    assert np.abs(found - wanted).max() <= 2
