"""Fields and syntax: a step and range-coded block values, integers to bytes and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...shared import entropy
from ...shared.codec import Geometry
from ...shared.compiled import compiled
from ...shared.errors import BitstreamError

LARGEST = 255
"""Of the magnitudes of blocks."""
STEPS = 42
_CONTEXTS = 9 + 9  # is a block there, by neighbours; bits of its magnitude


@compiled
def _code_blocks(m, values):  # type: ignore[no-untyped-def]
    """Code (C, rows, columns) int32 block values in the direction of the coder."""
    for comp in range(values.shape[0]):
        for y in range(values.shape[1]):
            for x in range(values.shape[2]):
                near = 0
                if x and values[comp, y, x - 1]:
                    near += 1
                if y and values[comp, y - 1, x]:
                    near += 1
                value = np.int64(values[comp, y, x])
                m[entropy.CONTEXT] = min(comp, 2) * 3 + near
                there, _ = entropy.decide(m, 0, 1 if value else 0, 1, 0, 1)
                if m[entropy.ENDED]:
                    return
                if not there:
                    values[comp, y, x] = 0
                    continue
                negative = entropy.decide_flat(m, 0, 1 if value < 0 else 0)
                # The magnitude less one, as a run of ones.
                size = 1
                while size < LARGEST:
                    m[entropy.CONTEXT] = 9 + min(size - 1, 8)
                    longer = 1 if abs(value) > size else 0
                    more, _ = entropy.decide(m, 0, longer, 1, 0, 1)
                    if not more or m[entropy.ENDED]:
                        break
                    size += 1
                values[comp, y, x] = -size if negative else size


def _tables() -> entropy.Tables:
    """Untrained states; a real codec ships trained ones, see `shared.entropy.priors`."""
    half = np.full(_CONTEXTS, 32768, np.int32)
    count, weights = np.zeros(_CONTEXTS, np.int32), np.full(2, 32768, np.int32)
    return entropy.Tables(half, count, weights)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Quantized block means: step index, picture size, (C, rows, columns) int32 values."""

    step: int
    geometry: Geometry
    values: npt.NDArray[np.int32]
    bits: float = 0.0


def side_and_quantum(step: int) -> tuple[int, int]:
    """Side of the blocks, pixels, and quantum of their values at a step."""
    return 4 << step // 2, (8, 16)[step % 2]


def grid(geometry: Geometry, step: int) -> tuple[int, int, int]:
    """Components, rows and columns of blocks."""
    side, _ = side_and_quantum(step)
    return geometry.channels, -(-geometry.height // side), -(-geometry.width // side)


def write(step: int, values: npt.NDArray[np.int32]) -> list[bytes]:
    """Write block values as one packet: the step, then the range-coded values."""
    coder = entropy.writer(_tables(), 2 * values.size * (LARGEST + 2) + 64)
    _code_blocks(coder, values)
    return [bytes([step]) + entropy.finish(coder)]


def read(geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Blocks:
    """Parse the packet, see `shared.codec.Codec.read`."""
    data = b"".join(packets)
    step = data[0]
    if step >= STEPS:
        message = f"the template data declares step {step}; there are {STEPS}"
        raise BitstreamError(message)
    values = np.zeros(grid(geometry, step), np.int32)
    coder = entropy.reader(_tables(), data[1:], complete=complete)
    _code_blocks(coder, values)
    entropy.check_ended(coder)
    return Blocks(step, geometry, values, 8.0 * len(data))
