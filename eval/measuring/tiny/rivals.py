"""What others make of a picture in 32 to 500 bytes, each at its best reduction and setting.

WebP, AVIF and JPEG have no reduced scale of their own, so a copy of the picture is reduced to
several sizes (Lanczos), coded as large as fits, and enlarged again (bicubic); the one that is
nearest to the picture counts. Nobody stores that size, which would take more bytes: a gift to them.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from ...judging.metrics import psnr_rgb
from ..anchors import AnchorSearch, decode_anchor, get_anchor

Image = npt.NDArray[np.uint8]

SIDES = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Longer sides, pixels, of the copies that classic codecs are given."""
_HASH_SIDE, _BLUR_SIDE, _BLUR_SHOWN = 100, 32, 64
_MOST_COMPONENTS = 9
_FLAT_CHARACTERS, _CHARACTERS = 6, 2


class Candidate(NamedTuple):
    """A file, what it shows, and how it came about.

    Parameters
    ----------
    data : bytes
        The real file.
    counted : int
        Bytes that are held against the budget.
    pixels : (H, W[, C]) uint8
        Shown at full size.
    setting : float or None
        Quality, where there is one.
    side : int
        Longer side, pixels, of what was coded.
    """

    data: bytes
    counted: int
    pixels: Image
    setting: float | None
    side: int


def resized(image: Image, width: int, height: int, how: PILImage.Resampling) -> Image:
    """Resize (H, W) or (H, W, C) uint8."""
    flat = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    picture = PILImage.fromarray(np.ascontiguousarray(flat)).resize((width, height), how)
    return np.asarray(picture).reshape(height, width, *image.shape[2:])


def within(image: Image, side: int, how: PILImage.Resampling) -> Image:
    """Reduce a picture so that its longer side has `side` pixels; smaller ones stay."""
    height, width = image.shape[:2]
    longer = max(height, width)
    if longer <= side:
        return image
    return resized(
        image, max(1, round(width * side / longer)), max(1, round(height * side / longer)), how
    )


def container_bytes(data: bytes) -> int:
    """Bytes of an AVIF file that are no coded picture: all but what its ``mdat`` box holds.

    Of the files that `anchors` writes these are 275: 32 of ``ftyp``, 235 of ``meta`` and the
    8 that begin ``mdat``, whatever the picture.
    """
    at = payload = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8:
            break
        if data[at + 4 : at + 8] == b"mdat":
            payload += size - 8
        at += size
    return len(data) - payload


class _SmallJpeg(AnchorSearch):
    """JPEG, progressive or not, whichever is smaller: every scan brings tables of its own."""

    def encode_once(self, setting: float) -> bytes:
        """Call the encoder for both."""
        plain = io.BytesIO()
        self._picture.save(plain, "JPEG", quality=int(setting), optimize=True, subsampling="4:2:0")
        return min(plain.getvalue(), super().encode_once(setting), key=len)


class Reduced:
    """A classic codec on reduced copies of one picture.

    Parameters
    ----------
    anchor : str
        One of `anchors.ANCHORS`.
    image : (H, W) or (H, W, C) uint8
    bare : bool
        Count only what is no container, see `container_bytes`.
    """

    def __init__(self, anchor: str, image: Image, *, bare: bool = False) -> None:
        self._anchor, self._image, self._bare = anchor, image, bare
        longer = max(image.shape[:2])
        sides = [side for side in SIDES if side < longer] or [longer]
        search = _SmallJpeg if anchor == "jpeg" else AnchorSearch
        self._searches = {
            side: search(anchor, within(image, side, PILImage.Resampling.LANCZOS)) for side in sides
        }
        self._free: dict[int, int] = {}

    def best(self, limit: int) -> Candidate | None:
        """Return the nearest picture of at most `limit` bytes; None if no copy fits."""
        found: list[Candidate] = []
        for side, search in self._searches.items():
            if side not in self._free:
                least = search.encode_once(search.anchor.scale[0]) if self._bare else b""
                self._free[side] = container_bytes(least)
            file = search.best(limit + self._free[side])
            if file is None:
                continue
            counted = len(file.data) - self._free[side]
            shown = self.decode(file.data)
            found.append(Candidate(file.data, counted, shown, file.setting, side))
        return max(found, key=lambda one: psnr_rgb(self._image, one.pixels), default=None)

    def decode(self, data: bytes) -> Image:
        """Decode a file and enlarge what it shows."""
        height, width = self._image.shape[:2]
        channels = self._image.shape[2] if self._image.ndim == 3 else 1
        small = decode_anchor(self._anchor, data, channels=channels)
        shown = resized(small, width, height, PILImage.Resampling.BICUBIC)
        return shown.reshape(self._image.shape)


