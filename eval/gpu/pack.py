"""The one file that travels to a machine with a GPU: encoded pictures, and crops to train on."""

from __future__ import annotations

import concurrent.futures
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from ...shared import api
from ...shared.budget import Budget
from ...shared.conformance import sample_picture

CODECS = ("tiles", "wavelet", "pifs", "contour")
LIMIT = 38 << 20
"""Bytes of the file at most: with the repository it has to travel in 64 MiB."""
LARGE = {"768x512": (512, 768), "4096x4096": (4096, 4096)}
THROUGHPUT_BPP = 0.1
CROP = 256
Image = npt.NDArray[np.uint8]


def _many(codec: str, seed: int) -> bytes:
    rng = np.random.default_rng([seed, *codec.encode()])
    height, width = (int(side) for side in rng.integers(1, 140, 2))
    channels = int(rng.choice([1, 2, 3, 3, 3, 4]))
    budget = 70 + int(height * width * rng.choice([0.01, 0.05, 0.2]))
    picture = sample_picture(height, width, channels, seed=seed)
    return api.encode(picture, codec=codec, budget=budget, effort=1)


def _of(codec: str, picture: Image, effort: int) -> bytes:
    return api.encode(picture, codec=codec, budget=Budget(bpp=THROUGHPUT_BPP), effort=effort)


def crops(images: Sequence[Image], count: int, seed: int = 0) -> Iterator[Image]:
    """Cut squares of `CROP` pixels a side out of pictures, in turns."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        image = images[i % len(images)]
        short = [max(0, CROP - n) for n in image.shape[:2]]
        image = np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
        top, left = (int(rng.integers(n - CROP + 1)) for n in image.shape[:2])
        yield image[top : top + CROP, left : left + CROP]


def make(out: Path, images: Sequence[Image], *, generated: int = 200, jobs: int = 2) -> None:
    """Write the file.

    Parameters
    ----------
    out : Path
        A zip file of at most `LIMIT` bytes: ``many/CODEC_N.frc``, ``large/CODEC_SIZE_N.frc``,
        and ``crops/N.webp`` (quality 95) as many as fit.
    images : sequence of (H, W, 3) uint8
        Of the corpus to train on; some are encoded too.
    generated : int
        Synthetic pictures a codec.
    jobs : int
    """
    with (
        zipfile.ZipFile(out, "w") as file,
        concurrent.futures.ProcessPoolExecutor(jobs) as pool,
    ):
        waiting = {
            f"many/{codec}_{seed:03d}.frc": pool.submit(_many, codec, seed)
            for codec in CODECS
            for seed in range(generated)
        }
        for codec in CODECS:
            for size, (height, width) in LARGE.items():
                if height > 1000 and codec == "contour":
                    continue  # its search takes minutes there
                effort = 1 if height > 1000 else 3
                for n in range(1 if height > 1000 else 8):
                    picture = _mosaic(images, height, width, n)
                    future = pool.submit(_of, codec, picture, effort)
                    waiting[f"large/{codec}_{size}_{n}.frc"] = future
        for name, one in waiting.items():
            file.writestr(name, one.result())
        total = sum(entry.file_size for entry in file.infolist())
        count = 0
        for crop in crops(images, 4 * len(images)):
            buffer = io.BytesIO()
            PillowImage.fromarray(crop).save(buffer, "WEBP", quality=95)
            total += len(buffer.getvalue()) + 200
            if total > LIMIT - (1 << 16):
                break
            file.writestr(f"crops/{count:05d}.webp", buffer.getvalue())
            count += 1
        file.writestr("pack.json", json.dumps({"crops": count, "generated": generated}))


def _mosaic(images: Sequence[Image], height: int, width: int, n: int) -> Image:
    """Pictures side by side until they fill the size, (height, width, 3)."""
    out = np.zeros((height, width, 3), np.uint8)
    large = [image for image in images if min(image.shape[:2]) >= 256] or list(images)
    top = 0
    at = 7 * n
    while top < height:
        left, tallest = 0, height
        while left < width:
            image = large[at % len(large)][: height - top, : width - left]
            out[top : top + image.shape[0], left : left + image.shape[1]] = image
            left += image.shape[1]
            tallest = min(tallest, image.shape[0])
            at += 1
        top += tallest
    return out


def read_files(pack: Path, prefix: str) -> dict[str, bytes]:
    """Encoded pictures whose names in the file begin with `prefix`."""
    with zipfile.ZipFile(pack) as file:
        return {name: file.read(name) for name in file.namelist() if name.startswith(prefix)}


def read_crops(pack: Path) -> list[Image]:
    """Crops to train on, (CROP, CROP, 3) uint8 each."""
    return [
        np.array(PillowImage.open(io.BytesIO(data))) for data in read_files(pack, "crops/").values()
    ]
