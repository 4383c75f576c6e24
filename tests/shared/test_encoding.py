"""Reduced scales: chosen where they are better, and shown at every size."""

from __future__ import annotations

import fractour
import numpy as np
import pytest
from fractour.shared import container, encoding
from fractour.shared.codec import Geometry
from fractour.shared.encoding import reductions
from fractour.shared.errors import ChecksumError, FractourError
from fractour.shared.registry import get_codec


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    y, x = np.mgrid[:200, :301]
    bumps = [128 + 90 * np.sin(x / a + b) * np.cos(y / (a + 9)) for a, b in ((9, 0), (14, 1))]
    return np.clip(np.stack([*bumps, (x + y) / 2], -1), 0, 255).astype(np.uint8)


def error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("codec", ["wavelet", "tiles"])
def test_few_bytes_show_a_reduced_picture_better(
    codec: str, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = fractour.encode(picture, codec=codec, budget=80)
    facts = fractour.info(data)
    assert len(data) <= 80
    assert facts["reduction"] > 1
    assert (facts["width"], facts["height"]) == (301, 200)
    shown = fractour.decode(data)
    assert shown.shape == picture.shape
    monkeypatch.setattr(type(get_codec(codec)), "reducible", False)
    plain = fractour.encode(picture, codec=codec, budget=80)
    assert fractour.info(plain)["reduction"] == 1
    assert error(shown, picture) < error(fractour.decode(plain), picture)


def test_the_small_picture_is_given_directly(picture: np.ndarray) -> None:
    for budget in (80, 6000):
        data = fractour.encode(picture, codec="tiles", budget=budget)
        whole = fractour.decode(data).astype(float)
        for reduce in (2, 4, 8):
            small = fractour.decode(data, reduce=reduce)
            assert small.shape == (-(-200 // reduce), -(-301 // reduce), 3)
            blocks = whole[: 200 // reduce * reduce, : 301 // reduce * reduce]
            blocks = blocks.reshape(200 // reduce, reduce, 301 // reduce, reduce, 3).mean((1, 3))
            assert np.abs(small[: 200 // reduce, : 301 // reduce] - blocks).mean() < 3
    with pytest.raises(FractourError, match="reduce must be"):
        fractour.decode(data, reduce=3)


def test_compact_files_have_no_checksum_and_say_so(picture: np.ndarray) -> None:
    usual, compact = (
        fractour.encode(picture, codec="tiles", budget=100, compact=c) for c in (False, True)
    )
    assert fractour.info(usual)["checksum_bytes"] == 2
    assert fractour.info(compact)["checksum_bytes"] == 0
    # Two bytes of checksum, and one that the tiny frame is shorter by.
    assert fractour.info(usual)["overhead_bytes"] - fractour.info(compact)["overhead_bytes"] == 3
    with pytest.raises(ChecksumError):
        fractour.decode(usual[:-1] + bytes([usual[-1] ^ 1]))
    large = fractour.encode(picture, codec="tiles", budget=3000, compact=True)
    assert fractour.info(large)["checksum_bytes"] == 0
    assert fractour.info(fractour.trim(large, 500))["checksum_bytes"] == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (512, 768, 3), (4096, 4096, 3), (333, 501, 1)])
def test_a_flat_picture_takes_twelve_bytes_at_most(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 130, np.uint8)
    data = fractour.encode(image, codec="tiles", budget=12)
    assert len(data) <= 12
    assert error(fractour.decode(data).reshape(shape), image) < 30


def test_every_density_has_a_scale() -> None:
    codec = get_codec("tiles")
    for side in (1, 7, 100, 4096, 30000):
        for limit in (1, 32, 500, 10000):
            found = reductions(codec, Geometry(side, side, 3), limit)
            assert found
            assert found == sorted(set(found))


def test_a_cut_keeps_the_scale(picture: np.ndarray) -> None:
    data = fractour.encode(picture, codec="tiles", budget=100)
    frame = container.unpack(fractour.trim(data, 60), max_pixels=1 << 20)
    assert frame.header.reduction == container.unpack(data, max_pixels=1 << 20).header.reduction
    assert fractour.decode(fractour.trim(data, 60)).shape == picture.shape


def test_windows_of_a_network_are_not_tried_on_a_reduced_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    tried: list[int] = []
    plain = encoding.AnyScale._encoding
    monkeypatch.setattr(
        encoding.AnyScale, "_encoding", lambda self, k: (tried.append(k), plain(self, k))[1]
    )
    pixels = np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1))
    for codec, scales in (("contour-pure", [0]), ("tiles", [0, 1])):
        tried.clear()
        fractour.encode(pixels, codec=codec, encoder="network", budget=34)
        assert sorted(set(tried)) == scales, codec
