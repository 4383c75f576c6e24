"""The classic codecs that fractour is compared with: JPEG, JPEG 2000, WebP, AVIF.

All come through Pillow, with the settings that serve each codec best at a given number of
bytes; the settings are part of the registry and end up in ``run.json``. The best file of at
most N bytes is found by bisection over the codec's own quality scale, and the size of the
real file decides. Metadata that carries no picture is not written (and OpenJPEG's comment
with its version, 39 bytes, is cut out again).

The search visits the same settings whatever was tried before, so a result depends on image
and limit alone; files already made are kept, which makes further limits of one image cheap.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import features

from ...shared.errors import (
    BackendUnavailableError,
    BitstreamError,
    ImageInputError,
    UnknownCodecError,
)

Image = npt.NDArray[np.uint8]

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _to_pil(image: Image) -> PILImage.Image:
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        message = f"anchors take (H, W) or (H, W, C) uint8, not {image.dtype} {image.shape}"
        raise ImageInputError(message)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim == 3 and image.shape[2] not in (2, 3, 4):
        message = f"anchors take 1 to 4 channels, not {image.shape[2]}"
        raise ImageInputError(message)
    return PILImage.fromarray(np.ascontiguousarray(image))


def _save(picture: PILImage.Image, kind: str, **settings: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


def _jpeg(picture: PILImage.Image, quality: float) -> bytes:
    return _save(
        picture, "JPEG", quality=int(quality), progressive=True, optimize=True, subsampling="4:2:0"
    )


def strip_comment(codestream: bytes) -> bytes:
    """Remove comment (COM) segments from the main header of a JPEG 2000 codestream.

    Raises
    ------
    BitstreamError
        If the bytes are no JPEG 2000 codestream.
    """
    if codestream[:2] != b"\xff\x4f":
        message = "not a JPEG 2000 codestream: it does not start with SOC"
        raise BitstreamError(message)
    kept, at = [codestream[:2]], 2
    while (marker := codestream[at : at + 2]) != b"\xff\x90":  # SOT: the main header ends
        length = int.from_bytes(codestream[at + 2 : at + 4], "big")
        if len(marker) < 2 or length < 2:
            message = "not a JPEG 2000 codestream: the main header does not end"
            raise BitstreamError(message)
        if marker != b"\xff\x64":
            kept.append(codestream[at : at + 2 + length])
        at += 2 + length
    return b"".join(kept) + codestream[at:]


def _jpeg2000(picture: PILImage.Image, target: float) -> bytes:
    raw = picture.width * picture.height * len(picture.getbands())
    return strip_comment(
        _save(
            picture,
            "JPEG2000",
            no_jp2=True,
            irreversible=True,
            mct=int(picture.mode in ("RGB", "RGBA")),
            quality_mode="rates",
            quality_layers=[max(raw / target, 1.0)],
        )
    )


def _webp(picture: PILImage.Image, quality: float) -> bytes:
    return _save(picture, "WEBP", quality=quality, method=6)


def _avif(tune: str) -> Callable[[PILImage.Image, float], bytes]:
    def encode(picture: PILImage.Image, quality: float) -> bytes:
        return _save(
            picture,
            "AVIF",
            quality=int(quality),
            speed=4,
            codec="aom",
            subsampling="4:0:0" if picture.mode in ("L", "LA") else "4:2:0",
            max_threads=1,
            autotiling=False,  # tiles only help threads, and cost bytes
            advanced={"tune": tune},
        )

    return encode


def _avif_version() -> str:
    from PIL import _avif

    # "dav1d [dec]:1.5.3, aom [enc]:3.14.1"
    return f"libavif {features.version('avif')} ({_avif.codec_versions()})"


_TARGETS = tuple(float(size) for size in 16 * np.exp(0.001 * np.arange(18000)))
"""Byte targets for OpenJPEG's rate control, 0.1 % apart, 16 bytes to 1 GB."""


