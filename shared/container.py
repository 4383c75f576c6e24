"""The ``.frc`` container: header, size, packets, checksum. Spec: ``shared/FORMAT.md``.

Two frames. The long one begins with a magic of two bytes and spends 12 bytes on a single-packet
file of 768x512 pixels. The short one is for files below `SHORT_BELOW` bytes and for reduced
pictures: 6 bytes for the same picture, 4 in its compact form, which has no checksum.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .codec import Geometry
from .errors import BitstreamError, BudgetError, ChecksumError, ImageTooLargeError, TruncatedError
from .framing.headers import (
    DEFAULT_FORM,
    MAGIC,
    Form,
    Header,
    checksum_of,
    is_frame,
    read_header,
    read_varint,
    write_header,
    write_varint,
)
from .picture.raster import MAX_SIDE

MAX_PACKETS = 32
SHORT_BELOW = 1024
"""Files of fewer bytes have a short frame."""

__all__ = [
    "DEFAULT_FORM",
    "MAGIC",
    "Form",
    "Frame",
    "cut",
    "is_frame",
    "overhead_bytes",
    "pack",
    "unpack",
    "write_varint",
]


@dataclass(frozen=True)
class Frame:
    """A parsed container.

    Parameters
    ----------
    header : Header
    packets : tuple of bytes
        The packets that are there; the last may be incomplete if `cut`.
    declared_packets : int
    cut : bool
        Whether the file ends inside a packet.
    overhead : int
        Bytes that are not packets.
    """

    header: Header
    packets: tuple[bytes, ...]
    declared_packets: int
    cut: bool
    overhead: int

    @property
    def codec_number(self) -> int:
        """Wire number of the codec."""
        return self.header.number

    @property
    def version(self) -> int:
        """Format version of the codec."""
        return self.header.version

    @property
    def geometry(self) -> Geometry:
        """Size of the picture."""
        return self.header.geometry

    @property
    def coded(self) -> Geometry:
        """Size of what the packets hold."""
        return self.header.form.coded(self.geometry)

    @property
    def trimmed(self) -> bool:
        """Whether a longer file was cut to make this one."""
        return self.header.trimmed

    @property
    def complete(self) -> bool:
        """Whether everything that the encoder wrote is there."""
        return not (self.trimmed or self.cut) and len(self.packets) == self.declared_packets


def _table(packet_sizes: Sequence[int]) -> bytes:
    """Write the number and the lengths of several packets; nothing for one."""
    if len(packet_sizes) == 1:
        return b""
    lengths = b"".join(write_varint(size) for size in packet_sizes[:-1])
    return bytes([len(packet_sizes) - 1]) + lengths


def _framed(header: Header, packet_sizes: Sequence[int], form: Form) -> tuple[Header, int]:
    """Choose the frame of packets of these sizes; return its header and how long it makes all."""
    content = len(_table(packet_sizes)) + sum(packet_sizes)
    short = replace(header, checksum=0 if form.compact else 2, long=False)
    size = len(write_header(short)) + short.checksum + content
    if form.compact or size < SHORT_BELOW:
        return short, size
    whole = replace(header, checksum=4, long=form.reduction == 0)
    return whole, len(write_header(whole)) + 4 + content


def overhead_bytes(
    geometry: Geometry,
    packet_sizes: Sequence[int],
    *,
    number: int = 1,
    trimmed: bool = False,
    form: Form = DEFAULT_FORM,
) -> int:
    """Bytes that `pack` adds to packets of these sizes."""
    header = Header(number, 1, geometry, trimmed, len(packet_sizes) > 1, form.reduction, 4, True)
    return _framed(header, packet_sizes, form)[1] - sum(packet_sizes)


def pack(
    codec_number: int,
    version: int,
    geometry: Geometry,
    packets: Sequence[bytes],
    *,
    trimmed: bool = False,
    form: Form = DEFAULT_FORM,
) -> bytes:
    """Write a file of 1 to 32 packets, none empty; its frame is short where that is allowed."""
    if not 1 <= len(packets) <= MAX_PACKETS or not all(packets):
        message = f"a codec writes 1 to {MAX_PACKETS} packets, none of them empty"
        raise ValueError(message)
    several = len(packets) > 1
    header = Header(codec_number, version, geometry, trimmed, several, form.reduction, 4, True)
    sizes = [len(packet) for packet in packets]
    header, _ = _framed(header, sizes, form)
    head, body = write_header(header), _table(sizes) + b"".join(packets)
    return head + checksum_of(head + body, header.checksum) + body


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
    header, at = read_header(data)
    geometry = header.geometry
    declares = f"the file declares {geometry.width} x {geometry.height} pixels"
    if geometry.pixels > max_pixels:
        message = (
            f"{declares}, more than the limit of {max_pixels}; "
            "raise max_pixels (--max-pixels) if you trust it"
        )
        raise ImageTooLargeError(message)
    if max(geometry.width, geometry.height) > MAX_SIDE:
        message = f"{declares}; no side may exceed {MAX_SIDE}"
        raise ImageTooLargeError(message)
    head, start = data[:at], at + header.checksum
    if len(data) < start:
        message = "the file ends inside its header"
        raise TruncatedError(message)
    checksum = data[at:start]
    sizes: list[int] = []
    at, declared = start, 1
    if header.several:
        declared = (data[at] if at < len(data) else 0) + 1
        at += 1
        for _ in range(declared - 1):
            size, at = read_varint(data, at)
            sizes.append(size)
    if (header.several and declared < 2) or declared > MAX_PACKETS or 0 in sizes:
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
    whole = len(packets) == declared
    if whole and checksum_of(head + data[start:], header.checksum) != checksum:
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
    return Frame(header, tuple(packets), declared, cut, overhead)


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
    form = frame.header.form

    def overhead(sizes: Sequence[int]) -> int:
        number = frame.codec_number
        return overhead_bytes(frame.geometry, sizes, number=number, trimmed=True, form=form)

    for count in range(len(whole), 0, -1):
        packets = list(whole[:count])
        spare = size - overhead([len(p) for p in packets]) - sum(map(len, packets))
        while spare < 0 and embedded and len(packets[-1]) + spare > 0:
            # A shorter file may also have a shorter frame, never a longer one.
            packets[-1] = packets[-1][:spare]
            spare = size - overhead([len(p) for p in packets]) - sum(map(len, packets))
        if spare >= 0:
            return pack(
                frame.codec_number,
                frame.version,
                frame.geometry,
                packets,
                trimmed=True,
                form=form,
            )
    first = 1 if embedded else len(whole[0])
    smallest = overhead([first]) + first
    message = f"{size} bytes are too few; the smallest file this one can be cut to has {smallest}"
    raise BudgetError(message, smallest)
