from __future__ import annotations

import io

import numpy as np
import pytest
from fractour.corpora.catalog import open_corpus
from fractour.eval.judging.metrics import measure, psnr_rgb
from fractour.eval.measuring import anchors
from fractour.eval.measuring.anchors import (
    ANCHORS,
    AnchorSearch,
    decode_anchor,
    encode_anchor,
    get_anchor,
    strip_comment,
)
from fractour.shared.errors import (
    BackendUnavailableError,
    BitstreamError,
    FractourError,
    ImageInputError,
    UnknownCodecError,
)
from PIL import Image
from skimage import data

FAST = ["jpeg", "jpeg2000", "webp"]


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[:128, 100:260]


@pytest.mark.parametrize("name", ANCHORS)
def test_limit_is_kept_and_used(name, photo):
    limit = 4000
    encoded = encode_anchor(name, photo, limit)
    # JPEG and AVIF have integer qualities: their files come in coarse steps.
    assert 0.9 * limit < len(encoded) <= limit
    decoded = decode_anchor(name, encoded, channels=3)
    assert decoded.shape == photo.shape
    assert decoded.dtype == np.uint8
    assert psnr_rgb(photo, decoded) > 27


@pytest.mark.parametrize("name", FAST)
def test_more_bytes_are_better_and_order_does_not_matter(name, photo):
    search = AnchorSearch(name, photo)
    limits = [1500, 3000, 6000]
    files = [search.best(limit).data for limit in limits]
    values = [psnr_rgb(photo, decode_anchor(name, item)) for item in files]
    assert values[0] < values[1] < values[2]
    other = AnchorSearch(name, photo)
    assert [other.best(limit).data for limit in reversed(limits)] == files[::-1]
    assert search.tried == other.tried < 40  # three bisections, not a scan


def test_the_best_jpeg_is_found(photo):
    """Against trying every quality."""
    files = {}
    for quality in range(1, 101):
        file = io.BytesIO()
        Image.fromarray(photo).save(
            file, "JPEG", quality=quality, progressive=True, optimize=True, subsampling=2
        )
        files[quality] = file.getvalue()
    search = AnchorSearch("jpeg", photo)
    for limit in (1000, 2000, 5000, 10_000_000):
        best = max(quality for quality, item in files.items() if len(item) <= limit)
        found = search.best(limit)
        assert (found.setting, found.data) == (best, files[best])
    assert search.best(len(files[1]) - 1) is None
    assert search.smallest() == len(files[1])
    assert search.tried < 40


@pytest.mark.parametrize("name", ANCHORS)
def test_nothing_fits(name, photo):
    assert encode_anchor(name, photo[:32, :32], 20) is None


def test_jpeg2000_reaches_budgets_that_jpeg_does_not(photo):
    assert encode_anchor("jpeg", photo, 400) is None
    assert len(encode_anchor("jpeg2000", photo, 400)) > 380


def segments(codestream):
    at, found = 2, []
    while codestream[at : at + 2] != b"\xff\x90":
        found.append(codestream[at : at + 2])
        at += 2 + int.from_bytes(codestream[at + 2 : at + 4], "big")
    return found


def test_jpeg2000_is_a_bare_codestream(photo):
    encoded = encode_anchor("jpeg2000", photo, 3000)
    assert encoded[:2] == b"\xff\x4f"
    assert b"\xff\x64" not in segments(encoded)
    assert b"OpenJPEG" not in encoded
    cod = encoded.index(b"\xff\x52")
    assert encoded[cod + 8] == 1  # colour transform
    assert encoded[cod + 13] == 0  # 9/7 irreversible
    assert int.from_bytes(encoded[cod + 6 : cod + 8], "big") == 1  # one layer


