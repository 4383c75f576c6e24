"""A file growing: what its first bytes show, then more of them, as an animation."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FRAMES = 24
"""Frames at most; the sizes between packets and the number of packets differ by format."""

_PACE, _REST = 200, 2000  # milliseconds a frame, and the last one


def steps(data: bytes, *, max_pixels: int) -> list[bytes]:
    """Cut a file to rising sizes: after every packet, and between them where a format allows.

    Parameters
    ----------
    data : bytes
        A ``.frc`` file.
    max_pixels : int
        See `shared.api.decode`.

    Returns
    -------
    list of bytes
        Files, each a beginning of `data`, at most `FRAMES`; the last is `data`.
    """
    from ..shared.api import info, trim
    from ..shared.errors import BudgetError

    facts = info(data, max_pixels=max_pixels)
    ends = [facts["overhead_bytes"]]
    for size in facts["packets"]:
        ends.append(ends[-1] + size)
    # Few packets: sizes in equal ratios between them. A format that is cut only after packets
    # gives the same file for many of these, of which one is kept.
    first = max(ends[1] if len(ends) > FRAMES // 2 else ends[0] + 16, 1)
    ratio = (len(data) / first) ** (1 / (FRAMES - 1))
    sizes = {round(first * ratio**step) for step in range(FRAMES)}
    if len(ends) - 1 <= FRAMES:
        sizes |= set(ends[1:])
    found: dict[bytes, None] = {}
    for size in sorted(sizes):
        try:
            found[trim(data, size)] = None
        except BudgetError:  # not even the first packet
            continue
    cuts = [cut for cut in found if cut != data]
    while len(cuts) > FRAMES - 1:
        del cuts[1::2]
    return [*cuts, data]


def animation(data: bytes, kind: str, *, max_pixels: int) -> tuple[bytes, int]:
    """Draw a file growing.

    Parameters
    ----------
    data : bytes
        A ``.frc`` file.
    kind : {"GIF", "WEBP"}
    max_pixels : int
        See `shared.api.decode`.

    Returns
    -------
    file : bytes
    frames : int
    """
    from PIL import Image

    from ..shared.api import decode
    from ..shared.picture.drawing import rgb

    def drawn(pixels: npt.NDArray[np.uint8]) -> Image.Image:
        return Image.fromarray(rgb(pixels))

    frames = [
        drawn(decode(cut, max_pixels=max_pixels)) for cut in steps(data, max_pixels=max_pixels)
    ]
    file = io.BytesIO()
    lasts = [_PACE] * (len(frames) - 1) + [_REST]
    options = {"quality": 90} if kind == "WEBP" else {"optimize": False}
    first, *rest = frames
    first.save(file, kind, save_all=True, append_images=rest, duration=lasts, loop=0, **options)
    return file.getvalue(), len(frames)
