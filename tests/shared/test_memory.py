"""How much memory pictures take: a few bytes may declare a large one, and flat ones are cheap."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any, cast

import fractour
import numpy as np
import pytest
from fractour.shared import api, container
from fractour.shared.codec import Codec, Geometry
from fractour.shared.container import Form
from fractour.shared.encoding import Encoding
from fractour.shared.registry import get_codec

SIDE = 1536
MOST = {"wavelet": 40, "tiles": 52, "pifs": 52, "contour": 68, "template": 40}
"""Bytes a pixel (RGBA) of all arrays, those included of which a small file touches little."""


def declaring(codec: str, side: int, channels: int, reduction: int = 0) -> bytes:
    """A file of some hundred bytes that declares a picture of `side` squared."""
    y, x = np.mgrid[:64, :64]
    planes = [128 + 60 * np.sin(x / 7 + k) + 40 * np.cos(y / 5) for k in range(channels)]
    picture = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    data = fractour.encode(picture, codec=codec, budget=420, effort=1)
    frame = container.unpack(data, max_pixels=1 << 12)
    return container.pack(
        frame.codec_number,
        frame.version,
        Geometry(side, side, channels),
        frame.packets,
        trimmed=True,
        form=Form(reduction, False),
    )


def _high_water() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


@pytest.mark.parametrize("reduction", [0, 3])
@pytest.mark.parametrize("codec", MOST)
def test_a_few_bytes_that_declare_a_large_picture(codec: str, reduction: int) -> None:
    large = declaring(codec, SIDE, 4, reduction)
    assert len(large) < 500
    api.decode(declaring(codec, 64, 4, reduction))
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        pytest.skip("the peak of resident memory is known on Linux only")
    reset.write_text("5")
    before = _high_water()
    assert api.decode(large).shape == (SIDE, SIDE, 4)
    assert (_high_water() - before) / SIDE**2 <= 40


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("codec", MOST)
def test_all_arrays_of_any_file(codec: str, channels: int) -> None:
    large = declaring(codec, SIDE, channels)
    api.decode(declaring(codec, 64, channels))
    tracemalloc.start()
    try:
        api.decode(large)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / SIDE**2 <= MOST[codec] * (1 + channels) / 5 + 2


@pytest.mark.parametrize(("codec", "most"), [("wavelet", 90), ("tiles", 218)])
def test_a_flat_picture_is_encoded_with_little(codec: str, most: float) -> None:
    image = np.full((1024, 1024, 3), 130, np.uint8)
    chosen = CountingCodec(get_codec(codec))
    Encoding(get_codec(codec), image[:128, :128], effort=1).file(300)
    tracemalloc.start()
    try:
        file = Encoding(cast("Any", chosen), image, effort=1).file(40_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(file.data) < 40
    assert peak / 1024**2 <= most
    # Where there is nothing to price, the finest step is tried soon.
    assert chosen.proposals <= 3


class CountingCodec:
    """A codec that counts what it is asked to propose."""

    def __init__(self, codec: Codec) -> None:
        self.codec, self.proposals = codec, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.codec, name)

    def propose(self, analysis: object, step: int) -> object:
        """Count, and hand on."""
        self.proposals += 1
        return self.codec.propose(analysis, step)
