"""Template: the smallest complete codec, a mosaic of flat blocks. Copy this folder to start.

Every codec has the same rooms: ``format`` (integers to bytes and back), ``synthesis`` (integers
to pixels), ``analysis`` (the search encoder), ``show`` (pictures that explain a file), and
``network`` where an encoder network fills it; modules while they are small, packages of modules
when they grow. The normative text is ``FORMAT.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared.codec import Codec, Geometry, Image, Progress, Proposal
from . import analysis as search
from . import format as syntax
from . import synthesis


class TemplateCodec(Codec):
    """A mosaic of flat blocks; what is dropped is grey."""

    name = "template"
    number = 1
    summary = "mosaic of flat blocks: the smallest complete codec, to copy from"
    steps = syntax.STEPS

    def analyze(
        self,
        image: Image,
        *,
        encoder: str,
        effort: int,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Image:
        """Nothing here is independent of the step."""
        return image

    def propose(self, analysis: Image, step: int) -> Proposal:
        """Average over blocks; an element is a block that is not grey."""
        return search.propose(analysis, step)

    def write(self, proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
        """Write the blocks that are kept."""
        return search.write_packets(proposal, keep)

    def read(
        self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool
    ) -> syntax.Blocks:
        """Parse the packet."""
        return syntax.read(geometry, packets, complete=complete)

    def synthesize(self, symbols: syntax.Blocks, *, xp: Any, scale: int = 1) -> Any:
        """Fill the blocks."""
        return synthesis.synthesize(symbols, xp)

    def bit_shares(self, symbols: syntax.Blocks) -> dict[str, float]:
        """All bits are blocks."""
        return {"blocks": symbols.bits}

    def panels(self, symbols: syntax.Blocks, pixels: Image) -> list[tuple[str, Image]]:
        """Draw the grid of blocks."""
        from .show import panels

        return panels(symbols, pixels)
