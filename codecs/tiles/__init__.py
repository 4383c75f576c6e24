"""Harmonic tiles as a codec of its own. Normative text: ``FORMAT.md``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared.codec import Codec, Geometry, Image, Progress, Proposal
from ...shared.error.importance import Importance, mixed
from ...shared.error.masking import masked_importance
from ...shared.picture import color
from ...shared.picture.seen import Seen
from ...shared.tiles.analysis.screen import screen_of
from ...shared.tiles.analysis.spectra import Spectra, first_step, transform
from ...shared.tiles.format.stream import EXTRA_STEPS, STEPS
from . import analysis as search
from . import format as syntax
from . import synthesis


class TilesCodec(Codec):
    """Quadtree of DCT tiles: what exotic formats have to add something to.

    ::

        image -> YCbCr -> DCT at five sizes -> RDO levels -> pruned quadtree -> range coder
        pixels <- YCbCr <- Wiener filter <- deblock <- integer inverse DCT <--- range coder
    """

    name = "tiles"
    number = 3
    version = 4
    summary = "quadtree of integer DCT tiles, rate-distortion optimal, mixed contexts"
    references = (
        "Ahmed, Natarajan, Rao 1974, Discrete cosine transform, doi:10.1109/T-C.1974.223784",
        "Chou, Lookabaugh, Gray 1989, Optimal pruning with applications to tree-structured "
        "source coding and modeling, doi:10.1109/18.32124",
    )
    steps = STEPS + EXTRA_STEPS
    embedded = True
    encoders = ("search", "masked", "network", "network+refine")
    # One network serves tiles and the maps on them; its weights lie with pifs.
    network = "fractour.codecs.pifs.network:PifsNetwork"

    def analyze(
        self,
        image: Image,
        *,
        encoder: str,
        effort: int,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Spectra:
        """Transform the image at all tile sizes, and ask the network what counts in it."""
        importance = None
        if encoder == "masked":
            importance = masked_importance(image)
        elif encoder != "search":
            from ...shared.network.inference import importance_for

            importance = importance_for(self.name, image, limit)
        return transform(color.to_components(image), importance, screen_of(image))

    def surplus(self, analysis: Spectra) -> float:
        """Return little: leaves carry much, and proposals are cheap."""
        return 0.03

    def first_step(self, analysis: Spectra, limit: int) -> int:
        """Guess the step."""
        if analysis.importance is None:
            return super().first_step(analysis, limit)
        return first_step(analysis, limit)

    def strict(
        self, analysis: Spectra, strictness: float, proposal: Proposal | None = None
    ) -> Spectra:
        """Multiply the Lagrangian multiplier."""
        return replace(analysis, strictness=strictness)

    def near(self, analysis: Spectra, proposal: Proposal) -> Spectra:
        """Take over what levels cost."""
        return replace(analysis, adapted=proposal.state.choice.coder.probability)

    def reweighted(self, analysis: Spectra, importance: Importance) -> Spectra:
        """Mix other importance in."""
        return analysis.reweighted(mixed(analysis.importance, importance))

    def propose(self, analysis: Spectra, step: int) -> Proposal:
        """Choose partition and levels; an element is the detail of a leaf."""
        return search.propose(analysis, step)

    def write(self, proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
        """Write all leaves, and the levels of those kept."""
        return search.write(proposal.state, keep)

    def polish(
        self, geometry: Geometry, packets: Sequence[bytes], seen: Seen, limit: int
    ) -> tuple[list[bytes], int] | None:
        """Change levels one by one."""
        return search.polish(geometry, packets, seen, limit)

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
        """Draw the quadtree."""
        from .show import panels

        return panels(symbols, pixels)
