"""The two FORMAT.md suffice: a decoder written from them alone gives the same pixels."""

from __future__ import annotations

import hashlib
import itertools
import re
from importlib.resources import files

import fractour
import independent_wavelet
import numpy as np
import pytest
from fractour.codecs.wavelet.format import stream as syntax
from fractour.codecs.wavelet.format.layout import make_layout
from fractour.codecs.wavelet.synthesis import reconstruction, transform
from fractour.shared import container, entropy
from fractour.shared.codec import Geometry
from fractour.shared.conformance import sample_picture
from fractour.shared.entropy import coder
from fractour.shared.errors import FractourError
from places import ROOT


def same(data: bytes, *, partial: bool = False) -> None:
    ours = fractour.decode(data, allow_truncated=partial)
    theirs = independent_wavelet.decode(data, partial=partial)
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs)


def encoded(height: int, width: int, channels: int, budget: int) -> bytes:
    return fractour.encode(sample_picture(height, width, channels), budget=budget)


@pytest.mark.parametrize(
    ("height", "width", "channels", "budget"),
    [
        (1, 1, 3, 64),
        (9, 7, 1, 120),
        (11, 19, 2, 260),
        (24, 17, 3, 500),
        (13, 20, 4, 400),
        (1, 40, 3, 150),
        (33, 1, 4, 150),
        (1, 700, 2, 200),
        (5, 9, 3, 4000),
    ],
)
def test_same_pixels(height: int, width: int, channels: int, budget: int) -> None:
    same(encoded(height, width, channels, budget))


def test_noise() -> None:
    """Coefficients that are still zero among large ones."""
    noise = np.random.default_rng(5).integers(0, 256, (20, 24), dtype=np.uint8)
    same(fractour.encode(noise, budget=1 << 16))


def test_parents_that_are_smaller() -> None:
    """Blocks whose parent block lies outside, beside one of 64 that is open."""
    same(encoded(66, 200, 1, 700))


def test_prefixes() -> None:
    frame = container.unpack(encoded(48, 40, 3, 1700), max_pixels=48 * 40)
    payload = b"".join(frame.packets)
    # Packets of our own choice: one byte, some of each length, the rest.
    ends = [0, 1, 190, 400, 700, 1300, len(payload)]
    packets = [payload[a:b] for a, b in itertools.pairwise(ends)]
    data = container.pack(2, 1, frame.geometry, packets)
    overhead = len(data) - len(payload)
    same(data)
    for end in ends[1:-1]:
        same(data[: overhead + end])
    for end in (2, 3, 5, 6, 300, 1299):
        same(data[: overhead + end], partial=True)
    for size in (20, 60, 300, 1000):
        trimmed = fractour.trim(data, size)
        assert fractour.info(trimmed)["trimmed"]
        same(trimmed)


def test_a_cut_at_every_byte() -> None:
    """Where the data ends, which decisions count, what is taken for the rest."""
    data = encoded(10, 12, 3, 90)
    for size in range(17, len(data)):
        same(fractour.trim(data, size))


@pytest.mark.parametrize("first", [0, 7, 23])
@pytest.mark.parametrize("step", [0, 400, 1023])
@pytest.mark.parametrize("trimmed", [False, True])
def test_streams_that_no_encoder_writes(first: int, step: int, trimmed: bool) -> None:
    """Large magnitudes, all planes, samples that wrap; and the same verdict on short ones."""
    rng = np.random.default_rng([first, step])
    payload = (step << 5 | first).to_bytes(2, "big") + b"\x20" + rng.bytes(60)
    data = container.pack(2, 1, Geometry(6, 5, 3), [payload], trimmed=trimmed)
    try:
        fractour.decode(data)
    except FractourError:
        with pytest.raises(independent_wavelet.InvalidFileError):
            independent_wavelet.decode(data)
    else:
        same(data)


def test_both_refuse_the_same_files() -> None:
    frame = container.unpack(encoded(24, 17, 3, 300), max_pixels=24 * 17)
    payload = b"".join(frame.packets)
    data = container.pack(2, 1, frame.geometry, [payload[:100], payload[100:]])
    facts = fractour.info(data)
    broken = [data[:n] for n in (0, 1, 3, 5, 8, 11, facts["overhead_bytes"], len(data) - 1)]
    broken += [data + b"\0", b"\x8fG" + data[2:], data[:4] + b"\0" + data[5:]]
    broken += [data[: facts["overhead_bytes"] + 9]]
    for raw in broken:
        with pytest.raises(FractourError):
            fractour.decode(raw)
        with pytest.raises(independent_wavelet.InvalidFileError):
            independent_wavelet.decode(raw)


