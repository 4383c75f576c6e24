"""Crops of a corpus for training: which ones a step sees depends on the seed and the step alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import FractourError

Image = npt.NDArray[np.uint8]


class Crops:
    """Random crops, flipped, of pictures held in memory.

    Parameters
    ----------
    images : sequence of (H, W, 3) uint8
        Those smaller than `size` are mirrored to it.
    size : int
        Side of the crops.
    seed : int
    """

    def __init__(self, images: Sequence[Image], size: int, seed: int) -> None:
        if not images:
            message = "the training corpus is empty; give a folder that holds pictures"
            raise FractourError(message)
        self.images, self.size, self.seed = list(images), size, seed

    def batch(self, step: int, count: int) -> Image:
        """Return the crops of a step, (count, size, size, 3) uint8."""
        rng = np.random.default_rng((self.seed, step))
        out = np.empty((count, self.size, self.size, 3), np.uint8)
        for i in range(count):
            image = self.images[int(rng.integers(len(self.images)))]
            short = [max(0, self.size - n) for n in image.shape[:2]]
            if any(short):
                image = np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
            top, left = (int(rng.integers(n - self.size + 1)) for n in image.shape[:2])
            crop = image[top : top + self.size, left : left + self.size]
            out[i] = crop[:, ::-1] if rng.random() < 0.5 else crop
        return out

    def budgets(self, step: int, count: int, low: float, high: float) -> npt.NDArray[np.float32]:
        """Return log-uniform budgets of a step, one in each of `count` equal parts, bits a pixel.

        The parts make sure that every picture meets small and large budgets in the same step.
        """
        rng = np.random.default_rng((self.seed, step, 1))
        at = (np.arange(count) + rng.random(count)) / count
        out = np.exp(np.log(low) + at * (np.log(high) - np.log(low)))
        return out.astype(np.float32)  # type: ignore[no-any-return]
