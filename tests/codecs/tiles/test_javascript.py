"""The decoder in JavaScript: kept in step, and the same pixels to the bit in Node and Chromium."""

from __future__ import annotations

import warnings
from pathlib import Path

import fractour
import numpy as np
import numpy.typing as npt
import pytest
from fractour.codecs.tiles import TilesCodec
from fractour.codecs.tiles import javascript as package
from fractour.codecs.tiles.javascript.packing import packed
from fractour.shared import container, entropy
from fractour.shared.codec import Geometry
from fractour.shared.container import Form
from fractour.shared.errors import FractourError
from javascript import (
    CHROMIUM,
    MAX_PIXELS,
    NEEDS_CHROMIUM,
    NEEDS_NODE,
    NODE,
    Found,
    decoded_in_chromium,
    decoded_in_node,
)
from places import GOLDEN, ROOT

MODULE = ROOT / "codecs" / "tiles" / "javascript" / package.NAME
NUMBER, VERSION = TilesCodec.number, TilesCodec.version
Pixels = npt.NDArray[np.uint8]

needs_node = pytest.mark.skipif(NODE is None, reason=NEEDS_NODE)


def golden() -> list[bytes]:
    return [path.read_bytes() for path in sorted(GOLDEN.glob(f"tiles-v{VERSION}-*.frc"))]


def in_python(data: bytes, *, partial: bool = False) -> Found:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels: Pixels = fractour.decode(data, allow_truncated=partial, max_pixels=MAX_PIXELS)
    except FractourError as error:
        return str(error)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def assert_same(files: list[bytes], found: list[Found], *, partial: bool = False) -> int:
    """Hold pixels, and that there is an error, against Python; count the pictures."""
    assert len(found) == len(files)
    pictures = 0
    for number, (data, theirs) in enumerate(zip(files, found, strict=True)):
        ours = in_python(data, partial=partial)
        what = f"file {number}: {data.hex()}; {ours if isinstance(ours, str) else ours.shape}"
        assert isinstance(ours, str) == isinstance(theirs, str), f"{what}, {theirs!r}"
        if not isinstance(ours, str):
            assert np.array_equal(ours, theirs), what
            pictures += 1
    return pictures


def picture(random: np.random.Generator, height: int, width: int, channels: int) -> Pixels:
    """A ramp, a disc, and noise in stripes."""
    y, x = np.mgrid[:height, :width][:, :, :, None]
    slope = random.normal(0, 200 / max(height, width), (2, channels))
    disc = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (min(height, width) / 3) ** 2
    values = 128 + slope[0] * y + slope[1] * x + 80 * disc * random.normal(0, 1, channels)
    # Leaves of all sizes lie beside each other.
    noise = random.normal(0, random.choice([0, 5, 30]), (height, width, channels))
    values = values + noise * (np.sin(x / 9 + y / 17) > random.uniform(-1, 1))
    return np.clip(values, 0, 255).astype(np.uint8)


def framed(geometry: Geometry, packets: list[bytes], form: Form, *, trimmed: bool = False) -> bytes:
    return container.pack(NUMBER, VERSION, geometry, packets, trimmed=trimmed, form=form)


def encoded(random: np.random.Generator, height: int, width: int, form: Form) -> bytes:
    """A picture of these sides, coded at the scale that is asked for."""
    channels = int(random.integers(1, 5))
    coded = form.coded(Geometry(height, width, channels))
    image = picture(random, coded.height, coded.width, channels)
    budget = int(random.choice([40, 64, 100, 237, 500, 2000]))
    whole = fractour.encode(image, codec="tiles", budget=budget, effort=1)
    frame = container.unpack(whole, max_pixels=MAX_PIXELS)
    # The encoder may have halved it further.
    form = Form(form.reduction + frame.header.reduction, form.compact)
    return framed(Geometry(height, width, channels), list(frame.packets), form)


@pytest.fixture(scope="module")
def generated() -> list[bytes]:
    """Files of 1x1 to 65x33 pixels and larger ones; reduced and compact ones too."""
    random = np.random.default_rng(17)
    sides = [(1, 1), (1, 33), (65, 1), (65, 33), (64, 32), (4, 4), (5, 3), (33, 65)]
    sides += [(int(random.integers(1, 66)), int(random.integers(1, 34))) for _ in range(52)]
    forms = [Form(r, compact) for r in (0, 1, 2, 3) for compact in (False, True)]
    small = [encoded(random, *side, forms[i % 8]) for i, side in enumerate(sides)]
    # Leaves of 64 side by side.
    return small + [encoded(random, 150 + 7 * i, 200, Form()) for i in range(8)]


