"""Damaged files are made of files at a reduced scale too, and stay at it."""

from __future__ import annotations

import numpy as np
from fractour.shared import container
from fractour.shared.conformance.damage import REDUCED, _missing_of
from fractour.shared.conformance.support import encode, sample_picture
from fractour.shared.framing.headers import read_header
from fractour.shared.registry import get_codec


def test_files_of_a_reduced_picture_stay_reduced_without_their_last_packets() -> None:
    *shape, budget = REDUCED
    data = encode(get_codec("tiles"), sample_picture(*shape), budget)
    frame = container.unpack(data, max_pixels=1 << 16)
    assert frame.header.reduction > 0
    payload = b"".join(frame.packets)
    cuts = list(
        _missing_of(frame, [payload[:5], payload[5:9], payload[9:]], np.random.default_rng(0))
    )
    assert len(cuts) > 6
    for cut in cuts:
        assert read_header(cut)[0].form == frame.header.form
