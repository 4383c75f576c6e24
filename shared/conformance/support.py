"""What all checks share: pictures, encoding, and how a check fails."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import api
from ..codec import Codec, Image

TOLERANCE_DB = 0.05
"""By how much a picture may become worse where it should become better."""


class ArrayPath:
    """NumPy in the guise of another array module.

    Codecs may use compiled kernels where the module is NumPy itself; through this they take
    the path that other modules take, so that both can be compared where there is no GPU.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class Failure(Exception):
    """A check saw what must not be; the message says what."""


def expect(condition: bool, message: str) -> None:
    """Fail with a message unless something holds."""
    if not condition:
        raise Failure(message)


def sample_picture(height: int, width: int, channels: int, seed: int = 0) -> Image:
    """Make a picture with smooth, sharp and noisy parts, (H, W, C) uint8."""
    rng = np.random.default_rng([seed, height, width, channels])
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        plane = 128 + 60 * np.sin(x / (9.0 + 4 * c) + c) * np.cos(y / 13.0)
        plane = np.where(
            (x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2, 210, plane
        )
        plane = np.where(x > 2 * width / 3, plane + rng.normal(0, 20, (height, width)), plane)
        planes.append(plane)
    picture: Image = np.clip(np.rint(np.stack(planes, -1)), 0, 255).astype(np.uint8)
    return picture


def psnr(a: Image, b: Image) -> float:
    """Peak signal-to-noise ratio of two pictures, dB."""
    error = np.mean((a.astype(np.float64).ravel() - b.ravel()) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / float(error))


def encode(codec: Codec, image: Image, budget: int) -> bytes:
    """Encode by the public function."""
    return api.encode(image, codec=codec.name, budget=budget)
