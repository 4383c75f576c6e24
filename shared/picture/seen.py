"""What an error in a reduced picture becomes once that is enlarged: the encoder's side, floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .raster import Image
from .scaling import enlargement

FloatArray = npt.NDArray[np.float64]


def _both(down: Any, across: Any, values: FloatArray) -> FloatArray:
    """Apply sparse matrices to both axes of (H, W, C)."""
    for matrix in (down, across):
        found = matrix @ values.reshape(len(values), -1)
        values = found.reshape(-1, *values.shape[1:]).transpose(1, 0, 2)
    return values


class Seen:
    """Squared error at full size as a quadratic form of a reduced picture.

    Neither rounding nor clipping of the enlargement takes part, which makes a difference of parts
    in a thousand. What is left is known from the reduced picture alone, in little time.

    Parameters
    ----------
    image : (H, W, C) uint8
        At full size.
    reduction : int
        How often it was halved.

    Attributes
    ----------
    rows, columns : (h, h), (w, w) float64
        Gram matrices of the enlargement of both axes.
    """

    def __init__(self, image: Image, reduction: int) -> None:
        self._energy = float(np.square(image, dtype=np.int32).sum(dtype=np.int64))
        self._grams: tuple[Any, Any] | None = None
        if reduction == 0:
            self._wanted: FloatArray = image.astype(np.float64)
            self.rows, self.columns = (np.identity(side) for side in image.shape[:2])
            return
        down, across = (enlargement(side, reduction).T.tocsr() for side in image.shape[:2])
        # One at a time: of large pictures floats take much room.
        found = [
            _both(down, across, image[:, :, channel, None].astype(np.float64))
            for channel in range(image.shape[2])
        ]
        self._wanted = np.concatenate(found, axis=2)
        # Few samples reach each other: with full matrices products take fifty times as long.
        self._grams = (down @ down.T).tocsr(), (across @ across.T).tocsr()
        self.rows, self.columns = (gram.toarray() for gram in self._grams)

    def _spread(self, values: FloatArray) -> FloatArray:
        """Enlarge, and take the adjoint of that."""
        return values if self._grams is None else _both(*self._grams, values)

    def error(self, reduced: Image) -> float:
        """Squared error of a reduced picture (h, w, C), summed over samples of the full size."""
        values = reduced.astype(np.float64)
        return self._energy + float((values * (self._spread(values) - 2 * self._wanted)).sum())

    def slope(self, reduced: Image) -> FloatArray:
        """Half of what the error falls by for each unit that a sample grows, (h, w, C)."""
        return self._wanted - self._spread(reduced.astype(np.float64))
