"""Fractal codec: tiles plus maps of the picture into itself. Normative text: ``FORMAT.md``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...shared.codec import Codec, Geometry, Image, Progress, Proposal
from ...shared.encoding import SEARCHES
from ...shared.error.importance import Importance, mixed
from ...shared.error.masking import masked_importance
from ...shared.tiles.analysis.spectra import first_step
from ...shared.tiles.format.stream import EXTRA_STEPS, STEPS
from . import analysis as searching
from . import format as syntax
from . import synthesis


class PifsCodec(Codec):
    """Partitioned iterated function system on harmonic tiles.

    ::

        image -> tiles, plus for a leaf s * (a domain twice its size, its mean removed)
        pixels <- YCbCr <- deblock <- pyramid 64 .. 1 <- tiles and maps <- range coder
    """

    name = "pifs"
    number = 4
    summary = "fractal maps on DCT tiles, exact decoding in one coarse-to-fine pass"
    references = (
        "Jacquin 1992, Image coding based on a fractal theory of iterated contractive image "
        "transformations, doi:10.1109/83.128028",
        "Oien, Lepsoy 1995, A class of fractal image coders with fast decoder convergence, "
        "doi:10.1007/978-1-4612-2472-3_8",
        "Saupe 1995, Accelerating fractal image compression by multi-dimensional nearest "
        "neighbor search, doi:10.1109/DCC.1995.515512",
    )
    steps = STEPS + EXTRA_STEPS
    embedded = True
    encoders: ClassVar[tuple[str, ...]] = ("search", "masked", "network", "network+refine")
    quick = ("network", "network+refine")
    network: ClassVar[str | None] = "fractour.codecs.pifs.network:PifsNetwork"
    scalable = True
    version = 5
    ablations: ClassVar[tuple[str, ...]] = ("tiles", "pifs-pure")
    pure: ClassVar[bool] = False

    def analyze(
        self,
        image: Image,
        *,
        encoder: str,
        effort: int,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> searching.Analysis:
        """Transform the image and search its domains, or ask the network where to."""
        if encoder in SEARCHES:
            found = searching.analyze(image, pure=self.pure, progress=progress)
            if encoder == "search":
                return found
            return self.reweighted(found, masked_importance(image))
        from .network.model import ask

        return searching.analyze(image, pure=self.pure, asked=ask(self.name, image, limit))

    def surplus(self, analysis: searching.Analysis) -> float:
        """Return little: leaves carry much."""
        return 0.03

    def first_step(self, analysis: searching.Analysis, limit: int) -> int:
        """Guess the step."""
        if analysis.spectra.importance is None:
            return super().first_step(analysis, limit)
        return first_step(analysis.spectra, limit)

    def strict(
        self, analysis: searching.Analysis, strictness: float, proposal: Proposal | None = None
    ) -> searching.Analysis:
        """Multiply the Lagrangian multiplier."""
        return replace(analysis, spectra=replace(analysis.spectra, strictness=strictness))

    def near(self, analysis: searching.Analysis, proposal: Proposal) -> searching.Analysis:
        """Judge maps in the picture of the proposal, if what is quick will do."""
        return replace(analysis, near=proposal.state) if analysis.quick else analysis

    def reweighted(
        self, analysis: searching.Analysis, importance: Importance
    ) -> searching.Analysis:
        """Mix other importance in."""
        spectra = analysis.spectra
        return replace(analysis, spectra=spectra.reweighted(mixed(spectra.importance, importance)))

    def propose(self, analysis: searching.Analysis, step: int) -> Proposal:
        """Choose partition, maps and levels; elements are details and maps of leaves."""
        return searching.propose(analysis, step)

    def write(self, proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
        """Write all leaves, and the maps and levels of those kept."""
        return searching.write_packets(proposal.state, keep)

    def read(
        self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool
    ) -> syntax.Symbols:
        """Parse packets."""
        return syntax.read(geometry, packets, complete=complete, pure=self.pure)

    def synthesize(self, symbols: syntax.Symbols, *, xp: Any, scale: int = 1) -> Any:
        """Render symbols to pixels; above scale 1 with detail that the maps invent."""
        return synthesis.synthesize(symbols, xp, scale)

    def synthesize_many(
        self, symbols: Sequence[syntax.Symbols], *, xp: Any, scale: int = 1
    ) -> list[Any]:
        """Render pictures of one size."""
        return synthesis.synthesize_many(symbols, xp, scale)

    def bit_shares(self, symbols: syntax.Symbols) -> dict[str, float]:
        """Bits by kind of decision."""
        return dict(symbols.bits)

    def kind_shares(self, symbols: syntax.Symbols) -> dict[str, float]:
        """Bits of maps, and of tiles."""
        bits = self.bit_shares(symbols)
        return {"maps": bits["maps"], "tiles": sum(bits.values()) - bits["maps"]}

    def panels(self, symbols: syntax.Symbols, pixels: Image) -> list[tuple[str, Image]]:
        """Draw leaves, strongest maps and the passes of decoding."""
        from .show import panels

        return panels(symbols, pixels)


class PurePifsCodec(PifsCodec):
    """The classic fractal codec: a leaf is a constant and a domain, nothing else."""

    name = "pifs-pure"
    number = 5
    ablations = ()
    encoders = ("search",)
    network = None
    summary = "fractal maps alone: the classic PIFS, with exact decoding"
    pure = True