def _with_channels(pixels: Image, image: Image) -> Image:
    """Bring RGBA to the channels of `image`."""
    channels = image.shape[2] if image.ndim == 3 else 1
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    return np.asarray(PILImage.fromarray(pixels, "RGBA").convert(modes[channels]))


def _rgba(image: Image) -> Image:
    flat = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    return np.asarray(PILImage.fromarray(np.ascontiguousarray(flat)).convert("RGBA"))


class ThumbHash:
    """The one hash of a picture, 5 to 25 bytes; package ``fast-thumbhash``.

    (The package ``thumbhash`` 0.1.2 decodes wrongly.)
    """

    def __init__(self, image: Image) -> None:
        from fast_thumbhash import rgba_to_thumb_hash

        small = _rgba(within(image, _HASH_SIDE, PILImage.Resampling.LANCZOS))
        self._image, self._side = image, max(small.shape[:2])
        self._hash = bytes(rgba_to_thumb_hash(small.shape[1], small.shape[0], small.tobytes()))

    def best(self, limit: int) -> Candidate | None:
        """Return the hash, if it fits."""
        if len(self._hash) > limit:
            return None
        return Candidate(self._hash, len(self._hash), self.decode(self._hash), None, self._side)

    def decode(self, data: bytes) -> Image:
        """Decode a hash and enlarge what it shows."""
        from fast_thumbhash import thumb_hash_to_rgba

        width, height, samples = thumb_hash_to_rgba(data)
        small = np.frombuffer(bytes(samples), np.uint8).reshape(height, width, 4)
        height, width = self._image.shape[:2]
        large = resized(small, width, height, PILImage.Resampling.BICUBIC)
        return _with_channels(large, self._image).reshape(self._image.shape)


class BlurHash:
    """As many cosines as fit, one text character a byte; package ``blurhash``."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._small = _rgba(within(image, _BLUR_SIDE, PILImage.Resampling.LANCZOS))[:, :, :3]

    def _components(self, limit: int) -> tuple[int, int] | None:
        """Most cosines across and down that fit, about as the picture's sides."""
        terms = (limit - _FLAT_CHARACTERS) // _CHARACTERS + 1
        height, width = self._image.shape[:2]
        every = range(1, _MOST_COMPONENTS + 1)
        fits = [(x, y) for x in every for y in every if x * y <= terms]
        if limit < _FLAT_CHARACTERS:
            return None
        ratio = width / height
        return max(
            fits, key=lambda at: (at[0] * at[1]) ** 2 / (1 + abs(np.log(at[0] / at[1] / ratio)))
        )

    def best(self, limit: int) -> Candidate | None:
        """Return the longest hash of at most `limit` characters."""
        from blurhash import encode

        components = self._components(limit)
        if components is None:
            return None
        data = encode(self._small.tolist(), *components).encode()
        return Candidate(data, len(data), self.decode(data), None, max(self._small.shape[:2]))

    def decode(self, data: bytes) -> Image:
        """Decode a hash and enlarge what it shows."""
        from blurhash import decode

        height, width = self._image.shape[:2]
        part = min(1.0, _BLUR_SHOWN / max(height, width))
        sides = [max(1, round(side * part)) for side in (width, height)]
        small = np.clip(np.array(decode(data.decode(), *sides)), 0, 255).astype(np.uint8)
        opaque = np.full((*small.shape[:2], 1), 255, np.uint8)
        large = resized(
            np.concatenate([small, opaque], 2), width, height, PILImage.Resampling.BICUBIC
        )
        return _with_channels(large, self._image).reshape(self._image.shape)


class Rival(NamedTuple):
    """One that we are compared with: how it is opened, its version, the package it needs."""

    opened: Callable[[Image], Any]
    version: Callable[[], str]
    package: str | None = None


def _anchor(name: str, *, bare: bool = False) -> Rival:
    return Rival(lambda image: Reduced(name, image, bare=bare), lambda: get_anchor(name).version())


RIVALS: dict[str, Rival] = {
    "webp": _anchor("webp"),
    "avif": _anchor("avif"),
    "avif-bare": _anchor("avif", bare=True),
    "jpeg": _anchor("jpeg"),
    "thumbhash": Rival(ThumbHash, lambda: version("fast-thumbhash"), "fast_thumbhash"),
    "blurhash": Rival(BlurHash, lambda: version("blurhash"), "blurhash"),
}
"""By name; ``avif-bare`` is AVIF less the fixed part of its container."""


def rivals_here() -> list[str]:
    """Names of those whose package is installed."""
    return [
        name
        for name, rival in RIVALS.items()
        if rival.package is None or importlib.util.find_spec(rival.package) is not None
    ]
