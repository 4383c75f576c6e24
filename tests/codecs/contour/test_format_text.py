"""The contour codec's FORMAT.md suffices: a decoder written from it gives the same pixels."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import fractour
import independent_contour
import independent_contour_drawing
import independent_wavelet
import numpy as np
import pytest
from contour_layers import some_layers, some_outlines
from fractour.codecs.contour import ContourCodec
from fractour.codecs.contour.format import base as syntax_base
from fractour.codecs.contour.format import contexts, layout
from fractour.codecs.contour.format import stream as syntax
from fractour.codecs.contour.format.point_sets import arrange
from fractour.shared import container, entropy
from fractour.shared.codec import Geometry
from fractour.shared.errors import FractourError
from fractour.shared.tiles.format.stream import NEUTRAL_CHROMA, component_steps
from places import ROOT

TEXT = (ROOT / "codecs" / "contour" / "FORMAT.md").read_text("utf-8")


def test_the_text_names_the_tables() -> None:
    """New tables are a new format version; until the first release the text follows them."""
    tables = syntax.initial_tables()
    found = []
    for name, kind in (("probability", "uint16"), ("confidence", "uint8"), ("weights", "int32")):
        values = getattr(tables, name).astype(np.dtype(kind).newbyteorder("<"))
        digest = hashlib.sha256(values.tobytes()).hexdigest()
        found.append((name, kind, str(values.size), digest))
    assert re.findall(r"`(\w+)`: `\w` \| (\w+) \| (\d+) \| `([0-9a-f]{64})`", TEXT) == found


def test_the_text_names_the_contexts() -> None:
    stated = re.findall(r"\| (\d+) \| ([A-Z_]+) \| (\d+) \| (\d+) \| (\d+) (?=\|)", TEXT)
    found = [
        (str(i), name, *(str(x) for x in row))
        for i, (name, *row) in enumerate(
            zip(
                contexts._names,
                contexts.LENGTHS,
                contexts.FIRST_AT,
                contexts.SECOND_AT,
                strict=True,
            )
        )
    ]
    assert sorted(stated, key=lambda row: int(row[0])) == found
    assert f"`{contexts.ROW} + {contexts.ROW_STRIDE} * no" in TEXT
    assert f"`{contexts.SHARED_ROW} + 2 * no`" in TEXT
    assert f"{contexts.CONTEXTS} contexts, {contexts.WEIGHTS} weights" in TEXT


def test_the_text_names_the_constants() -> None:
    numbers = " ".join(str(x) for x in layout._SIXTEENTHS)
    assert f"    {numbers}\n" in TEXT
    assert f"part = {layout._RADIUS}" in TEXT
    assert "`ACROSS[0..7]` = " + " ".join(map(str, layout.ACROSS)) in TEXT
    pairs = " ".join(str(pair) for pair in layout.PAIRS)
    assert pairs in " ".join(TEXT.split())
    cosine = layout.cosines()
    for at, value in re.findall(r"`COS\[(\d+)\] = (-?\d+)`", TEXT):
        assert cosine[int(at)] == int(value)


def theirs(data: bytes, **options: Any) -> np.ndarray:
    return np.asarray(
        independent_contour.decode(
            data, independent_wavelet, independent_contour_drawing, **options
        )
    )


def some_file(seed: int, height: int, width: int, channels: int, base_code: int) -> bytes:
    """A file of windows and outlines."""
    rng = np.random.default_rng(seed)
    layers = some_layers(rng, 60, height, width)
    layers = layers[layers[:, layout.COMP] < channels]
    if channels < 3:
        layers[:, [layout.BLUE, layout.RED]] = 0
    geometry = Geometry(height, width, channels)
    step = int(rng.integers(60, 256))
    shape = syntax_base.shape_of(height, width, base_code)
    base = rng.integers(-40, 41, (channels, *shape)).astype(np.int32)
    order = arrange(layers, height, width)
    steps = component_steps(step, NEUTRAL_CHROMA, channels)
    outlines = some_outlines(rng, 5, height, width, steps)
    ground = syntax.Ground(geometry, steps, base_code, base, layers[order], outlines)
    written = syntax.write(syntax.initial_tables(), ground, None)
    payload = entropy.finish(written.coder.state)
    start = syntax.head(step, NEUTRAL_CHROMA, seed % 5, ground, pure=True)
    return container.pack(7, ContourCodec.version, geometry, [start + payload])


SHAPES = [(1, 40, 56, 3, 1), (2, 33, 20, 1, 0), (3, 17, 70, 2, 2), (4, 41, 30, 4, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_decoder_from_the_text_gives_the_same_pixels(shape: tuple[int, ...]) -> None:
    data = some_file(*shape)
    np.testing.assert_array_equal(fractour.decode(data), theirs(data))


def test_magnified() -> None:
    data = some_file(5, 20, 28, 3, 1)
    np.testing.assert_array_equal(fractour.decode(data, scale=3), theirs(data, z=3))


def test_cut_files() -> None:
    data = some_file(6, 24, 40, 3, 1)
    overhead = fractour.info(data)["overhead_bytes"]
    ends = [overhead + n for n in (4, 7, 9, 30, 31, 70, 200, 333, 334, 335)]
    for end in ends:
        ours = fractour.trim(data, end)
        np.testing.assert_array_equal(fractour.decode(ours), theirs(ours))


@pytest.mark.parametrize("seed", range(24))
def test_streams_that_no_encoder_writes(seed: int) -> None:
    rng = np.random.default_rng([9, seed])
    first = int(rng.integers(0, 30))
    flags = 1 << 6 | (seed % 2) << 7
    head = bytes([int(rng.integers(256)), flags | 2, int(rng.integers(4)) << 6 | first, 18])
    payload = head + b"\x20" + rng.bytes(300)
    data = container.pack(
        7, ContourCodec.version, Geometry(19, 23, 3), [payload], trimmed=bool(seed % 3)
    )
    try:
        ours = fractour.decode(data)
    except FractourError:
        with pytest.raises(independent_wavelet.InvalidFileError):
            theirs(data)
    else:
        np.testing.assert_array_equal(ours, theirs(data))
