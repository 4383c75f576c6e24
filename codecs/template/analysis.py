"""The search encoder: block means, rounded; there is nothing to search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...shared.codec import Geometry, Image, Proposal
from ...shared.picture import color
from .format import LARGEST, Blocks, grid, side_and_quantum, write


def propose(image: Image, step: int) -> Proposal:
    """Average over blocks; every non-zero block of every component is an element."""
    height, width, channels = image.shape
    geometry = Geometry(height, width, channels)
    side, quantum = side_and_quantum(step)
    _, rows, columns = grid(geometry, step)
    planes = np.stack(color.to_components(image))
    at_y, at_x = np.arange(rows) * side, np.arange(columns) * side
    sums = np.add.reduceat(np.add.reduceat(planes, at_y, axis=1), at_x, axis=2)
    area = np.outer(np.diff(at_y, append=height), np.diff(at_x, append=width)).astype(np.float64)
    means = sums / area
    values = np.clip(np.rint(means / quantum), -LARGEST, LARGEST).astype(np.int32)
    weight = np.array(color.ERROR_WEIGHTS[channels])[:, None, None]
    gain = weight * area * (means**2 - (means - values * quantum) ** 2)
    where = np.nonzero(values)
    size = np.abs(values[where]).astype(np.float64)
    return Proposal(
        step=step,
        contrast=size * quantum,
        area=np.broadcast_to(area, values.shape)[where],
        gain=gain[where],
        bits=2.0 + size,
        residual=float((weight * planes**2).sum() - gain[where].sum()),
        overhead_bits=8.0 + 0.1 * values.size,
        state=(Blocks(step, geometry, values), where),
    )


def write_packets(proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the blocks that are kept."""
    blocks, where = proposal.state
    values = blocks.values.copy()
    values[tuple(axis[~keep] for axis in where)] = 0
    return write(blocks.step, values)
