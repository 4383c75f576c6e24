"""The ``.frc`` container: magic, codec, size, packets, checksum. Spec: ``shared/FORMAT.md``.

::

    offset  bytes   field
    0       2       magic 8F 46
    2       1       codec number (low 7 bits); the top bit is reserved, 0
    3       1       format version (high nibble) | trimmed (bit 3) | several packets (bit 2)
                    | channels - 1 (bits 0-1)
    4       1-3     width, varint (7 bits a byte, low first, top bit: more follow)
    ..      1-3     height, varint
    ..      4       CRC-32 (zlib) of all other bytes of the file, big-endian
    ..      2-..    only in a file of several packets: their number n - 1 (one byte, 1..31),
                    then n - 1 lengths as varints
    ..              packets; the last one runs to the end of the file

A single-packet file of 768x512 pixels thus spends 12 bytes on all this.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from .codec import Geometry
from .errors import (
    BitstreamError,
    BudgetError,
    ChecksumError,
    ImageTooLargeError,
    TruncatedError,
)
from .picture.raster import MAX_SIDE

MAGIC = b"\x8fF"
MAX_PACKETS = 32
_TRIMMED, _SEVERAL = 8, 4
_MAX_VARINT_BYTES = 5


@dataclass(frozen=True)
class Frame:
    """A parsed container.

    Parameters
    ----------
    codec_number, version : int
    geometry : Geometry
    packets : tuple of bytes
        The packets that are there; the last may be incomplete if `cut`.
    declared_packets : int
    trimmed : bool
        Whether a longer file was cut to make this one.
    cut : bool
        Whether the file ends inside a packet.
    overhead : int
        Bytes that are not packets.
    """

    codec_number: int
    version: int
    geometry: Geometry
    packets: tuple[bytes, ...]
    declared_packets: int
    trimmed: bool
    cut: bool
    overhead: int

    @property
    def complete(self) -> bool:
        """Whether everything that the encoder wrote is there."""
        return not (self.trimmed or self.cut) and len(self.packets) == self.declared_packets


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
            message = "the file ends inside its header"
            raise TruncatedError(message)
        value |= (data[at + i] & 127) << (7 * i)
        if data[at + i] < 128:
            return value, at + i + 1
    message = "a number in the header is longer than five bytes; the file is damaged"
    raise BitstreamError(message)


def overhead_bytes(geometry: Geometry, packet_sizes: Sequence[int]) -> int:
    """Bytes that `pack` adds to packets of these sizes."""
    table = sum(len(write_varint(size)) for size in packet_sizes[:-1])
    sides = len(write_varint(geometry.width)) + len(write_varint(geometry.height))
    return 4 + sides + 4 + (1 + table if len(packet_sizes) > 1 else 0)


def pack(
    codec_number: int,
    version: int,
    geometry: Geometry,
    packets: Sequence[bytes],
    *,
    trimmed: bool = False,
) -> bytes:
    """Write a file of 1 to 32 packets, none empty."""
    if not 1 <= len(packets) <= MAX_PACKETS or not all(packets):
        message = f"a codec writes 1 to {MAX_PACKETS} packets, none of them empty"
        raise ValueError(message)
    several = len(packets) > 1
    flags = version << 4 | (_TRIMMED if trimmed else 0) | (_SEVERAL if several else 0)
    head = MAGIC + bytes([codec_number, flags | geometry.channels - 1])
    head += write_varint(geometry.width) + write_varint(geometry.height)
    body = b""
    if several:
        lengths = b"".join(write_varint(len(packet)) for packet in packets[:-1])
        body = bytes([len(packets) - 1]) + lengths
    body += b"".join(packets)
    return head + zlib.crc32(head + body).to_bytes(4, "big") + body


def unpack(data: bytes, *, max_pixels: int, allow_damaged: bool = False) -> Frame:
    """Parse and check a file; allocates nothing that the header could inflate.

    Parameters
    ----------
    data : bytes
    max_pixels : int
    allow_damaged : bool
        Take a wrong checksum for that of a file cut inside its last packet, with a warning.

    Raises
    ------
    BitstreamError
        If this is not a fractour file; `TruncatedError` if it ends in its header,
        `ChecksumError` if it is damaged.
    ImageTooLargeError
        If it declares more than `max_pixels` pixels.

    Notes
    -----
    The checksum covers the whole file, so one that was cut cannot be checked: a cut right
    after a packet gives a frame with fewer packets, any other one a frame with `cut` set.
    A cut inside the last packet shows as a wrong checksum; with `allow_damaged` the frame has
    `cut` set then.
    """
    if len(data) < len(MAGIC) or not data.startswith(MAGIC):
        what = "is empty" if not data else "does not start with the fractour magic 8F 46"
        message = f"not a fractour file: it {what}"
        raise BitstreamError(message)
    if len(data) < 4:
        message = "the file ends inside its header"
        raise TruncatedError(message)
    number, flags = data[2], data[3]
    width, at = read_varint(data, 4)
    height, at = read_varint(data, at)
    if not width or not height or number > 127:
        message = "the header is not valid; the file is damaged"
        raise BitstreamError(message)
    geometry = Geometry(height, width, (flags & 3) + 1)
    if geometry.pixels > max_pixels:
        message = (
            f"the file declares {width} x {height} pixels, more than the limit of {max_pixels}; "
            "raise max_pixels (--max-pixels) if you trust it"
        )
        raise ImageTooLargeError(message)
    if max(width, height) > MAX_SIDE:
        message = f"the file declares {width} x {height} pixels; no side may exceed {MAX_SIDE}"
        raise ImageTooLargeError(message)
    if len(data) < at + 4:
        message = "the file ends inside its header"
        raise TruncatedError(message)
    checksum, head, start = data[at : at + 4], data[:at], at + 4
    sizes: list[int] = []
    at = start
    if flags & _SEVERAL:
        declared = (data[at] if at < len(data) else 0) + 1
        at += 1
        for _ in range(declared - 1):
            size, at = read_varint(data, at)
            sizes.append(size)
    else:
        declared = 1
    if (flags & _SEVERAL and declared < 2) or declared > MAX_PACKETS or 0 in sizes:
        message = "the packet table is not valid; the file is damaged"
        raise BitstreamError(message)
    overhead, packets, cut = at, [], False
    for size in sizes:
        if at >= len(data):
            break
        packets.append(data[at : at + size])
        cut = at + size > len(data)
        at += size
    if len(packets) == len(sizes) and at < len(data):
        packets.append(data[at:])
    if len(packets) == declared and zlib.crc32(head + data[start:]).to_bytes(4, "big") != checksum:
        message = (
            "checksum mismatch: the file is damaged, or was cut inside its last packet; "
            "get it again, or encode the picture again"
        )
        if not allow_damaged:
            raise ChecksumError(message)
        warnings.warn(
            "checksum mismatch: taken for a file that was cut inside its last packet",
            stacklevel=2,
        )
        cut = True
    return Frame(
        number,
        flags >> 4,
        geometry,
        tuple(packets),
        declared,
        bool(flags & _TRIMMED),
        cut,
        overhead,
    )


def cut(frame: Frame, size: int, *, embedded: bool) -> bytes:
    """Write the longest prefix of `frame` that fits into `size` bytes.

    Parameters
    ----------
    frame : Frame
    size : int
        Bytes of the resulting file, at most.
    embedded : bool
        Whether a packet may be cut at any byte.

    Raises
    ------
    BudgetError
        If not even the first packet (or, if `embedded`, its first byte) fits.
    """
    whole = frame.packets[:-1] if frame.cut and not embedded else frame.packets
    for count in range(len(whole), 0, -1):
        packets = list(whole[:count])
        spare = (
            size
            - overhead_bytes(frame.geometry, [len(p) for p in packets])
            - sum(map(len, packets))
        )
        if spare < 0 and embedded and len(packets[-1]) + spare > 0:
            packets[-1] = packets[-1][:spare]
            spare = 0
        if spare >= 0:
            return pack(
                frame.codec_number,
                frame.version,
                frame.geometry,
                packets,
                trimmed=True,
            )
    first = 1 if embedded else len(whole[0])
    smallest = overhead_bytes(frame.geometry, [first]) + first
    message = f"{size} bytes are too few; the smallest file this one can be cut to has {smallest}"
    raise BudgetError(message, smallest)
