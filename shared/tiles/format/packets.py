"""Parameters and packets of formats built on tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ...errors import BitstreamError
from .stream import STEPS

HEADER = 2
"""Bytes of parameters in front of the stream."""
POSTFILTERS = 4
"""Greatest number of a post-filter; 0 is none."""
_LEAST_PACKET = 480


def header_bytes(step: int, chroma: int, postfilter: int) -> bytes:
    """Two bytes of parameters in front of the stream."""
    return bytes([step, postfilter << 3 | chroma])


def parse_header(data: bytes, what: str, flags: int = 0) -> tuple[int, int, int, int]:
    """Read step, chroma, post-filter and the upper two bits (of which `flags` may be set).

    Raises
    ------
    BitstreamError
    """
    step, rest = data[0], data[1]
    if step >= STEPS or (rest >> 3 & 7) > POSTFILTERS or (rest >> 6) & ~flags:
        message = f"the {what} data has parameters that do not exist; the file is damaged"
        raise BitstreamError(message)
    return step, rest & 7, rest >> 3 & 7, rest >> 6


def whole_header(data: bytes, size: int, what: str, *, complete: bool) -> bytes:
    """Extend a cut header with zeros.

    Raises
    ------
    BitstreamError
        If it is short though the data is complete.
    """
    if len(data) < size and complete:
        message = f"the {what} data is shorter than its {size} bytes of parameters"
        raise BitstreamError(message)
    return data.ljust(size, b"\0")


def split_packets(
    head: bytes, payload: bytes, first: int, marks: npt.NDArray[np.int64]
) -> list[bytes]:
    """Cut head and stream into packets: partition and means, then details, none tiny.

    Parameters
    ----------
    head, payload : bytes
    first : int
        Coder shifts after the first stage.
    marks : (n,) int64
        Coder shifts after each element of the later stages.
    """
    total = len(payload)
    least = max(_LEAST_PACKET, total // 5)
    cuts = [0]
    if total >= 2 * _LEAST_PACKET:
        for at in [first + 4, *(marks + 4).tolist()]:
            if at - cuts[-1] >= least and total - at >= least // 2:
                cuts.append(at)
    cuts.append(total)
    parts = [payload[a:b] for a, b in pairwise(cuts)]
    parts[0] = head + parts[0]
    return parts
