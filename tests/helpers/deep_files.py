"""What Pillow cannot write: colour of 16 bits a sample, profiles of other spaces than sRGB."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png16(samples: np.ndarray, clear: tuple[int, ...] = ()) -> bytes:
    """A PNG of 16-bit samples, (H, W, 1 to 4) uint16; `clear` is a transparent colour."""
    height, width, channels = samples.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)),
            _chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear)) if clear else b"",
            _chunk(b"IDAT", zlib.compress(lines)),
            _chunk(b"IEND", b""),
        )
    )


def _s15f16(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"text\0\0\0\0made for a test\0"
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78), b"cprt": text,
            b"wtpt": b"XYZ \0\0\0\0" + _s15f16(0.9642, 1.0, 0.8249)} | tags  # fmt: skip
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        at = 128 + 4 + 12 * len(tags) + len(bodies)
        table += name + struct.pack(">II", at, len(body))
        bodies += body + bytes(-len(body) % 4)
    size = 128 + len(table) + len(bodies)
    head = struct.pack(">I", size) + b"none" + b"\x02\x10\0\0" + kind + space + connection
    head += bytes(12) + b"acsp" + bytes(28) + _s15f16(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + table + bodies


def _power(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


ADOBE_RGB = _profile(
    b"mntr",
    b"RGB ",
    b"XYZ ",
    {
        **{
            name: b"XYZ \0\0\0\0" + _s15f16(*values)
            for name, values in (
                (b"rXYZ", (0.60974, 0.31111, 0.01947)),
                (b"gXYZ", (0.20528, 0.62567, 0.06087)),
                (b"bXYZ", (0.14919, 0.06322, 0.74457)),
            )
        },
        **{name: _power(563 / 256) for name in (b"rTRC", b"gTRC", b"bTRC")},
    },
)
"""Adobe RGB (1998): a gamut wider than sRGB's."""
LINEAR_GREY = _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _power(1.0)})


def _inks() -> bytes:
    """White paper that every ink darkens by 20 of L*, without a hue."""
    corners = [100 - 20 * bin(ink).count("1") for ink in range(16)]
    grid = b"".join(bytes((round(light * 2.55), 128, 128)) for light in corners)
    matrix = _s15f16(1, 0, 0, 0, 1, 0, 0, 0, 1)
    line = bytes(range(256))
    return b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + 4 * line + grid + 3 * line


GREY_INKS = _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": _inks()})
"""A press whose four inks are all grey, so that nobody takes it for another."""
