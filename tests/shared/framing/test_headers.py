"""The short frame: every field, its least bytes, and what is not valid."""

from __future__ import annotations

import contextlib

import pytest
from fractour.shared import container
from fractour.shared.codec import Geometry
from fractour.shared.container import Form
from fractour.shared.errors import BitstreamError, ChecksumError, FractourError
from hypothesis import given
from hypothesis import strategies as st

sides = st.one_of(
    st.integers(1, 5000),
    st.integers(1, 64).map(lambda n: 64 * n),
    st.integers(1, 256).map(lambda n: 16 * n),
)


@given(
    st.builds(Geometry, sides, sides, st.integers(1, 4)),
    st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=32),
    st.integers(0, 127),
    st.integers(1, 15),
    st.builds(Form, st.integers(0, 7), st.booleans()),
    st.booleans(),
)
def test_round_trip(
    geometry: Geometry,
    packets: list[bytes],
    number: int,
    version: int,
    form: Form,
    trimmed: bool,
) -> None:
    data = container.pack(number, version, geometry, packets, trimmed=trimmed, form=form)
    frame = container.unpack(data, max_pixels=1 << 26)
    assert (frame.codec_number, frame.version, frame.geometry) == (number, version, geometry)
    assert (list(frame.packets), frame.trimmed, frame.header.form) == (packets, trimmed, form)
    sizes = [len(packet) for packet in packets]
    assert frame.overhead == container.overhead_bytes(geometry, sizes, number=number, form=form)
    assert len(data) == frame.overhead + sum(sizes)
    assert frame.header.long == (len(data) >= 1024 and form == Form())


@pytest.mark.parametrize(
    ("width", "height", "overhead"),
    [(768, 512, 4), (640, 480, 5), (501, 333, 6), (90, 60, 5), (9000, 5, 6), (4096, 4096, 5)],
)
def test_sides_take_the_fewest_bytes(width: int, height: int, overhead: int) -> None:
    geometry = Geometry(height, width, 3)
    assert container.overhead_bytes(geometry, [9], number=3, form=Form(compact=True)) == overhead
    assert container.overhead_bytes(geometry, [9], number=3) == overhead + 2
    assert container.overhead_bytes(geometry, [9], number=64) == overhead + 3


def test_checksum_grows_with_the_file() -> None:
    geometry = Geometry(512, 768, 3)
    for size, form, checksum, long in (
        (900, Form(), 2, False),
        (2000, Form(), 4, True),
        (2000, Form(1), 4, False),
        (2000, Form(1, compact=True), 0, False),
    ):
        data = container.pack(3, 1, geometry, [bytes(size)], form=form)
        header = container.unpack(data, max_pixels=1 << 26).header
        assert (header.checksum, header.long) == (checksum, long)


def test_what_is_not_valid() -> None:
    data = container.pack(3, 1, Geometry(60, 90, 3), [b"abc"], form=Form(compact=True))
    for at, bits in ((0, 3), (2, 32)):
        broken = bytearray(data)
        broken[at] ^= bits
        with pytest.raises(BitstreamError, match="not valid"):
            container.unpack(bytes(broken), max_pixels=1 << 26)
    far = container.pack(64, 1, Geometry(60, 90, 3), [b"abc"], form=Form(compact=True))
    with pytest.raises(BitstreamError, match="not valid"):
        container.unpack(far[:2] + b"\x03" + far[3:], max_pixels=1 << 26)


@given(st.binary(min_size=1, max_size=600), st.data())
def test_up_to_three_flipped_bits_of_a_short_packet_are_noticed(
    packet: bytes, draw: st.DataObject
) -> None:
    data = bytearray(container.pack(3, 1, Geometry(60, 90, 3), [packet]))
    start = container.overhead_bytes(Geometry(60, 90, 3), [len(packet)], number=3)
    bits = st.integers(8 * start, 8 * len(data) - 1)
    for bit in draw.draw(st.sets(bits, min_size=1, max_size=3)):
        data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ChecksumError):
        container.unpack(bytes(data), max_pixels=1 << 26)


@given(st.integers(0x90, 0x9F), st.binary(max_size=40))
def test_any_bytes_are_safe(first: int, noise: bytes) -> None:
    with contextlib.suppress(FractourError):
        container.unpack(bytes([first]) + noise, max_pixels=1 << 26)
