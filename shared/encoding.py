"""One image, one codec, one way to fill it: files for whatever number of bytes is asked."""

from __future__ import annotations

import numpy as np

from .backend import to_numpy
from .budget import DEFAULT_RANK
from .codec import Codec, Geometry, Image, Progress, Proposal
from .container import unpack
from .fitting import Fitted, fit

ENCODERS = ("search", "network", "network+refine")


def decoded(codec: Codec, geometry: Geometry, data: bytes) -> Image:
    """Decode a file of this codec, (H, W, C) uint8."""
    packets = unpack(data, max_pixels=geometry.pixels).packets
    symbols = codec.read(geometry, packets, complete=True)
    pixels: Image = to_numpy(codec.synthesize(symbols, xp=np, scale=1))
    return pixels


class Encoding:
    """An image on its way through one codec.

    The search analyses the image once for all sizes. A network is told the size, so it looks
    again for each; ``network`` then proposes as seldom as it can (where that is dear),
    ``network+refine`` fits the file, judges it by the smart error, and asks it what to mend.

    Parameters
    ----------
    codec : Codec
    image : (H, W, C) uint8
    encoder : str
        One of `ENCODERS`.
    effort : int
        1 (fast) to 9 (thorough).
    rank : str
        See `budget.RANKS`.
    progress : callable, optional
        Called with the fraction done.
    """

    def __init__(
        self,
        codec: Codec,
        image: Image,
        *,
        encoder: str = "search",
        effort: int = 5,
        rank: str = DEFAULT_RANK,
        progress: Progress | None = None,
    ) -> None:
        self.codec, self.image, self.geometry = codec, image, Geometry(*image.shape)
        self.encoder, self.effort, self.rank, self.progress = encoder, effort, rank, progress
        self._searched: object = None

    def analysis(self, limit: int) -> object:
        """Analyse the image for a file of `limit` bytes."""
        if self._searched is not None:
            return self._searched
        found: object = self.codec.analyze(
            self.image,
            encoder=self.encoder,
            effort=self.effort,
            limit=limit,
            progress=self.progress,
        )
        if self.encoder == "search":
            self._searched = found
        return found

    def file(self, limit: int) -> Fitted:
        """Write a file of at most `limit` bytes.

        Raises
        ------
        BudgetError
            If nothing fits; names the smallest size that was seen to be possible.
        """
        analysis = self.analysis(limit)
        file = self.fill(analysis, limit, progress=self.progress)
        if self.encoder == "network+refine":
            from .network.refinement import refine

            return refine(self, analysis, file, limit)
        return file

    def fill(
        self,
        analysis: object,
        limit: int,
        *,
        progress: Progress | None = None,
        near: Proposal | None = None,
    ) -> Fitted:
        """Write a file of at most `limit` bytes from an analysis of the image; see `file`.

        What is quick begins `near` a proposal.
        """
        return fit(
            self.codec,
            analysis,
            self.geometry,
            limit,
            rank=self.rank,
            quick=self.encoder in self.codec.quick,
            progress=progress,
            near=near,
        )

    def picture(self, data: bytes) -> Image:
        """Decode a file of this image, (H, W, C) uint8."""
        return decoded(self.codec, self.geometry, data)
