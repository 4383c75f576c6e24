"""``.frc`` as a Pillow format.

Pillow never loads third-party plugins on its own, so the format is registered by a call:

>>> import fractour
>>> fractour.register_pillow()
>>> from PIL import Image
>>> "FRACTOUR" in Image.SAVE
True
"""

from __future__ import annotations

from typing import IO, Any

from PIL import Image, ImageFile

from . import container
from .api import decode, encode
from .budget import Budget
from .errors import FractourError
from .picture.pillow import MODES, array_to_pillow, pillow_to_array

FORMAT = "FRACTOUR"
EXTENSION = ".frc"
MIME = "image/x-fractour"


class FractourImageFile(ImageFile.ImageFile):
    """A ``.frc`` file as Pillow sees it: the header at once, the pixels when asked for."""

    format = FORMAT
    format_description = "fractour"

    def _open(self) -> None:
        if self.fp is None:
            message = "no file"
            raise SyntaxError(message)
        data = self.fp.read()
        try:
            # No limit here: nothing is allocated yet, and Pillow applies its own to the size.
            frame = container.unpack(data, max_pixels=1 << 62)
        except FractourError as error:
            # What Pillow expects of a plugin that does not recognise a file.
            raise SyntaxError(str(error)) from error
        geometry = frame.geometry
        self._size = (geometry.width, geometry.height)
        self._mode = MODES[geometry.channels]
        self._data: bytes | None = data
        self.tile = []

    def load(self) -> Any:
        """Decode the pixels, once."""
        data = getattr(self, "_data", None)
        if data is not None:
            try:
                pixels = decode(
                    data,
                    max_pixels=self.width * self.height,
                    allow_truncated=ImageFile.LOAD_TRUNCATED_IMAGES,
                )
            except FractourError as error:
                raise OSError(str(error)) from error
            self.im = array_to_pillow(pixels).im
            self._data = None
            if self.fp is not None and getattr(self, "_exclusive_fp", False):
                self.fp.close()
            self.fp = None
        return super().load()


def _accept(prefix: bytes) -> bool:
    return container.is_frame(prefix)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """Write with ``budget=N`` or ``bpp=X``, and ``codec=``, ``encoder=``, ``effort=``.

    ``compact=True`` leaves the checksum out. The budget is bytes or a `Budget`;
    ``target_bytes=N`` is its old name.
    """
    options = image.encoderinfo
    given = [options[key] for key in ("budget", "target_bytes", "bpp") if key in options]
    if len(given) != 1 or given[0] is None:
        message = "saving as FRACTOUR needs exactly one of budget= and bpp="
        raise ValueError(message)
    chosen = {
        key: options[key] for key in ("codec", "encoder", "effort", "compact") if key in options
    }
    budget = Budget(bpp=given[0]) if "bpp" in options else given[0]
    try:
        file.write(encode(pillow_to_array(image), budget=budget, **chosen))
    except FractourError as error:
        raise OSError(str(error)) from error


def register_pillow() -> None:
    """Make Pillow open and save ``.frc`` files; calling it again changes nothing."""
    Image.register_open(FORMAT, FractourImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, EXTENSION)
    Image.register_mime(FORMAT, MIME)
