"""Headers of files: long with its magic, short for small files, tiny without checksum."""

from __future__ import annotations

import binascii
import zlib
from dataclasses import dataclass

from ..codec import Geometry
from ..errors import BitstreamError, TruncatedError

MAGIC = b"\x8fF"
MAX_REDUCTION = 7
_SHORT, _COMPACT = 0x90, 0x20
_TINY = 0xA0
TINY_CODECS = (2, 3, 4, 6)
"""Numbers of the codecs that the tiny frame knows, in the order of its two bits."""
TINY_CHANNELS = (1, 3)
"""The same of channels and its one bit."""
_TRIMMED, _SEVERAL = 8, 4
_MAX_VARINT_BYTES = 5
_CHECKSUM_BYTES = (0, 2, 4)
_NOT_VALID = "the header is not valid; the file is damaged"
_EARLY = "the file ends inside its header"


@dataclass(frozen=True)
class Form:
    """What an encoder may choose about a frame.

    Parameters
    ----------
    reduction : int
        How often both sides were halved, rounding up, before the codec coded the picture.
    compact : bool
        Leave the checksum to whatever carries the file.
    """

    reduction: int = 0
    compact: bool = False

    def coded(self, geometry: Geometry) -> Geometry:
        """Size of what the codec codes for a picture of this size."""
        height, width = (-(-side >> self.reduction) for side in (geometry.height, geometry.width))
        return Geometry(height, width, geometry.channels)


DEFAULT_FORM = Form()


@dataclass(frozen=True)
class Header:
    """What stands in front of the packets.

    Parameters
    ----------
    number, version : int
        Of the codec.
    geometry : Geometry
        Of the whole picture.
    trimmed, several : bool
        Whether a longer file was cut, and whether a table of packet lengths follows.
    reduction : int
        See `Form`.
    checksum : int
        Bytes of the checksum: 0, 2 or 4.
    long : bool
        Whether the frame is the long one.
    """

    number: int
    version: int
    geometry: Geometry
    trimmed: bool
    several: bool
    reduction: int
    checksum: int
    long: bool

    @property
    def tiny(self) -> bool:
        """Whether the least frame holds all this: one whole packet without checksum."""
        bare = not (self.checksum or self.long or self.trimmed or self.several)
        known = self.number in TINY_CODECS and self.geometry.channels in TINY_CHANNELS
        return bare and known

    @property
    def form(self) -> Form:
        """What a file that is made of this one keeps."""
        return Form(self.reduction, self.checksum == 0)


def is_frame(data: bytes) -> bool:
    """Whether bytes may begin a file: by the magic, or the first half-byte of the other frames."""
    return data.startswith(MAGIC) or (data[:1] >= b"\x90" and data[:1] < b"\xb0")


def checksum_of(data: bytes, size: int) -> bytes:
    """Checksum of `size` bytes: none, CRC-16 (CCITT, start FFFF) or CRC-32 (zlib)."""
    if size == 4:
        return zlib.crc32(data).to_bytes(4, "big")
    return binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")[:size]


def write_varint(value: int) -> bytes:
    """Write a non-negative integer, 7 bits a byte, low bits first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a varint of `data` at offset `at`; return the value and the offset after it.

    Raises
    ------
    TruncatedError
        If the data ends inside it.
    BitstreamError
        If it is longer than five bytes.
    """
    value = 0
    for i in range(_MAX_VARINT_BYTES):
        if at + i >= len(data):
            raise TruncatedError(_EARLY)
        value |= (data[at + i] & 127) << (7 * i)
        if data[at + i] < 128:
            return value, at + i + 1
    message = "a number in the header is longer than five bytes; the file is damaged"
    raise BitstreamError(message)


