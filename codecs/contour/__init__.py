"""Contour-harmonic codec: a picture as additive layers. Normative text: ``FORMAT.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...shared.codec import Codec, Geometry, Image, Progress, Proposal
from ...shared.error.importance import Importance
from ...shared.error.masking import masked_importance
from ...shared.tiles.format.stream import EXTRA_STEPS, STEPS
from . import analysis as search
from . import format as syntax
from . import synthesis

_SLACK = 0.03
"""Logarithm of size over limit at which windows are near enough."""


class ContourCodec(Codec):
    """Stack of additive layers, each a contour filled with harmonics; tiles where they are better.

    ::

        image -> regions, their borders traced to outlines; or windows that climb to their places
        pixels <- YCbCr <- sum of base, outlines, windows (and tiles) <- range coder
    """

    name = "contour"
    number = 6
    version = 5
    summary = "stack of contours filled with harmonics, traced or placed by matching pursuit"
    references = (
        "Monasse, Guichard 2000, Fast computation of a contrast-invariant image representation, "
        "doi:10.1109/83.841532",
        "Katsaggelos et al. 1998, MPEG-4 and rate-distortion-based shape-coding techniques, "
        "doi:10.1109/5.687833",
        "Mallat, Zhang 1993, Matching pursuits with time-frequency dictionaries, "
        "doi:10.1109/78.258082",
        "Figueras i Ventura, Vandergheynst, Frossard 2006, Low-rate and flexible image coding "
        "with redundant representations, doi:10.1109/TIP.2005.860596",
    )
    steps = STEPS + EXTRA_STEPS
    embedded = True
    scalable = True
    ablations: ClassVar[tuple[str, ...]] = ("tiles", "contour-pure")
    also_cut_by: ClassVar[tuple[str, ...]] = ("rd",)
    pure: ClassVar[bool] = False
    encoders = ("search", "masked", "network", "network+refine")
    network = "fractour.codecs.contour.network:ContourNetwork"
    quick = ("network", "network+refine")

    def analyze(
        self,
        image: Image,
        *,
        encoder: str,
        effort: int,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> search.Analysis:
        """Split the image into components, and ask a network what counts in it."""
        probe = encoder == "network"
        found = search.analyze(image, pure=self.pure, effort=effort, progress=progress, probe=probe)
        if encoder == "search":
            return found
        if encoder == "masked":
            return search.reweighted(found, masked_importance(image))
        from ...shared.network.inference import importance_for
        from .network.inference import ask

        importance = importance_for("tiles", image, limit)
        return search.ask(found, importance, limit, ask, thorough=encoder == "network+refine")

    def strict(
        self, analysis: search.Analysis, strictness: float, proposal: Proposal | None = None
    ) -> search.Analysis | None:
        """Multiply the Lagrangian multiplier; outlines, and what a network proposed, stay."""
        if proposal is not None and proposal.state.tiles is None:
            outlined = not len(proposal.state.ground.layers)
            if analysis.limit or outlined:
                return None
        return search.strict(analysis, strictness)

    def near(self, analysis: search.Analysis, proposal: Proposal) -> search.Analysis:
        """Take over what levels of tiles cost, or windows."""
        return search.near(analysis, proposal)

    def reweighted(self, analysis: search.Analysis, importance: Importance) -> search.Analysis:
        """Mix other importance in."""
        return search.reweighted(analysis, importance)

    def otherwise(self, analysis: search.Analysis) -> search.Analysis | None:
        """Take layers alone: how much of the smart error they remove shows in the end."""
        return search.otherwise(analysis)

    def surplus(self, analysis: search.Analysis) -> float:
        """Return little for tiles, whose proposals are cheap, and much for windows."""
        return 0.03 if analysis.tiles_alone else 0.08

    def slack(self, analysis: search.Analysis, proposal: Proposal) -> float:
        """Return much for windows, of which many are worth hardly more than their bits."""
        windows = proposal.state.tiles is None and len(proposal.state.ground.layers)
        return _SLACK if windows and not analysis.limit else 0.0

    def first_step(self, analysis: search.Analysis, limit: int) -> int:
        """Guess the step: from what the network proposed, or that of tiles."""
        return search.first_step(analysis, limit)

    def propose(self, analysis: search.Analysis, step: int) -> Proposal:
        """Search layers; an element is a layer, or the detail of a leaf."""
        return search.propose(analysis, step)

    def write(self, proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
        """Write the layers that are kept."""
        return search.write_packets(proposal.state, keep)

    def read(
        self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool
    ) -> syntax.Symbols:
        """Parse packets."""
        return syntax.read(geometry, packets, complete=complete, pure=self.pure)

    def synthesize(self, symbols: syntax.Symbols, *, xp: Any, scale: int = 1) -> Any:
        """Render symbols to pixels."""
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
        """Bits of windows, outlines, tiles, and of the base."""
        return syntax.kind_shares(symbols)

    def panels(self, symbols: syntax.Symbols, pixels: Image) -> list[tuple[str, Image]]:
        """Draw outlines, harmonics, and the growing picture."""
        from .show import panels

        return panels(symbols, pixels)

    def svg(self, symbols: syntax.Symbols, pixels: Image) -> str:
        """Draw contours and harmonics as curves."""
        from .show import svg

        return svg(symbols, pixels)

    def facts(self, symbols: syntax.Symbols) -> dict[str, float]:
        """Count layers."""
        return symbols.ground.facts()


class PureContourCodec(ContourCodec):
    """Layers alone, no tiles anywhere."""

    name = "contour-pure"
    number = 7
    ablations = ()
    unreduced = ("network",)  # A window is no dearer for being large.
    summary = "stack of contours filled with harmonics, no tiles"
    pure = True
