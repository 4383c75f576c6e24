"""`decode_many`: what `decode` gives, in order, errors in their places, on every backend."""

from __future__ import annotations

import json
from collections.abc import Iterator

import fractour
import numpy as np
import pytest
from fractour.shared import api, decoding
from fractour.shared.conformance import sample_picture
from fractour.shared.errors import BackendUnavailableError, BitstreamError, FractourError
from kernels import kernel_path
from places import GOLDEN

FILES = [(GOLDEN / name).read_bytes() for name in json.loads((GOLDEN / "golden.json").read_text())]


def _same(found: object, data: bytes) -> None:
    np.testing.assert_array_equal(found, fractour.decode(data))


def test_gives_what_decode_gives_in_order() -> None:
    found = list(fractour.decode_many(FILES))
    assert len(found) == len(FILES)
    for picture, data in zip(found, FILES, strict=True):
        _same(picture, data)


def test_errors_come_back_in_their_places() -> None:
    good = FILES[0]
    damaged = bytes([*good[:-1], good[-1] ^ 1])
    files = [good, b"", damaged, good, 5, good[: len(good) // 2]]
    found = list(fractour.decode_many(files))  # type: ignore[arg-type]
    _same(found[0], good)
    _same(found[3], good)
    assert isinstance(found[1], BitstreamError)
    assert isinstance(found[2], BitstreamError)
    assert isinstance(found[4], TypeError)
    assert isinstance(found[5], BitstreamError)


def test_a_device_makes_pictures_of_one_size_together(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    xp = kernel_path(tmp_path_factory.mktemp("kernels"))
    monkeypatch.setattr(decoding, "get_array_module", lambda name: xp)
    files = [
        fractour.encode(sample_picture(48, 64, channels, seed=seed), codec="tiles", budget=300)
        for seed in range(3)
        for channels in (3, 1)
    ]
    files.insert(2, b"nothing")
    found = list(fractour.decode_many(files, backend="cupy"))
    assert isinstance(found.pop(2), BitstreamError)
    for picture, data in zip(found, [*files[:2], *files[3:]], strict=True):
        _same(picture, data)


def test_takes_files_as_pictures_are_taken() -> None:
    """Neither the files nor the pictures need to fit into memory."""
    taken = []

    def source() -> Iterator[bytes]:
        for i in range(1000):
            taken.append(i)
            yield FILES[0]

    pictures = fractour.decode_many(source(), workers=2)
    for _ in range(3):
        _same(next(pictures), FILES[0])
    assert len(taken) < 20


@pytest.mark.parametrize("limit", [1, 5000, 1 << 20])
def test_batches_are_bounded(limit: int) -> None:
    read = [api.parse(FILES[i % len(FILES)]) for i in range(20)]
    batches = list(decoding._batches(read, limit))
    assert [one for batch in batches for one in batch] == read
    for batch in batches:
        assert len(batch) == 1 or sum(one[0].geometry.pixels for one in batch) <= limit


def test_refuses_what_decode_refuses() -> None:
    with pytest.raises(FractourError, match="positive"):
        fractour.decode_many([], scale=0)
    with pytest.raises(BackendUnavailableError):
        fractour.decode_many([], backend="abacus")
    (found,) = fractour.decode_many([FILES[0]], max_pixels=10)
    assert isinstance(found, FractourError)
    assert list(fractour.decode_many([])) == []
