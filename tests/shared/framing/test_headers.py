"""The short frame: every field, its least bytes, and what is not valid."""

from __future__ import annotations

import contextlib

import pytest
from fractour.shared import container
from fractour.shared.codec import Geometry
from fractour.shared.container import Form
from fractour.shared.errors import BitstreamError, ChecksumError, FractourError, TruncatedError
from hypothesis import example, given
from hypothesis import strategies as st

sides = st.one_of(
    st.integers(1, 5000),
    st.integers(1, 64).map(lambda n: 64 * n),
    st.integers(1, 256).map(lambda n: 16 * n),
)


@example(
    geometry=Geometry(1, 1, 1), packets=[b"\0"], number=2, version=1, form=Form(compact=True),
    trimmed=True,
)  # fmt: skip
@given(
    geometry=st.builds(Geometry, sides, sides, st.integers(1, 4)),
    packets=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=32),
    number=st.integers(0, 127),
    version=st.integers(1, 15),
    form=st.builds(Form, st.integers(0, 7), st.booleans()),
    trimmed=st.booleans(),
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
    overhead = container.overhead_bytes(geometry, sizes, number=number, form=form, trimmed=trimmed)
    assert frame.overhead == overhead
    assert len(data) == frame.overhead + sum(sizes)
    assert frame.header.long == (len(data) >= 1024 and form == Form())


@pytest.mark.parametrize(
    ("width", "height", "overhead"),
    [(768, 512, 4), (640, 480, 5), (501, 333, 6), (90, 60, 5), (9000, 5, 6), (4096, 4096, 5)],
)
def test_sides_take_the_fewest_bytes(width: int, height: int, overhead: int) -> None:
    geometry = Geometry(height, width, 3)
    compact = Form(compact=True)
    # Without checksum, where the tiny frame does, and where the short one must.
    assert container.overhead_bytes(geometry, [9], number=3, form=compact) == overhead - 1
    for more in ({"number": 5}, {"number": 3, "trimmed": True}):
        assert container.overhead_bytes(geometry, [9], form=compact, **more) == overhead
    assert container.overhead_bytes(geometry, [9, 9], number=3, form=compact) == overhead + 2
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
    data = container.pack(5, 1, Geometry(60, 90, 3), [b"abc"], form=Form(compact=True))
    for at, bits in ((0, 3), (2, 32)):
        broken = bytearray(data)
        broken[at] ^= bits
        with pytest.raises(BitstreamError, match="not valid"):
            container.unpack(bytes(broken), max_pixels=1 << 26)
    far = container.pack(64, 1, Geometry(60, 90, 3), [b"abc"], form=Form(compact=True))
    with pytest.raises(BitstreamError, match="not valid"):
        container.unpack(far[:2] + b"\x03" + far[3:], max_pixels=1 << 26)


@pytest.mark.parametrize("number", [2, 3, 4, 6])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_tiny_frame_byte_by_byte(number: int, channels: int) -> None:
    geometry = Geometry(512, 768, channels)
    data = container.pack(number, 9, geometry, [b"abc"], form=Form(5, compact=True))
    what = 4 * (channels == 3) + (2, 3, 4, 6).index(number)
    assert data == bytes([0xA9, 0xC0 | 5 << 3 | what, 0xB7]) + b"abc"
    frame = container.unpack(data, max_pixels=1 << 26)
    assert (frame.codec_number, frame.version, frame.geometry) == (number, 9, geometry)
    assert frame.complete
    with pytest.raises(BitstreamError, match="not valid"):
        container.unpack(b"\xa0" + data[1:], max_pixels=1 << 26)
    with pytest.raises(TruncatedError):
        container.unpack(data[:2], max_pixels=1 << 26)


def test_a_trimmed_compact_file_has_room_for_its_frame() -> None:
    """It is short then, not tiny any more: a byte that the packet gives up."""
    data = container.pack(3, 1, Geometry(512, 768, 3), [bytes(range(1, 90))], form=Form(3, True))
    frame = container.unpack(data, max_pixels=1 << 26)
    for size in (40, len(data) - 1, len(data)):
        cut = container.cut(frame, size, embedded=True)
        assert len(cut) == size
        assert container.unpack(cut, max_pixels=1 << 26).trimmed


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


@given(st.integers(0x90, 0xAF), st.binary(max_size=40))
def test_any_bytes_are_safe(first: int, noise: bytes) -> None:
    with contextlib.suppress(FractourError):
        container.unpack(bytes([first]) + noise, max_pixels=1 << 26)