@dataclass(frozen=True)
class Anchor:
    """A classic codec and its settings.

    Parameters
    ----------
    name, label : str
        Identifier and the name in tables.
    kind : str
        Pillow's name of the format, for its own check and for decoding.
    feature : str
        Pillow's name of the library, for `PIL.features`.
    settings : str
        What is passed to the encoder, in words.
    encode : callable
        ``(picture, setting) -> bytes``.
    scale : sequence of float
        Every setting, file size rising.
    guess : callable, optional
        Limit in bytes to an index into `scale` near the answer.
    alpha : bool
        Whether the format holds transparency.
    version : callable
        Returns the version of the library.
    """

    name: str
    label: str
    kind: str
    feature: str
    settings: str
    encode: Callable[[PILImage.Image, float], bytes]
    scale: Sequence[float]
    guess: Callable[[int], int] | None = None
    alpha: bool = True
    version: Callable[[], str] = field(default=lambda: "")


def _guess_target(limit: int) -> int:
    return int(np.clip(np.searchsorted(_TARGETS, limit), 0, len(_TARGETS) - 1))


def _avif_anchor(name: str, label: str, tune: str, remark: str = "") -> Anchor:
    return Anchor(
        name,
        label,
        "AVIF",
        "avif",
        f"speed 4, 4:2:0 (grey 4:0:0), libaom, tune={tune}{remark}, quality 0..100, no tiles, "
        "one thread, container counted",
        _avif(tune),
        tuple(float(quality) for quality in range(101)),
        version=_avif_version,
    )


ANCHORS: dict[str, Anchor] = {
    anchor.name: anchor
    for anchor in (
        Anchor(
            "jpeg",
            "JPEG",
            "JPEG",
            "libjpeg_turbo",
            "quality 1..100, progressive, optimised Huffman tables, 4:2:0",
            _jpeg,
            tuple(float(q) for q in range(1, 101)),
            alpha=False,
            version=lambda: f"libjpeg-turbo {features.version('libjpeg_turbo')}",
        ),
        Anchor(
            "jpeg2000",
            "JPEG 2000",
            "JPEG2000",
            "jpg_2000",
            "9/7 irreversible, colour transform, one layer, raw codestream without comment",
            _jpeg2000,
            _TARGETS,
            guess=_guess_target,
            version=lambda: f"OpenJPEG {features.version('jpg_2000')}",
        ),
        Anchor(
            "webp",
            "WebP",
            "WEBP",
            "webp",
            "lossy, method 6, quality 0..100 in steps of 0.05",
            _webp,
            tuple(q / 20 for q in range(2001)),
            version=lambda: f"libwebp {features.version('webp')}",
        ),
        _avif_anchor("avif", "AVIF", "psnr"),
        _avif_anchor("avif-iq", "AVIF (tune=iq)", "iq", " (libavif's default)"),
    )
}
"""All anchors by name."""


def get_anchor(name: str) -> Anchor:
    """Return an anchor.

    Raises
    ------
    UnknownCodecError
        If there is none of that name.
    BackendUnavailableError
        If this Pillow was built without the codec.
    """
    if name not in ANCHORS:
        message = f"no anchor {name!r}; there are {', '.join(ANCHORS)}"
        raise UnknownCodecError(message)
    anchor = ANCHORS[name]
    if not features.check("jpg" if anchor.feature == "libjpeg_turbo" else anchor.feature):
        message = f"this Pillow was built without {anchor.label}; pip install 'pillow>=11.3'"
        raise BackendUnavailableError(message)
    return anchor


@dataclass(frozen=True)
class AnchorFile:
    """One encoded file.

    Parameters
    ----------
    data : bytes
    setting : float
        Quality, or byte target for JPEG 2000.
    seconds : float
        Wall time of the one encoder call that made it (the search is not counted).
    """

    data: bytes
    setting: float
    seconds: float


