"""Files of which something is missing or wrong: a picture, or an error that says so."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from .. import api, container
from ..codec import Codec, Geometry, Image
from ..errors import BudgetError, FractourError
from .support import TOLERANCE_DB, Failure, encode, expect, psnr, sample_picture

_DECODED_AT_MOST = 1 << 16  # pixels
# Small and large, of every number of channels: how many packets there are may depend on both.
_PICTURES = (
    (24, 33, 3, 160),
    (24, 33, 1, 300),
    (17, 20, 4, 500),
    (40, 9, 2, 90),
    (96, 96, 3, 4000),
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


def _missing_of(
    codec: Codec, geometry: Geometry, packets: Sequence[bytes], rng: np.random.Generator
) -> Iterator[bytes]:
    """Cut a file of these packets after each, within each, and with a broken bit before that."""
    data = container.pack(codec.number, codec.version, geometry, packets)
    end = len(data) - sum(map(len, packets))
    for n, packet in enumerate(packets[:-1]):
        end += len(packet)
        yield data[:end]
        yield data[: end + int(rng.integers(len(packets[n + 1])))]
        kept = list(packets[: n + 1])
        yield container.pack(codec.number, codec.version, geometry, kept, trimmed=True)
        for _ in range(4):
            broken = bytearray(kept[-1])
            broken[int(rng.integers(len(broken)))] ^= 1 << int(rng.integers(8))
            again = [*kept[:-1], bytes(broken)]
            yield container.pack(codec.number, codec.version, geometry, again, trimmed=True)


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
            head = container.pack(
                codec.number, codec.version, frame.geometry, own[:n], trimmed=True
            )
            wanted = image.shape if channels > 1 else image.shape[:2]
            expect(api.decode(head).shape == wanted, f"{n} of {len(own)} packets: another shape")
        divisions = [own]
        divisions += [_split(payload, number, rng) for number in (2, 2, 2, 3, 3, 5, 9, 20, 32)]
        divisions += [[payload[:n], payload[n:]] for n in range(1, min(len(payload), 9))]
        for packets in divisions:
            for cut in _missing_of(codec, frame.geometry, packets, rng):
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


def _repack(codec: Codec, payload: bytes, image: Image) -> bytes:
    geometry = Geometry(*image.shape)
    return container.pack(codec.number, codec.version, geometry, [payload])


def hostile(codec: Codec) -> str:
    """Decode broken files and valid files of broken payloads."""
    rng = np.random.default_rng(7)
    image = sample_picture(24, 33, 3)
    data = encode(codec, image, 160)
    payload = b"".join(container.unpack(data, max_pixels=api.MAX_PIXELS).packets)
    # Beyond the checksum: valid containers with broken or random payloads.
    behind = [_repack(codec, broken, image) for broken in _mutations(payload, rng) if broken]
    behind += [_repack(codec, rng.bytes(int(rng.integers(1, 200))), image) for _ in range(60)]
    tried = [*_mutations(data, rng), *behind]
    for broken in tried:
        _survive(broken, "broken bytes")
    return f"{len(tried)} broken files, each an image or a FractourError"
