"""The container: every byte accounted for, every kind of damage named."""

from __future__ import annotations

import contextlib

import fractour
import numpy as np
import pytest
from fractour.shared import container
from fractour.shared.codec import Geometry
from fractour.shared.conformance import sample_picture
from fractour.shared.container import MAGIC, write_varint
from fractour.shared.errors import (
    BitstreamError,
    BudgetError,
    ChecksumError,
    FractourError,
    ImageTooLargeError,
    TruncatedError,
    UnknownCodecError,
    UnsupportedVersionError,
)
from hypothesis import given
from hypothesis import strategies as st

LIMIT = 1 << 26
geometries = st.builds(Geometry, st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 4))
packet_lists = st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=32)


@given(geometries, packet_lists, st.integers(0, 127), st.integers(1, 15), st.booleans())
def test_round_trip(
    geometry: Geometry, packets: list[bytes], number: int, version: int, trimmed: bool
) -> None:
    data = container.pack(number, version, geometry, packets, trimmed=trimmed)
    frame = container.unpack(data, max_pixels=LIMIT)
    assert (frame.codec_number, frame.version, frame.geometry) == (number, version, geometry)
    assert list(frame.packets) == packets
    assert frame.trimmed == trimmed
    assert frame.complete == (not trimmed)
    assert frame.overhead == len(data) - sum(map(len, packets))
    assert frame.overhead == container.overhead_bytes(
        geometry, [len(p) for p in packets], number=number
    )


def test_overhead_at_a_kilobyte() -> None:
    rng = np.random.default_rng(0)
    smooth = rng.integers(0, 256, (8, 12, 3)).repeat(64, 0).repeat(64, 1).astype(np.uint8)
    data = fractour.encode(smooth, budget=1000)
    assert len(data) > 900
    assert fractour.info(data)["overhead_bytes"] <= 12


@given(packet_lists, st.integers(0, 200))
def test_cut_after_a_packet_is_a_file(packets: list[bytes], seed: int) -> None:
    data = container.pack(2, 1, Geometry(40, 30, 3), packets)
    count = seed % len(packets) + 1
    end = container.unpack(data, max_pixels=LIMIT).overhead + sum(map(len, packets[:count]))
    frame = container.unpack(data[:end], max_pixels=LIMIT)
    assert list(frame.packets) == packets[:count]
    assert not frame.cut
    assert frame.complete == (count == len(packets))


@given(packet_lists, st.data())
def test_every_bit_flip_is_noticed(packets: list[bytes], data: st.DataObject) -> None:
    whole = container.pack(2, 1, Geometry(40, 30, 3), packets)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    broken = bytearray(whole)
    broken[bit // 8] ^= 1 << bit % 8
    try:
        frame = container.unpack(bytes(broken), max_pixels=LIMIT)
    except FractourError:
        return
    # A flip in the packet table can only make the file look cut.
    assert frame.cut or len(frame.packets) < frame.declared_packets


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_safe(noise: bytes, with_magic: bool) -> None:
    with contextlib.suppress(FractourError):
        container.unpack((container.MAGIC if with_magic else b"") + noise, max_pixels=LIMIT)


def _file() -> bytes:
    y, x = np.mgrid[0:64, 0:64]
    image = np.stack([x * 4, y * 4, (x * y) % 251], -1).astype(np.uint8)
    return fractour.encode(image, budget=4000)


def test_each_damage_has_its_error() -> None:
    data = _file()
    with pytest.raises(BitstreamError, match="is empty"):
        fractour.decode(b"")
    with pytest.raises(BitstreamError, match="magic"):
        fractour.decode(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(TruncatedError, match="header"):
        fractour.decode(data[:6])
    with pytest.raises(ChecksumError, match="checksum"):
        fractour.decode(data + b"\0")
    with pytest.raises(ChecksumError, match="checksum"):
        fractour.decode(data[:-1])
    flipped = bytearray(data)
    flipped[-10] ^= 4
    with pytest.raises(ChecksumError):
        fractour.decode(bytes(flipped))
    packets = fractour.info(data)["packets"]
    assert len(packets) > 2
    inside = len(data) - packets[-1] - 5
    with pytest.raises(TruncatedError, match="allow_truncated"):
        fractour.decode(data[:inside])
    assert fractour.decode(data[:inside], allow_truncated=True).shape == (64, 64, 3)


def test_newer_version_and_foreign_codec_name_the_remedy() -> None:
    geometry = Geometry(4, 4, 3)
    with pytest.raises(UnsupportedVersionError, match="upgrade"):
        fractour.decode(container.pack(2, 15, geometry, [b"abc"]))
    with pytest.raises(UnknownCodecError, match="wire number 99"):
        fractour.decode(container.pack(99, 1, geometry, [b"abc"]))


def test_absurd_sizes_fail_before_memory_is_taken() -> None:
    huge = container.pack(2, 1, Geometry(10**9, 10**9, 3), [b"abc"])
    with pytest.raises(ImageTooLargeError, match="max_pixels"):
        fractour.decode(huge)
    with pytest.raises(ImageTooLargeError):
        fractour.decode(_file(), max_pixels=100)


def test_trim_to_nothing_names_the_smallest() -> None:
    with pytest.raises(BudgetError) as caught:
        fractour.trim(_file(), 5)
    smallest = caught.value.smallest
    assert smallest is not None
    assert len(fractour.trim(_file(), smallest)) == smallest


def test_trim_of_an_embedded_file_uses_every_byte() -> None:
    data = _file()
    for size in (len(data) - 1, 2000, 500, 100, 64):
        shorter = fractour.trim(data, size)
        assert len(shorter) == size
        assert fractour.info(shorter)["trimmed"]
        assert fractour.decode(shorter).shape == (64, 64, 3)
    assert fractour.trim(data, len(data)) == data


@pytest.mark.parametrize("wrong", [5, "file.frc", None, [143, 70]])
def test_what_is_no_bytes_is_a_type_error(wrong: object) -> None:
    for use in (fractour.decode, fractour.info, lambda data: fractour.trim(data, 100)):
        with pytest.raises(TypeError):
            use(wrong)


def test_anything_with_a_buffer_is_a_file() -> None:
    data = fractour.encode(sample_picture(16, 16, 3), codec="template", budget=300)
    wanted = fractour.decode(data)
    for kind in (bytearray, memoryview, lambda raw: np.frombuffer(raw, np.uint8)):
        assert np.array_equal(fractour.decode(kind(data)), wanted)
        assert fractour.info(kind(data))["bytes"] == len(data)


def test_of_a_file_cut_inside_its_last_packet_what_is_whole_decodes() -> None:
    data = _file()
    with pytest.warns(UserWarning, match="cut inside its last packet"):
        pixels = fractour.decode(data[:-1], allow_truncated=True)
    assert pixels.shape == fractour.decode(data).shape
    with pytest.raises(ChecksumError):
        fractour.info(data[:-1])


def test_sides_beyond_those_of_the_format_are_refused_whatever_the_limit() -> None:
    head = MAGIC + bytes([1, 16])
    data = head + write_varint((1 << 35) - 1) * 2 + bytes(20)
    with pytest.raises(ImageTooLargeError, match="side"):
        fractour.decode(data, max_pixels=1 << 80)