def test_the_text_names_the_tables() -> None:
    text = (ROOT / "codecs" / "wavelet" / "FORMAT.md").read_text("utf-8")
    stated = re.findall(r"`(\w+)`: `\w` \| (\w+) \| (\d+) \| `([0-9a-f]{64})`", text)
    path = files("fractour") / "codecs" / "wavelet" / "tables.npz"
    with path.open("rb") as stream, np.load(stream) as stored:
        found = [
            (
                name,
                stored[name].dtype.name,
                str(stored[name].size),
                hashlib.sha256(
                    stored[name].astype(stored[name].dtype.newbyteorder("<")).tobytes()
                ).hexdigest(),
            )
            for name in stored.files
        ]
    assert len(stated) == 3
    assert stated == found


def test_the_text_names_its_check_values() -> None:
    text = (ROOT / "shared" / "FORMAT.md").read_text("utf-8")
    checks = re.findall(r"`(SQUASH|STRETCH|RATE)[(\[](-?\d+)[)\]] = (-?\d+)`", text)
    assert len(checks) >= 9
    for name, at, value in checks:
        index = int(at) + (2816 if name == "SQUASH" else 0)
        assert getattr(independent_wavelet, name)[index] == int(value), (name, at)


def test_tables_of_the_entropy_coder() -> None:
    assert entropy.SQUASH.tolist() == independent_wavelet.SQUASH
    assert entropy.STRETCH.tolist() == independent_wavelet.STRETCH
    assert coder._RATE.tolist() == independent_wavelet.RATE


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (1, 100_000)])
def test_steps_and_dequantization(height: int, width: int) -> None:
    """Every step, every level, and what is made of a magnitude."""
    layout = make_layout(height, width)
    bands = independent_wavelet.make_bands(height, width, 0)[2]
    for step in range(1024) if len(bands) < 5 else (0, 777):
        for components in (1, 2, 3, 4):
            ours = syntax.band_steps(layout, step, components)
            for comp in range(components):
                theirs = [
                    independent_wavelet.band_step(band, step, comp, components) for band in bands
                ]
                assert ours[comp].tolist() == theirs


@pytest.mark.parametrize("step", [0, 3, 500, 1023])
def test_a_single_value(step: int) -> None:
    """Of 1x1 pixels the component is the dequantized coefficient."""
    band = independent_wavelet.make_bands(1, 1, 0)[2][0]
    layout = make_layout(1, 1)
    rng = np.random.default_rng(step)
    q = independent_wavelet.band_step(band, step, 0, 1)
    for last in 9 * (0, 1, 2, 7, 24):
        for bits in range(last, 25):
            # Nothing is known below plane `last`, except for a bit that is 1 in the next one.
            m = int(rng.integers(1 << bits >> 1, 1 << bits)) >> last << last
            m |= int(rng.integers(2)) << last >> 1
            sign = int(rng.choice([-1, 1])) if m else 0
            magnitude = np.zeros((1, layout.size), np.int32)
            signs = np.zeros((1, layout.size), np.int8)
            at = layout.table[0, 0]
            magnitude[0, at], signs[0, at] = m, sign
            symbols = syntax.Symbols(
                Geometry(1, 1, 1), step, magnitude, signs, np.array([last]), {}
            )
            ours = next(reconstruction.components(symbols, np))
            assert ours.item() == independent_wavelet.value_of(m, sign, last, q)


@pytest.mark.parametrize(("height", "width"), [(1, 9), (13, 10), (96, 80)])
def test_samples_wrap(height: int, width: int) -> None:
    """The inverse transform of numbers so large that 32 bits do not hold the result."""
    dense = np.random.default_rng(3).integers(-(1 << 31), 1 << 31, (height, width)).astype(np.int32)
    shapes = make_layout(height, width).shapes
    area = dense.tolist()
    h, w, _ = independent_wavelet.make_bands(height, width, 0)
    independent_wavelet.inverse(area, h, w)
    assert transform.inverse_compiled(dense.copy(), shapes).tolist() == area
    assert transform.inverse_arrays(np, dense, shapes).tolist() == area
