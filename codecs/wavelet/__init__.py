"""Wavelet baseline: integer 9/7, bit planes, mixed contexts. Normative text: ``FORMAT.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared.codec import Codec, Geometry, Image, Progress, Proposal
from ...shared.error.importance import Importance, mixed
from ...shared.error.masking import masked_importance
from . import analysis as search
from . import format as syntax
from . import synthesis


class WaveletCodec(Codec):
    """The baseline that every exotic format is held against.

    ::

        image -> YCbCr -> 9/7 lifting -> quantize -> RDO -> bit planes -> range coder
        pixels <- YCbCr <- 9/7 lifting <- dequantize <------ bit planes <- range coder
    """

    name = "wavelet"
    number = 2
    summary = "integer 9/7 wavelet, bit planes with mixed contexts"
    references = (
        "Taubman 2000, High performance scalable image compression with EBCOT, "
        "doi:10.1109/83.847830",
        "Wu 1997, High-order context modeling and embedded conditional entropy coding of "
        "wavelet coefficients, doi:10.1109/ACSSC.1997.679121",
    )
    steps = syntax.STEPS
    embedded = True
    encoders = ("search", "masked", "network", "network+refine")
    quick = ()
    network = "fractour.codecs.wavelet.network:WaveletNetwork"

    def analyze(
        self,
        image: Image,
        *,
        encoder: str,
        effort: int,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> search.Analysis:
        """Transform the image, and ask the network what counts in it."""
        importance = None
        if encoder == "masked":
            importance = masked_importance(image)
        elif encoder != "search":
            from ...shared.network.inference import importance_for

            importance = importance_for(self.name, image, limit)
        return search.analyze(image, importance)

    def first_step(self, analysis: search.Analysis, limit: int) -> int:
        """Guess the step."""
        return min(search.first_step(analysis, limit), self.steps - 1)

    def reweighted(self, analysis: search.Analysis, importance: Importance) -> search.Analysis:
        """Mix other importance in."""
        return search.reweighted(analysis, mixed(analysis.asked, importance))

    def propose(self, analysis: search.Analysis, step: int) -> Proposal:
        """Quantize, price and prune the coefficients."""
        return search.propose(analysis, step)

    def write(self, proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
        """Write the kept coefficients."""
        return search.write(proposal.state, keep)

    def read(
        self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool
    ) -> syntax.Symbols:
        """Parse packets."""
        return syntax.read(geometry, packets, complete=complete)

    def synthesize(self, symbols: syntax.Symbols, *, xp: Any, scale: int = 1) -> Any:
        """Render symbols to pixels."""
        return synthesis.synthesize(symbols, xp)

    def synthesize_many(
        self, symbols: Sequence[syntax.Symbols], *, xp: Any, scale: int = 1
    ) -> list[Any]:
        """Render pictures of one size."""
        return synthesis.synthesize_many(symbols, xp)

    def bit_shares(self, symbols: syntax.Symbols) -> dict[str, float]:
        """Bits by kind of decision."""
        return dict(symbols.bits)

    def panels(self, symbols: syntax.Symbols, pixels: Image) -> list[tuple[str, Image]]:
        """Draw magnitudes by subband and active coding blocks."""
        from .show import panels

        return panels(symbols, pixels)
