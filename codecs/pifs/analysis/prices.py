"""What maps cost, for the encoder's choices: read off the coder's probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....shared.entropy import COST
from ..format.maps import (
    FLAG_AT,
    FOLD_AT,
    NEAR,
    NEAR_AT,
    SCALE_AT,
    SIDE_AT,
    domains,
    far,
    window,
)

FloatArray = npt.NDArray[np.float64]
Places = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class MapPrices:
    """Bits by role and size, float64.

    Parameters
    ----------
    flag : (2, 5, 4, 2)
        By grade and value.
    near : (2, 5, 2)
    axis : (2, 5, 2, 2 * NEAR)
        By axis and distance -NEAR .. NEAR - 1.
    scale : (2, 5, 8)
        By magnitude - 1.
    """

    flag: FloatArray
    near: FloatArray
    axis: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, probability: npt.NDArray[np.int32]) -> MapPrices:
        """Read prices off the probabilities of a coder."""

        def bits(first: int, shape: tuple[int, ...]) -> FloatArray:
            p = probability[first : first + int(np.prod(shape))].astype(np.int64).reshape(shape)
            return np.stack([COST[(65536 - p) >> 4], COST[p >> 4]], -1)

        def unary(table: FloatArray) -> FloatArray:
            more = np.cumsum(table[..., 1], -1)
            more = np.concatenate([np.zeros_like(more[..., :1]), more], -1)
            out: FloatArray = more + np.concatenate(
                [table[..., 0], np.zeros_like(more[..., :1])], -1
            )
            return out

        folded = unary(bits(FOLD_AT[0], (2, 5, 2, NEAR - 1)))
        side = bits(SIDE_AT[0], (2, 5, 2))
        before, after = folded[..., ::-1] + side[..., 1:], folded + side[..., :1]
        return cls(
            bits(FLAG_AT[0], (2, 5, 4)),
            bits(NEAR_AT[0], (2, 5)),
            np.concatenate([before, after], -1),
            1.0 + unary(bits(SCALE_AT[0], (2, 5, 8))[:, :, 1:]),
        )

    def places(
        self, role: int, log: int, size: tuple[int, int], leaves: Places, places: Places
    ) -> FloatArray:
        """Bits of places.

        Parameters
        ----------
        role, log : int
        size : (int, int)
            Pixels of the picture.
        leaves : (n, 2)
            In units of their side.
        places : (n, k, 2)

        Returns
        -------
        (n, k) float64
        """
        k = log - 2
        away = places - leaves[:, None, :]
        close = ((away >= -NEAR) & (away < NEAR)).all(-1)
        at = np.clip(away + NEAR, 0, 2 * NEAR - 1)
        near = self.axis[role, k, 0][at[..., 0]] + self.axis[role, k, 1][at[..., 1]]
        spread = np.zeros(len(leaves))
        for axis in range(2):
            count = domains(size[axis], log)
            grid = range(-(-size[axis] // (1 << log)))
            spans = [window(place, count, far(log)) for place in grid]
            widths = np.array([np.log2(max(high - low, 1)) for low, high in spans])
            spread += widths[leaves[:, axis]]
        said = self.near[role, k]
        out: FloatArray = np.where(close, said[1] + near, said[0] + spread[:, None])
        return out