def _write_sides(width: int, height: int) -> tuple[int, bytes]:
    """Choose the shortest of four forms of both sides; return its number and its bytes."""
    found = [(0, write_varint(width) + write_varint(height))]
    if max(width, height) <= 4096:
        found.append((1, ((width - 1) << 12 | (height - 1)).to_bytes(3, "big")))
        if width % 16 == height % 16 == 0:
            found.append((2, bytes([width // 16 - 1, height // 16 - 1])))
    if max(width, height) <= 1024 and width % 64 == height % 64 == 0:
        found.append((3, bytes([(width // 64 - 1) << 4 | (height // 64 - 1)])))
    return min(found, key=lambda one: len(one[1]))


def _read_sides(form: int, data: bytes, at: int) -> tuple[int, int, int]:
    """Return width, height and the offset after them."""
    if form == 0:
        width, at = read_varint(data, at)
        height, at = read_varint(data, at)
        return width, height, at
    end = at + 4 - form
    if len(data) < end:
        raise TruncatedError(_EARLY)
    value, bits, unit = int.from_bytes(data[at:end], "big"), (12, 8, 4)[form - 1], (1, 16, 64)
    width, height = (value >> bits) + 1, (value & (1 << bits) - 1) + 1
    return width * unit[form - 1], height * unit[form - 1], end


def write_header(header: Header) -> bytes:
    """Write what stands in front of the checksum."""
    width, height = header.geometry.width, header.geometry.height
    channels = header.geometry.channels - 1
    flags = (_TRIMMED if header.trimmed else 0) | (_SEVERAL if header.several else 0)
    if header.long:
        start = MAGIC + bytes([header.number, header.version << 4 | flags | channels])
        return start + write_varint(width) + write_varint(height)
    form, sides = _write_sides(width, height)
    if header.tiny:
        what = TINY_CHANNELS.index(channels + 1) << 2 | TINY_CODECS.index(header.number)
        return bytes([_TINY | header.version, form << 6 | header.reduction << 3 | what]) + sides
    near = header.number if header.number < 16 else 0
    start = bytes([_SHORT | flags | _CHECKSUM_BYTES.index(header.checksum)])
    shape = form << 6 | (0 if header.checksum else _COMPACT) | header.reduction << 2 | channels
    start += bytes([header.version << 4 | near, *([] if near else [header.number])])
    return start + bytes([shape]) + sides


def _read_tiny(data: bytes) -> tuple[Header, int]:
    """Read a tiny header, see `read_header`."""
    shape = data[1]
    width, height, at = _read_sides(shape >> 6, data, 2)
    version = data[0] & 15
    if not (version and width and height):
        raise BitstreamError(_NOT_VALID)
    geometry = Geometry(height, width, TINY_CHANNELS[shape >> 2 & 1])
    number, reduction = TINY_CODECS[shape & 3], shape >> 3 & 7
    return Header(number, version, geometry, False, False, reduction, 0, False), at


def read_header(data: bytes) -> tuple[Header, int]:
    """Read a header; return it and the offset of the checksum.

    Raises
    ------
    BitstreamError
        If this is not a fractour file or the header is not valid; `TruncatedError` if it ends
        inside.
    """
    if not is_frame(data):
        what = "is empty" if not data else "does not start with the fractour magic 8F 46"
        message = f"not a fractour file: it {what}"
        raise BitstreamError(message)
    # The least that either header has after its first bytes; what follows is looked at below.
    if len(data) < 4:
        raise TruncatedError(_EARLY)
    if data[0] >> 4 == _TINY >> 4:
        return _read_tiny(data)
    long = data.startswith(MAGIC)
    if long:
        number, flags, version, kind = data[2], data[3], data[3] >> 4, 2
        shape, reduction, valid = flags & 3, 0, number < 128
        width, height, at = _read_sides(0, data, 4)
    else:
        flags, version, number, kind = data[0], data[1] >> 4, data[1] & 15, data[0] & 3
        at = 2
        if number == 0:
            number, at = data[2], 3
            valid = number < 128 and not 0 < number < 16
        else:
            valid = True
        shape, reduction = data[at] & 3, data[at] >> 2 & 7
        valid = valid and kind < 3 and (kind == 0) == bool(data[at] & _COMPACT)
        width, height, at = _read_sides(data[at] >> 6, data, at + 1)
    if not (valid and width and height):
        raise BitstreamError(_NOT_VALID)
    header = Header(
        number,
        version,
        Geometry(height, width, shape + 1),
        bool(flags & _TRIMMED),
        bool(flags & _SEVERAL),
        reduction,
        _CHECKSUM_BYTES[kind],
        long,
    )
    return header, at
