"""Files of which something is missing or wrong: a picture, or an error that says so."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from .. import api, container
from ..codec import Codec
from ..errors import BudgetError, FractourError
from .support import TOLERANCE_DB, Failure, encode, expect, psnr, sample_picture

_DECODED_AT_MOST = 1 << 16  # pixels
REDUCED = (160, 200, 3, 56)
"""Height, width, channels and bytes of a picture that is too large for its bytes."""
# Small and large, of every number of channels: how many packets there are may depend on both.
# The last is coded at a reduced scale, where the codec has one.
_PICTURES = (
    (24, 33, 3, 160),
    (24, 33, 1, 300),
    (17, 20, 4, 500),
    (40, 9, 2, 90),
    (96, 96, 3, 4000),
    REDUCED,
)


def prefixes(codec: Codec) -> str:
    """Decode a file after every packet, and trim it."""
    image = sample_picture(160, 160, 3, seed=1)
    data = encode(codec, image, 12000)
    frame = container.unpack(data, max_pixels=api.MAX_PIXELS)
    end, quality = frame.overhead, []
    for packet in frame.packets:
        end += len(packet)
        quality.append(psnr(api.decode(data[:end]), image))
    falls = max([a - b for a, b in itertools.pairwise(quality)], default=0.0)
    expect(falls <= TOLERANCE_DB, f"PSNR falls by {falls:.2f} dB with one more packet")
    for size in (len(data), 3 * len(data) // 4, len(data) // 3, 64):
        try:
            shorter = api.trim(data, size)
        except BudgetError as error:
            expect(error.smallest is not None, "trim does not name the smallest size")
            continue
        expect(len(shorter) <= size, f"trim to {size} gives {len(shorter)} bytes")
        api.decode(shorter)
    return f"{len(quality)} packets, {quality[0]:.1f} to {quality[-1]:.1f} dB"


def _survive(data: bytes, what: str) -> None:
    """Decode what may be broken; fail unless that gives a picture or a `FractourError`."""
    for allow_truncated in (False, True):
        try:
            with warnings.catch_warnings():
                # What is damaged at its end decodes in part, and says so.
                warnings.filterwarnings("ignore", message="checksum mismatch")
                api.decode(data, allow_truncated=allow_truncated, max_pixels=_DECODED_AT_MOST)
        except FractourError:
            pass
        except Exception as error:
            message = f"{type(error).__name__} for {what}, {data[:24].hex()}...: {error}"
            raise Failure(message) from error


def _split(payload: bytes, number: int, rng: np.random.Generator) -> list[bytes]:
    """Cut bytes at random places into at most `number` packets, none of them empty."""
    inner = rng.integers(1, max(len(payload), 2), number - 1)
    ends = sorted({0, *inner.tolist(), len(payload)})
    return [payload[a:b] for a, b in itertools.pairwise(ends) if a < b]


def _packed(frame: container.Frame, packets: Sequence[bytes], *, trimmed: bool = False) -> bytes:
    """Write a file like that of `frame`, its scale included, of other packets."""
    return container.pack(
        frame.codec_number,
        frame.version,
        frame.geometry,
        packets,
        trimmed=trimmed,
        form=frame.header.form,
    )


def _missing_of(
    frame: container.Frame, packets: Sequence[bytes], rng: np.random.Generator
) -> Iterator[bytes]:
    """Cut a file of these packets after each, within each, and with a broken bit before that."""
    data = _packed(frame, packets)
    end = len(data) - sum(map(len, packets))
    for n, packet in enumerate(packets[:-1]):
        end += len(packet)
        yield data[:end]
        yield data[: end + int(rng.integers(len(packets[n + 1])))]
        kept = list(packets[: n + 1])
        yield _packed(frame, kept, trimmed=True)
        for _ in range(4):
            broken = bytearray(kept[-1])
            broken[int(rng.integers(len(broken)))] ^= 1 << int(rng.integers(8))
            again = [*kept[:-1], bytes(broken)]
            yield _packed(frame, again, trimmed=True)


def missing(codec: Codec) -> str:
    """Cut files of several packets after every packet, as this codec divides them and otherwise.

    A codec that writes a single packet must still read what others make of its files.
    """
    rng = np.random.default_rng(11)
    tried = 0
    for height, width, channels, budget in _PICTURES:
        image = sample_picture(height, width, channels)
        frame = container.unpack(encode(codec, image, budget), max_pixels=_DECODED_AT_MOST)
        own, payload = list(frame.packets), b"".join(frame.packets)
        for n in range(1, len(own)):
            head = _packed(frame, own[:n], trimmed=True)
            wanted = image.shape if channels > 1 else image.shape[:2]
            expect(api.decode(head).shape == wanted, f"{n} of {len(own)} packets: another shape")
        divisions = [own]
        divisions += [_split(payload, number, rng) for number in (2, 2, 2, 3, 3, 5, 9, 20, 32)]
        divisions += [[payload[:n], payload[n:]] for n in range(1, min(len(payload), 9))]
        for packets in divisions:
            for cut in _missing_of(frame, packets, rng):
                _survive(cut, f"{len(packets)} packets, {height}x{width}x{channels}, cut")
                tried += 1
    return f"{tried} files without their last packets, each an image or a FractourError"


def _mutations(data: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    for n in range(len(data)):
        yield data[:n]
    yield data + b"\0"
    yield data + rng.bytes(50)
    for _ in range(120):
        broken = bytearray(data)
        broken[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        yield bytes(broken)
    for _ in range(60):
        yield data[:4] + rng.bytes(int(rng.integers(1, 80)))


def hostile(codec: Codec) -> str:
    """Decode broken files and valid files of broken payloads."""
    rng = np.random.default_rng(7)
    tried = 0
    for height, width, channels, budget in ((24, 33, 3, 160), REDUCED):
        data = encode(codec, sample_picture(height, width, channels), budget)
        frame = container.unpack(data, max_pixels=_DECODED_AT_MOST)
        payload = b"".join(frame.packets)
        # Beyond the checksum: valid containers with broken or random payloads.
        behind = [_packed(frame, [broken]) for broken in _mutations(payload, rng) if broken]
        behind += [_packed(frame, [rng.bytes(int(rng.integers(1, 200)))]) for _ in range(60)]
        for broken in (*_mutations(data, rng), *behind):
            _survive(broken, "broken bytes")
            tried += 1
    return f"{tried} broken files, each an image or a FractourError"
