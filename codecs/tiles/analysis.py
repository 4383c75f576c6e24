"""Elements of the tiles codec: one for each leaf that has detail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...shared import color, entropy
from ...shared.codec import Proposal
from ...shared.tiles.deblock import USUAL
from ...shared.tiles.encoder import LAMBDA, Choice, Spectra, choose, code
from ...shared.tiles.stream import NEUTRAL_CHROMA, STEPS, TileSet
from ...shared.tiles.syntax import COMP, GRADE, LOG, MEAN, REACH, START
from .format import HEADER, header_bytes, initial_tables, split_packets


@dataclass(frozen=True)
class State:
    """What `write` needs of a proposal."""

    step: int
    chroma: int
    choice: Choice
    leaves: npt.NDArray[np.intp]


def leaf_sums(choice: Choice, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum `values` (C, size) over each leaf, in order of the leaves."""
    leaves = choice.tiles.leaves
    totals = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    comp, start = leaves[:, COMP], leaves[:, START].astype(np.int64)
    end = start + (1 << 2 * leaves[:, LOG].astype(np.int64))
    out: npt.NDArray[np.float64] = totals[comp, end] - totals[comp, start]
    return out


def unit_error(choice: Choice) -> float:
    """Squared error over all samples that one squared step makes, in any component."""
    weight = color.ERROR_WEIGHTS[choice.tiles.geometry.channels][0]
    return float(weight * (choice.tiles.steps[0] / 65536.0) ** 2)


def peaks(choice: Choice) -> npt.NDArray[np.float64]:
    """Peak amplitude in the picture of each leaf's largest harmonic, code values."""
    leaves, levels = choice.tiles.leaves, choice.tiles.levels
    largest = np.zeros(len(leaves))
    for comp in range(len(levels)):
        mine = np.nonzero(leaves[:, COMP] == comp)[0]
        starts = leaves[mine, START].astype(np.int64)
        if len(mine):
            largest[mine] = np.maximum.reduceat(np.abs(levels[comp].astype(np.int32)), starts)
    steps = choice.tiles.steps[leaves[:, COMP]] / 65536.0
    return largest * steps * 2.0 / (1 << leaves[:, LOG])


def errors(choice: Choice) -> tuple[npt.NDArray[np.float64], float]:
    """Squared error that each leaf's levels remove, and what remains with all of them."""
    ratio, level = choice.ratios.astype(np.float64), choice.tiles.levels.astype(np.float64)
    leaves = choice.tiles.leaves
    comp, start = leaves[:, COMP], leaves[:, START]
    mean_error = ratio[comp, start] - leaves[:, MEAN]
    ratio[comp, start] = 0.0
    gain = leaf_sums(choice, level * (2 * ratio - level))
    left = float(((ratio - level) ** 2).sum() + (mean_error**2).sum())
    unit = unit_error(choice)
    return gain * unit, left * unit


def propose(spectra: Spectra, step: int, *, lmbda: float = LAMBDA) -> Proposal:
    """Choose at `step`, and price the detail of every leaf."""
    choice = choose(spectra, step, NEUTRAL_CHROMA, initial_tables(), lmbda=lmbda)
    leaves = choice.tiles.leaves
    found = np.nonzero(leaves[:, GRADE])[0]
    shares = choice.coder.shares()
    fixed = shares["partition"] + shares["means"] + 8.0 * HEADER
    bits = choice.spent[found] + 4.0
    total = sum(shares.values()) + 8.0 * HEADER - fixed
    bits *= total / max(bits.sum(), 1e-9)
    gain, residual = errors(choice)
    return Proposal(
        step=step,
        contrast=peaks(choice)[found],
        area=(1 << 2 * leaves[found, LOG]).astype(np.float64),
        gain=gain[found],
        bits=bits,
        residual=residual,
        overhead_bits=fixed,
        state=State(min(step, STEPS - 1), NEUTRAL_CHROMA, choice, found),
    )


def drop_details(tiles: TileSet, dropped: npt.NDArray[np.intp]) -> TileSet:
    """Copy a set without the levels of some leaves."""
    leaves, levels = tiles.leaves.copy(), tiles.levels.copy()
    leaves[dropped, GRADE] = 0
    leaves[dropped, REACH] = 0
    for comp, start, log in leaves[dropped][:, [COMP, START, LOG]].tolist():
        levels[comp, start : start + (1 << 2 * log)] = 0
    return TileSet.blank(tiles.geometry, tiles.steps, leaves, levels)


def write(state: State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the leaves, and the levels of those kept."""
    chosen = drop_details(state.choice.tiles, state.leaves[~keep])
    written = code(initial_tables(), chosen, priced=False)
    payload = entropy.finish_encoder(written.coder.rc, written.coder.buf)
    head = header_bytes(state.step, state.chroma, USUAL)
    return split_packets(head, payload, written.first, written.marks)