def test_comment_is_stripped_without_touching_pixels(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG2000", no_jp2=True, comment="tell me")
    assert b"tell me" in file.getvalue()
    bare = strip_comment(file.getvalue())
    assert b"tell me" not in bare
    assert strip_comment(bare) == bare
    np.testing.assert_array_equal(
        decode_anchor("jpeg2000", bare), decode_anchor("jpeg2000", file.getvalue())
    )


@pytest.mark.parametrize("junk", [b"", b"\xff\x4f", b"\xff\x4f\xff\x51\x00\x00", b"RIFF" * 9])
def test_strip_comment_guards(junk):
    with pytest.raises(BitstreamError):
        strip_comment(junk)


@pytest.mark.parametrize("name", ANCHORS)
def test_grey(name):
    grey = data.camera()[200:280, 200:290]
    for image in (grey, grey[:, :, None]):
        decoded = decode_anchor(name, encode_anchor(name, image, 3000), channels=1)
        assert decoded.shape == grey.shape
        assert psnr_rgb(grey, decoded) > 28


@pytest.mark.parametrize("name", ["jpeg2000", "webp", "avif"])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha(name, channels, photo):
    ramp = np.broadcast_to(np.linspace(0, 255, 160).astype(np.uint8), (128, 160))
    image = np.dstack([photo[:, :, : channels - 1], ramp])
    decoded = decode_anchor(name, encode_anchor(name, image, 9000), channels=channels)
    assert decoded.shape == image.shape
    assert np.abs(decoded[:, :, -1].astype(int) - ramp).mean() < 4


def test_jpeg_holds_no_alpha(photo):
    with pytest.raises(ImageInputError, match="no transparency"):
        encode_anchor("jpeg", np.dstack([photo, photo[:, :, 0]]), 9000)


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40), (17, 3, 3)])
def test_tiny_images(name, shape):
    image = np.full(shape, 77, np.uint8)
    decoded = decode_anchor(name, encode_anchor(name, image, 2000), channels=len(shape[2:]) * 2 + 1)
    assert decoded.shape == shape
    assert np.abs(decoded.astype(int) - 77).max() <= 6


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4)), np.zeros(4, np.uint8), np.zeros((4, 4, 5), np.uint8)]
)
def test_not_an_image(image):
    with pytest.raises(ImageInputError):
        AnchorSearch("jpeg", image)


def test_an_image_that_a_codec_refuses():
    with pytest.raises(ImageInputError, match="WebP cannot encode this 20000x1 image"):
        encode_anchor("webp", np.zeros((1, 20000, 3), np.uint8), 9000)


def test_unknown_and_missing(monkeypatch):
    with pytest.raises(UnknownCodecError, match="jpeg2000"):
        get_anchor("bpg")
    monkeypatch.setattr(anchors.features, "check", lambda name: False)
    with pytest.raises(BackendUnavailableError, match="AVIF"):
        get_anchor("avif")


@pytest.mark.parametrize("name", ANCHORS)
def test_other_formats_are_refused(name, photo):
    other = encode_anchor("webp" if name == "jpeg" else "jpeg", photo, 4000)
    for junk in (other, b"", b"\x00" * 100):
        with pytest.raises(BitstreamError):
            decode_anchor(name, junk)


@pytest.mark.parametrize("name", ANCHORS)
def test_described(name):
    anchor = ANCHORS[name]
    assert anchor.version().split()[-1]
    assert "None" not in anchor.version()
    assert anchor.settings
    assert list(anchor.scale) == sorted(set(anchor.scale))


# Another implementation with another search over the same libraries (2026-11): bytes, then
# PSNR-RGB, PSNR-Y, MS-SSIM and SSIM as pytorch-msssim gives them.
MEASURED = [
    ("05", "jpeg", 0.5, 24030, (24.2717, 25.3362, 0.926, 0.7345)),
    ("05", "jpeg2000", 0.1, 4875, (21.1167, 21.4568, 0.7956, 0.4931)),
    ("05", "webp", 0.5, 24490, (26.3805, 27.2064, 0.9526, 0.8016)),
    ("13", "jpeg2000", 0.5, 24435, (24.6468, 24.9241, 0.9033, 0.6545)),
    ("13", "webp", 0.5, 24326, (24.292, 24.5348, 0.9179, 0.6675)),
    pytest.param(
        *("13", "avif", 0.1, 4236, (20.7271, 20.9556, 0.7516, 0.4061)), marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize(("image", "name", "bpp", "size", "expected"), MEASURED)
def test_kodak_is_as_measured_before(image, name, bpp, size, expected):
    try:
        corpus = open_corpus("kodak")
    except FractourError as error:
        pytest.skip(str(error))
    pixels = next(item for item in corpus.images if item.name == image).load()
    data = encode_anchor(name, pixels, int(bpp * 768 * 512 / 8))
    found = measure(pixels, decode_anchor(name, data))
    # Other versions of the libraries may differ by a hair.
    assert len(data) == pytest.approx(size, rel=0.02)
    assert [found[metric] for metric in ("psnr_rgb", "psnr_y")] == pytest.approx(
        expected[:2], abs=0.05
    )
    assert [found[metric] for metric in ("ms_ssim", "ssim")] == pytest.approx(
        expected[2:], abs=0.001
    )
