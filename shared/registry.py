"""Finding codecs, built-in and third-party alike: the entry-point group ``fractour.codecs``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .codec import Codec
from .errors import FractourError, UnknownCodecError, UnsupportedVersionError

GROUP = "fractour.codecs"

NUMBERS = {
    1: "template",
    2: "wavelet",
    3: "tiles",
    4: "pifs",
    5: "pifs-pure",
    6: "contour",
    7: "contour-pure",
}
"""Wire numbers. Append-only: a number is never reused. 64 to 127 are free for experiments."""


@cache
def _entries() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        # Built-in codecs win a collision of names.
        if entry.name not in found or entry.value.startswith("fractour."):
            found[entry.name] = entry
    return found


def codec_names() -> list[str]:
    """Names of the installed codecs, sorted by wire number, third parties last."""
    order = {name: number for number, name in NUMBERS.items()}
    return sorted(_entries(), key=lambda name: (order.get(name, 1 << 30), name))


@cache
def get_codec(name: str) -> Codec:
    """Load the codec called `name`.

    Raises
    ------
    UnknownCodecError
        If no such codec is installed.
    FractourError
        If it is installed but broken; names the reason.
    """
    if name not in _entries():
        message = f"unknown codec {name!r}; installed: {', '.join(codec_names()) or 'none'}"
        raise UnknownCodecError(message)
    try:
        codec: Codec = _entries()[name].load()()
    except Exception as error:
        message = f"codec {name!r} cannot be loaded: {type(error).__name__}: {error}"
        raise FractourError(message) from error
    if codec.name != name or NUMBERS.get(codec.number, name) != name:
        message = (
            f"codec {name!r} calls itself {codec.name!r} with wire number {codec.number}, "
            f"which belongs to {NUMBERS.get(codec.number, 'nobody')!r}"
        )
        raise FractourError(message)
    return codec


def codec_by_number(number: int, version: int) -> Codec:
    """Load the codec that reads files with wire number `number`, format `version`.

    Raises
    ------
    UnknownCodecError
        If no installed codec has this number.
    FractourError
        If several have it (64 to 127 are nobody's); names them.
    UnsupportedVersionError
        If the installed codec reads another version: until 0.1.0 a format is replaced, and files
        of the old one are encoded again.
    """
    known = NUMBERS.get(number)
    if known in _entries():
        candidates = [str(known)]
    else:
        candidates = [name for name in codec_names() if name not in NUMBERS.values()]
    found: list[Codec] = []
    for name in candidates:
        try:
            codec = get_codec(name)
        except FractourError:
            if name == known:
                raise
            continue  # somebody's broken plug-in does not stop other files from decoding
        if codec.number == number:
            found.append(codec)
    if len(found) > 1:
        # Taking one of them would show a wrong picture without a word.
        message = (
            f"codecs {' and '.join(repr(codec.name) for codec in found)} both have wire number "
            f"{number}, so nobody knows whose file this is; uninstall one, or renumber it"
        )
        raise FractourError(message)
    for codec in found:
        if version != codec.version:
            remedy = (
                "upgrade fractour"
                if version > codec.version
                else "that format was replaced; encode the picture again"
            )
            message = (
                f"the file has {codec.name} format version {version}; this fractour reads "
                f"version {codec.version}: {remedy}"
            )
            raise UnsupportedVersionError(message)
        return codec
    message = (
        f"the file needs codec {known!r}, which is not installed"
        if known
        else f"no installed codec has wire number {number}; installed: {', '.join(codec_names())}"
    )
    raise UnknownCodecError(message)


def list_codecs() -> list[dict[str, Any]]:
    """Describe every installed codec, those that fail to load included, with the reason."""
    rows: list[dict[str, Any]] = []
    for name in codec_names():
        try:
            codec = get_codec(name)
        except FractourError as error:
            rows.append({"name": name, "available": False, "reason": str(error)})
            continue
        rows.append(
            {
                "name": name,
                "number": codec.number,
                "version": codec.version,
                "summary": codec.summary,
                "encoders": list(codec.encoders),
                "embedded": codec.embedded,
                "scalable": codec.scalable,
                "references": list(codec.references),
                "available": True,
                "reason": "",
            }
        )
    return rows
