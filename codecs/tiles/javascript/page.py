"""A page that draws one file of the tiles format: decoder and bytes in it, nothing loaded."""

from __future__ import annotations

import base64
from importlib.resources import files
from string import Template

from ....shared import container
from ....shared.errors import FractourError
from .. import TilesCodec
from . import decoder

MAX_PIXELS = 64_000_000
"""What the decoder of the page refuses to exceed, too."""


def page(data: bytes) -> str:
    """Write the page of a picture.

    Parameters
    ----------
    data : bytes
        A whole ``.frc`` file of the tiles format; compact or not.

    Returns
    -------
    str
        HTML of one self-contained page. It draws the picture on a canvas at full size, says how
        many bytes it takes, and asks no network for anything.

    Raises
    ------
    FractourError
        If the file is of another codec, damaged, cut, or too large.
    """
    frame = container.unpack(data, max_pixels=MAX_PIXELS)
    if (frame.codec_number, frame.version) != (TilesCodec.number, TilesCodec.version):
        message = (
            f"the page's decoder reads tiles version {TilesCodec.version} only, and this file is "
            f"of codec {frame.codec_number} version {frame.version}; encode with --codec tiles"
        )
        raise FractourError(message)
    if frame.cut:
        message = "the file ends inside a packet; cut it with trim first"
        raise FractourError(message)
    whole, coded = frame.geometry, frame.coded
    script = decoder()
    template = files(__package__).joinpath("page.html").read_text("utf-8")
    return Template(template).substitute(
        size=len(data),
        width=whole.width,
        height=whole.height,
        coded="" if coded == whole else f", coded at {coded.width} x {coded.height}",
        data=base64.b64encode(data).decode("ascii"),
        decoder_size=len(script.encode()),
        decoder=script,
    )


__all__ = ["page"]
