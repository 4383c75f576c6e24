"""Elements of the tiles codec: one for each leaf that has detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...shared import entropy
from ...shared.codec import Geometry, Image, Proposal
from ...shared.picture.seen import Seen
from ...shared.tiles.analysis.elements import drop_details, errors, peaks
from ...shared.tiles.analysis.encoder import LAMBDA, Choice, choose, code
from ...shared.tiles.analysis.palette import painted
from ...shared.tiles.analysis.polish import polished
from ...shared.tiles.analysis.postfilter import postfilter_of
from ...shared.tiles.analysis.spectra import Spectra
from ...shared.tiles.format.packets import (
    HEADER,
    POSTFILTERS,
    header_bytes,
    parse_header,
    split_packets,
)
from ...shared.tiles.format.stream import NEUTRAL_CHROMA, STEPS, TileSet
from ...shared.tiles.format.syntax import GRADE, LOG
from .format import initial_tables, read
from .synthesis import synthesize


@dataclass(frozen=True)
class State:
    """What `write` needs of a proposal."""

    step: int
    chroma: int
    choice: Choice
    leaves: npt.NDArray[np.intp]
    postfilter: int


def propose(spectra: Spectra, step: int, *, lmbda: float = LAMBDA) -> Proposal:
    """Choose at `step`, and price the detail of every leaf."""
    spectra = painted(spectra, step, initial_tables(), lmbda=lmbda)
    choice = choose(spectra, step, NEUTRAL_CHROMA, initial_tables(), lmbda=lmbda)
    leaves = choice.tiles.leaves
    found = np.nonzero(leaves[:, GRADE])[0]
    shares = choice.coder.shares()
    fixed = shares["partition"] + shares["means"] + shares["palettes"] + 8.0 * HEADER
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
        state=State(
            min(step, STEPS - 1),
            NEUTRAL_CHROMA,
            choice,
            found,
            postfilter_of(choice.tiles, spectra.luma),
        ),
        looked=spectra.count,
    )


def write(state: State, keep: npt.NDArray[np.bool_]) -> list[bytes]:
    """Write the leaves, and the levels of those kept."""
    chosen = drop_details(state.choice.tiles, state.leaves[~keep])
    return _packets(chosen, header_bytes(state.step, state.chroma, state.postfilter))


def _packets(tiles: TileSet, head: bytes) -> list[bytes]:
    """Write a set whose maps are still empty."""
    written = code(initial_tables(), tiles, priced=False)
    payload = entropy.finish(written.coder.state)
    return split_packets(head, payload, written.first, written.marks)


def polish(
    geometry: Geometry, packets: Sequence[bytes], seen: Seen, limit: int
) -> tuple[list[bytes], int] | None:
    """Change levels, and choose the post-filter, by what is seen at full size."""
    data = b"".join(packets)
    before = read(geometry, [data], complete=True)
    if before.tiles.palette is not None:
        return None
    step, chroma, _, _ = parse_header(data, "tiles")

    def show(tiles: TileSet, postfilter: int = before.postfilter) -> Image:
        known = np.ones(len(tiles.leaves), np.bool_)
        shown = replace(before, tiles=tiles, known=known, postfilter=postfilter)
        pixels: Image = synthesize(shown, np)
        return pixels

    found = polished(initial_tables(), before.tiles, seen, show, limit)
    by_filter = [seen.error(show(found, number)) for number in range(POSTFILTERS + 1)]
    head = header_bytes(step, chroma, int(np.argmin(by_filter)))
    return _packets(found.emptied(), head), int((found.leaves[:, GRADE] > 0).sum())
