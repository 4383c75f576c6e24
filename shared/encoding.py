"""One image, one codec, one way to fill it: files for whatever number of bytes is asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from .backend import to_numpy
from .budget import DEFAULT_RANK
from .codec import Codec, Geometry, Image, Progress, Proposal
from .container import DEFAULT_FORM, Form, pack, unpack
from .errors import BudgetError
from .fitting import TINY, Fitted, fit
from .framing.headers import MAX_REDUCTION
from .picture.scaling import enlarged, reduced
from .picture.seen import Seen

ENCODERS = ("search", "masked", "network", "network+refine")
SEARCHES = ("search", "masked")
"""Those that look at a picture once for all sizes, and need no network."""


_LEAST_BPP, _MOST_BPP = 0.03, 0.4
"""Bits per pixel of a reduced picture between which it may be the best. On training photographs
the best of 1/2 to 1/16 had 0.04 to 0.35."""
_LEAST_BPP_WHOLE = 0.015
"""Below this to search the whole picture too would take most of the time and gain little: on
training pictures 0.01 dB for `tiles` from 0.01 to 0.015 bits per pixel, nothing below."""
_MOST_POLISHED = 1 << 15
"""Pixels of a coded picture up to which the elements of a tiny file are tried one by one."""
MAX_FILE = 1 << 62


def decoded(codec: Codec, geometry: Geometry, data: bytes) -> Image:
    """Decode what the packets of a file of this codec hold, (H, W, C) uint8, not enlarged."""
    frame = unpack(data, max_pixels=geometry.pixels << 2 * MAX_REDUCTION)
    symbols = codec.read(frame.coded, frame.packets, complete=True)
    pixels: Image = to_numpy(codec.synthesize(symbols, xp=np, scale=1))
    return pixels


class Encoding:
    """An image on its way through one codec.

    The search analyses the image once for all sizes; ``masked`` is the search where errors in
    busy places count less, the fair opponent of networks. A network is told the size, so it looks
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
    form : Form
        If it says that `image` is reduced,
    whole : Geometry, optional
        this is the size of the picture.
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
        form: Form = DEFAULT_FORM,
        whole: Geometry | None = None,
    ) -> None:
        self.form, self.whole = form, whole or Geometry(*image.shape)
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
        if self.encoder in SEARCHES:
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
        if self.encoder == "network":
            return self._better(file, self.codec.otherwise(analysis), limit)
        if self.encoder == "network+refine":
            from .network.refinement import refine

            return refine(self, analysis, file, limit)
        return file

    def _better(self, file: Fitted, other: object, limit: int) -> Fitted:
        """Describe the picture in the other way too, if there is one; the smart error chooses."""
        if other is None:
            return file
        from .error.smart_error import picture_and_alpha_error

        files = [file, self.fill(other, limit)]
        return min(
            files, key=lambda one: picture_and_alpha_error(self.image, self.picture(one.data))
        )

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
            self.whole,
            limit,
            rank=self.rank,
            quick=self.encoder in self.codec.quick,
            progress=progress,
            near=near,
            form=self.form,
        )

    def picture(self, data: bytes) -> Image:
        """Decode a file of this image, (H, W, C) uint8."""
        return decoded(self.codec, self.geometry, data)


def reductions(codec: Codec, geometry: Geometry, limit: int) -> list[int]:
    """How often a picture may be worth halving for `limit` bytes, the least first."""
    density = 8 * max(limit, 1) / geometry.pixels
    if not codec.reducible:
        return [0]
    small = [k for k in range(1, MAX_REDUCTION + 1) if _LEAST_BPP <= density * 4**k <= _MOST_BPP]
    return [0] * (density >= _LEAST_BPP_WHOLE) + small or [MAX_REDUCTION]


class AnyScale:
    """An image on its way through one codec, reduced first wherever that leaves less error.

    Parameters
    ----------
    codec : Codec
    image : (H, W, C) uint8
    compact : bool
        Write files without a checksum.
    smaller : dict, optional
        Reduced pictures by how often they were halved; several codecs may share them.
    how : dict
        What `Encoding` takes besides.
    """

    def __init__(
        self,
        codec: Codec,
        image: Image,
        *,
        compact: bool = False,
        smaller: dict[int, Image] | None = None,
        **how: Any,
    ) -> None:
        self.codec, self.image, self.geometry = codec, image, Geometry(*image.shape)
        self.compact, self.how = compact, how
        self._smaller = {} if smaller is None else smaller
        self._at: dict[int, Encoding] = {}
        self._seen: dict[int, Seen] = {}

    def _encoding(self, reduction: int) -> Encoding:
        if reduction not in self._smaller:
            self._smaller[reduction] = reduced(self.image, reduction)
        if reduction not in self._at:
            self._at[reduction] = Encoding(
                self.codec,
                self._smaller[reduction],
                form=Form(reduction, self.compact),
                whole=self.geometry,
                **self.how,
            )
        return self._at[reduction]

    def file(self, limit: int) -> Fitted:
        """Write a file of at most `limit` bytes.

        Raises
        ------
        BudgetError
            If nothing fits; names the smallest size that was seen to be possible.
        """
        possible = reductions(self.codec, self.geometry, limit)
        dense = 8 * limit >= _LEAST_BPP * self.geometry.pixels
        if dense and self.how.get("encoder") in self.codec.unreduced:
            possible = [0]
        if len(possible) == 1:
            return self._polished(self._encoding(possible[0]).file(limit), limit)
        files: list[Fitted] = []
        errors: list[BudgetError] = []
        for reduction in possible:
            try:
                files.append(self._encoding(reduction).file(limit))
            except BudgetError as error:
                errors.append(error)
        if not files:
            raise min(errors, key=lambda error: error.smallest or MAX_FILE)
        best = min(files, key=lambda file: self.error(self.picture(file.data)))
        return self._polished(best, limit)

    def _polished(self, file: Fitted, limit: int) -> Fitted:
        """Let the codec improve a tiny file by what is seen of it at full size."""
        if limit > TINY or self.how.get("encoder", "search") != "search":
            return file
        frame = unpack(file.data, max_pixels=self.geometry.pixels)
        reduction = frame.header.reduction
        if frame.coded.pixels > _MOST_POLISHED:
            return file
        if reduction not in self._seen:
            self._seen[reduction] = Seen(self.image, reduction)
        room = limit - (len(file.data) - sum(map(len, frame.packets)))
        found = self.codec.polish(frame.coded, frame.packets, self._seen[reduction], room)
        if found is None:
            return file
        packets, survivors = found
        form = Form(reduction, self.compact)
        data = pack(self.codec.number, self.codec.version, self.geometry, packets, form=form)
        nearer = self.error(self.picture(data)) < self.error(self.picture(file.data))
        return Fitted(data, survivors, file.proposal) if nearer and len(data) <= limit else file

    def error(self, shown: Image) -> float:
        """Judge a picture as the encoder does: search knows squared error only."""
        if self.how.get("encoder", "search") != "search":
            from .error.smart_error import picture_and_alpha_error

            return picture_and_alpha_error(self.image, shown)
        difference = self.image.astype(np.int32) - shown
        return float(np.square(difference).sum(dtype=np.int64))

    def picture(self, data: bytes) -> Image:
        """Decode a file of this image, (H, W, C) uint8."""
        reduction = unpack(data, max_pixels=self.geometry.pixels).header.reduction
        small = decoded(self.codec, self.geometry, data)
        pixels: Image = enlarged(small, self.geometry.height, self.geometry.width, reduction, np)
        return pixels