class AnchorSearch:
    """Best files of one image under one anchor, for any number of limits.

    Parameters
    ----------
    name : str
        Name of the anchor.
    image : (H, W) or (H, W, C) uint8

    Raises
    ------
    UnknownCodecError, BackendUnavailableError
        See `get_anchor`.
    ImageInputError
        If the format cannot hold the image (JPEG and transparency).
    """

    def __init__(self, name: str, image: Image) -> None:
        self.anchor = get_anchor(name)
        self._picture = _to_pil(image)
        if not self.anchor.alpha and self._picture.mode in ("LA", "RGBA"):
            message = f"{self.anchor.label} holds no transparency; flatten the image first"
            raise ImageInputError(message)
        self._files: dict[int, AnchorFile] = {}

    @property
    def tried(self) -> int:
        """Number of files made so far."""
        return len(self._files)

    def smallest(self) -> int:
        """Return the bytes of the file at the lowest setting."""
        return len(self._file(0).data)

    def encode_once(self, setting: float) -> bytes:
        """Call the encoder once, with no search and nothing remembered."""
        try:
            return self.anchor.encode(self._picture, setting)
        except (OSError, ValueError) as error:
            size = f"{self._picture.width}x{self._picture.height}"
            message = f"{self.anchor.label} cannot encode this {size} image: {error}"
            raise ImageInputError(message) from error

    def _file(self, index: int) -> AnchorFile:
        if index not in self._files:
            setting = self.anchor.scale[index]
            start = time.perf_counter()
            data = self.encode_once(setting)
            self._files[index] = AnchorFile(data, setting, time.perf_counter() - start)
        return self._files[index]

    def best(self, limit: int) -> AnchorFile | None:
        """Return the file of the highest setting that needs at most `limit` bytes.

        Parameters
        ----------
        limit : int
            Bytes of the whole file.

        Returns
        -------
        AnchorFile or None
            None if even the lowest setting needs more.
        """

        def fits(index: int) -> bool:
            return len(self._file(index).data) <= limit

        low, high = -1, len(self.anchor.scale)  # low fits (or does not exist), high does not
        if self.anchor.guess is not None:
            low, high = self._gallop(fits, self.anchor.guess(limit), high)
        while high - low > 1:
            middle = (low + high) // 2
            if fits(middle):
                low = middle
            else:
                high = middle
        return None if low < 0 else self._file(low)

    @staticmethod
    def _gallop(fits: Callable[[int], bool], start: int, end: int) -> tuple[int, int]:
        """Bracket the answer from a good guess with growing strides."""
        stride = 4
        if fits(start):
            low, high = start, start + stride
            while high < end and fits(high):
                stride *= 2
                low, high = high, high + stride
            return low, min(high, end)
        low, high = start - stride, start
        while low >= 0 and not fits(low):
            stride *= 2
            low, high = low - stride, low
        return max(low, -1), high


def encode_anchor(name: str, image: Image, limit_bytes: int) -> bytes | None:
    """Encode with a classic codec into at most `limit_bytes`.

    Parameters
    ----------
    name : str
        One of `ANCHORS`.
    image : (H, W) or (H, W, C) uint8
    limit_bytes : int

    Returns
    -------
    bytes or None
        None where no file is small enough. Errors are those of `AnchorSearch`.
    """
    found = AnchorSearch(name, image).best(limit_bytes)
    return None if found is None else found.data


def decode_anchor(name: str, data: bytes, *, channels: int | None = None) -> Image:
    """Decode a file that `encode_anchor` made.

    Parameters
    ----------
    name : str
        One of `ANCHORS`; other formats are refused.
    data : bytes
    channels : int, optional
        1 to 4: convert to that many. WebP knows no grey, and drops an opaque alpha.

    Returns
    -------
    ndarray
        (H, W) for grey, else (H, W, C), uint8.

    Raises
    ------
    BitstreamError
        If the bytes are not such a file.
    """
    anchor = get_anchor(name)
    try:
        with PILImage.open(io.BytesIO(data), formats=[anchor.kind]) as picture:
            picture.load()
            mode = picture.mode if channels is None else _MODES[channels]
            return np.array(picture if picture.mode == mode else picture.convert(mode))
    except (OSError, SyntaxError, ValueError) as error:
        message = f"not a readable {anchor.label} file: {error}"
        raise BitstreamError(message) from error