@pytest.fixture(scope="module")
def careless(generated: list[bytes]) -> list[bytes]:
    """Files that no encoder writes: levels and steps beyond use, streams that end early."""
    random = np.random.default_rng(5)
    large = [(130, 131), (160, 144), (128, 192), (640, 64)]  # sides in all forms of the header
    files = []
    for i in range(120):
        height, width = int(random.integers(1, 66)), int(random.integers(1, 34))
        if i < 4:
            height, width = large[i]
        form = Form(int(random.integers(0, 4)), bool(i & 1))
        # All decisions are 1 as long as the stream is 0: the largest numbers there are.
        ones = bytes(int(random.choice([0, 0, 0, 10, 40, 1000])))
        stream = ones + random.bytes(int(random.choice([0, 3, 4, 40, 400, 4000])))
        packet = bytes([random.integers(256), random.integers(40)]) + stream
        geometry = Geometry(height, width, int(random.integers(1, 5)))
        files.append(framed(geometry, [packet], form, trimmed=i % 4 != 3))
    files.append(framed(Geometry(9, 9, 3), [b"\x80"], Form(), trimmed=True))
    files.append(framed(Geometry(9, 9, 3), [b"\x80"], Form()))
    files.append(framed(Geometry(9, 9, 3), [bytes([128, 64, 1, 2, 3])], Form(), trimmed=True))
    # Each post-filter and each offset of chroma.
    frames = [container.unpack(data, max_pixels=MAX_PIXELS) for data in generated]
    for postfilter in range(5):
        for chroma in range(8):
            frame = frames[(postfilter * 8 + chroma) % len(frames)]
            packet = b"".join(frame.packets)
            packet = packet[:1] + bytes([postfilter << 3 | chroma]) + packet[2:]
            form = frame.header.form
            files.append(framed(frame.geometry, [packet], form, trimmed=True))
    # Streams that lack bytes at their end, which the checksum cannot tell.
    for i, frame in enumerate(frames):
        packet = b"".join(frame.packets)[: -1 - i % 7]
        if packet:
            files.append(framed(frame.geometry, [packet], frame.header.form))
    return files


def test_the_decoder_is_in_step_with_its_parts_and_the_tables() -> None:
    assert package.decoder() == package.joined(), (
        f"{package.NAME} is out of step: run python -m fractour.codecs.tiles.javascript"
    )


def test_packed_tables_refuse_what_does_not_fit() -> None:
    counts = np.arange(17, dtype=np.int32)
    with pytest.raises(ValueError, match="16 different counts"):
        packed(entropy.Tables(counts + 5, counts, counts))
    with pytest.raises(ValueError, match="more than 18 bits"):
        packed(entropy.Tables(counts + 5, counts // 2, counts << 13))


@needs_node
def test_golden_files_in_node() -> None:
    files = golden()
    assert assert_same(files, decoded_in_node(MODULE, files)) == len(files) > 0


@needs_node
def test_generated_files_in_node(generated: list[bytes]) -> None:
    assert assert_same(generated, decoded_in_node(MODULE, generated)) == len(generated)
    frames = [container.unpack(data, max_pixels=MAX_PIXELS) for data in generated]
    assert {frame.geometry.channels for frame in frames} == {1, 2, 3, 4}
    assert {frame.header.checksum for frame in frames} >= {0, 2}
    assert {frame.header.reduction for frame in frames} >= {0, 1, 2, 3}


@needs_node
def test_random_data_in_node(careless: list[bytes]) -> None:
    pictures = assert_same(careless, decoded_in_node(MODULE, careless))
    assert 0 < pictures < len(careless)


@needs_node
@pytest.mark.parametrize("partial", [False, True])
def test_cut_files_in_node(partial: bool, generated: list[bytes]) -> None:
    random = np.random.default_rng(8)
    parsed = {data: container.unpack(data, max_pixels=MAX_PIXELS) for data in golden()}
    large, frame = next((data, one) for data, one in parsed.items() if len(one.packets) > 1)
    files = [data[: int(random.integers(0, len(data)))] for data in generated + 10 * [large]]
    whole = frame.overhead + np.cumsum([len(packet) for packet in frame.packets])
    files += [large[:end] for end in whole.tolist()]
    pictures = assert_same(files, decoded_in_node(MODULE, files, partial=partial), partial=partial)
    assert len(whole) <= pictures < len(files)


@needs_node
def test_damaged_files_in_node(generated: list[bytes]) -> None:
    random = np.random.default_rng(9)
    files = [b"", b"\x8f", b"GIF89a", *(random.bytes(30) for _ in range(20))]
    for data in generated:
        damaged = bytearray(data)
        for _ in range(int(random.integers(1, 4))):
            damaged[int(random.integers(0, len(data)))] ^= 1 << int(random.integers(0, 8))
        files.append(bytes(damaged))
    pictures = assert_same(files, decoded_in_node(MODULE, files))
    assert 0 < pictures < len(files)


@needs_node
def test_a_picture_that_is_too_large_is_refused_at_once() -> None:
    packet = [bytes(8)]
    files = [framed(Geometry(1 << 20, 1 << 20, 3), packet, Form(0, True))]
    files.append(framed(Geometry(1, 1 << 21, 1), packet, Form(0, True)))
    found = decoded_in_node(MODULE, files)
    assert all("too many" in str(one) for one in found)


@needs_node
def test_other_codecs_and_versions_are_named() -> None:
    other = (GOLDEN / "template-v1-grey.frc").read_bytes()
    newer = container.pack(NUMBER, VERSION + 1, Geometry(4, 4, 1), [bytes(8)])
    found = decoded_in_node(MODULE, [other, newer])
    assert "codec 1 version 1" in str(found[0])
    assert f"version {VERSION}, not codec 3 version {VERSION + 1}" in str(found[1])


@pytest.mark.skipif(CHROMIUM is None, reason=NEEDS_CHROMIUM)
def test_all_files_in_chromium(
    generated: list[bytes], careless: list[bytes], tmp_path: Path
) -> None:
    files = golden() + generated + careless
    assert assert_same(files, decoded_in_chromium(MODULE, files, tmp_path)) >= len(generated)
