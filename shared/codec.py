"""The contract of a target format: what a codec folder must provide.

The framework in `shared` does everything that is not the format itself: it fits the
file to the budget, selects elements by contrast, frames and checks packets, guards
against hostile bytes, and runs the same checks on every codec (`shared.conformance`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .error.importance import Importance
from .picture.raster import Image
from .picture.seen import Seen

Progress = Callable[[float], None]

__all__ = ["Codec", "Geometry", "Image", "Progress", "Proposal"]


@dataclass(frozen=True)
class Geometry:
    """Size of an image.

    Parameters
    ----------
    height, width : int
        Pixels, at least 1.
    channels : int
        1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    """

    height: int
    width: int
    channels: int

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.height * self.width


@dataclass(frozen=True)
class Proposal:
    """Candidate elements of one image at one quantizer step, priced, not yet selected.

    An element is whatever the format can keep or drop on its own: a layer, a leaf's
    detail, a coefficient. All arrays are float64 of shape (n,).

    Parameters
    ----------
    step : int
        Index of the quantizer step, 0 is the finest.
    contrast : ndarray
        Visible influence: peak amplitude of the element in the picture, code values.
    area : ndarray
        Pixels that the element covers.
    gain : ndarray
        Squared error (code values squared, summed over samples) that keeping it removes.
    bits : ndarray
        Price in bits.
    residual : float
        Squared error that remains with every candidate kept.
    overhead_bits : float
        Price of what is always written.
    state : object
        Whatever the codec needs to write the elements.
    looked : int
        Candidates that were looked at, most of which had no chance and are not among these.
    """

    step: int
    contrast: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    bits: npt.NDArray[np.float64]
    residual: float
    overhead_bits: float
    state: Any
    looked: int = 0

    def __len__(self) -> int:
        return len(self.contrast)


class Codec(ABC):
    """One target format.

    Encoding runs ``analyze -> propose -> (select) -> write``, decoding ``read -> synthesize``.
    Only `analyze` and `propose` may use floats or a network; from bytes to pixels everything
    is integer arithmetic, and the pixels are the same on every backend.
    """

    name: ClassVar[str]
    """Lower-case identifier; third parties prefix theirs (``acme.haar``)."""
    number: ClassVar[int]
    """Wire number, see the append-only table in `shared.registry`."""
    version: ClassVar[int] = 1
    """Format version, 1 to 15. Other bytes for the same picture means a new version."""
    summary: ClassVar[str]
    """One line for ``fractour codecs``."""
    references: ClassVar[tuple[str, ...]] = ()
    """Papers or specifications, with DOI where there is one."""
    steps: ClassVar[int]
    """Number of quantizer steps; a larger index is coarser and gives a smaller file."""
    embedded: ClassVar[bool] = False
    """Whether the payload may be cut at any byte, not only after a packet."""
    scalable: ClassVar[bool] = False
    """Whether `synthesize` renders at a scale other than 1."""
    reducible: ClassVar[bool] = True
    """Whether small files may hold a reduced copy of the picture, which the frame enlarges."""
    ablations: ClassVar[tuple[str, ...]] = ()
    """Codecs that are this one with its point left out; compared beside it, always."""
    also_cut_by: ClassVar[tuple[str, ...]] = ()
    """Rules of `shared.budget.RANKS` by which the last bytes may be cut too, if that is better."""
    encoders: ClassVar[tuple[str, ...]] = ("search",)
    """Ways to fill the format: ``search``, ``masked`` (see `shared.error.masking`), ``network``,
    ``network+refine``."""
    quick: ClassVar[tuple[str, ...]] = ("network",)
    """Encoders that make as few proposals as they can, because a proposal takes long."""
    unreduced: ClassVar[tuple[str, ...]] = ()
    """Encoders that gain nothing by a reduced copy unless there are hardly any bits."""
    network: ClassVar[str | None] = None
    """Where the class of its encoder network is, ``package.module:Class``; imports torch."""

    @abstractmethod
    def analyze(
        self,
        image: Image,
        *,
        encoder: str,
        effort: int,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Any:
        """Do the part of encoding that does not depend on the step.

        Parameters
        ----------
        image : (H, W, C) uint8
        encoder : str
            One of `encoders`.
        effort : int
            1 (fast) to 9 (thorough).
        limit : int, optional
            Bytes that the file may have, which a network is told; the search does without.
        progress : callable, optional
            Called with the fraction done.
        """

    def reweighted(self, analysis: Any, importance: Importance) -> Any:
        """Mix other importance into an analysis by a network, for ``network+refine``.

        Returns
        -------
        object
            An analysis, or None if the codec takes no importance: nothing is refined then.
        """
        return None

    def strict(self, analysis: Any, strictness: float, proposal: Proposal | None = None) -> Any:
        """Ask of every bit that it removes `strictness` times the usual error.

        Between two quantizer steps this sets the size of a file more finely, and dropping what
        is least worth its bits in the codec's own sense costs less than cutting elements.

        Parameters
        ----------
        analysis : object
        strictness : float
        proposal : Proposal, optional
            What is to become a little smaller or larger.

        Returns
        -------
        object
            An analysis, or None if the codec does not weigh bits (of such a proposal).
        """
        return None

    def near(self, analysis: Any, proposal: Proposal) -> Any:
        """Begin from a proposal at a step nearby, or a little more or less strict.

        Returns
        -------
        object
            An analysis; proposing from it is quicker, if the codec knows how.
        """
        return analysis

    def otherwise(self, analysis: Any) -> Any:
        """Describe the picture in another way that may be better, for networks.

        Returns
        -------
        object
            An analysis whose file is judged too, or None if there is no other way.
        """
        return None

    def surplus(self, analysis: Any) -> float:
        """Logarithm of the most that a quick proposal may exceed the limit when it is cut.

        The larger the elements, the more a cut costs; the dearer a proposal, the more it may.
        """
        return 0.08

    def slack(self, analysis: Any, proposal: Proposal) -> float:
        """Logarithm of size over limit at which a proposal is near enough for the search.

        More where they take long; 0 where the finest step that fits is to be found. What is too
        much is cut, and what is left over is made up for if there is `strict`.
        """
        return 0.0

    def first_step(self, analysis: Any, limit: int) -> int:
        """Guess the step of a file of `limit` bytes, where proposals are dear."""
        return 2 * self.steps // 3

    @abstractmethod
    def propose(self, analysis: Any, step: int) -> Proposal:
        """Quantize at `step` and price the candidate elements."""

    @abstractmethod
    def write(self, proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
        """Write the kept elements as packets of falling significance (1 to 32, none empty)."""

    def polish(
        self, geometry: Geometry, packets: Sequence[bytes], seen: Seen, limit: int
    ) -> tuple[list[bytes], int] | None:
        """Improve a tiny file element by element, by what is seen of it at full size.

        Parameters
        ----------
        geometry : Geometry
            Of what is coded.
        packets : sequence of bytes
        seen : Seen
            Judge of decoded pictures.
        limit : int
            Bytes that all packets may have together.

        Returns
        -------
        tuple of list of bytes and int
            Packets, and how many elements they hold; or None if there is nothing better, or the
            codec does not know how.
        """
        return None

    @abstractmethod
    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Any:
        """Parse packets into integers.

        Parameters
        ----------
        geometry : Geometry
        packets : sequence of bytes
            A prefix of what `write` gave; the last may be cut if the codec is `embedded`.
        complete : bool
            Whether nothing is missing.

        Raises
        ------
        BitstreamError
            For any bytes that `write` cannot have produced.
        """

    @abstractmethod
    def synthesize(self, symbols: Any, *, xp: Any, scale: int = 1) -> Any:
        """Render integers to pixels, (H * scale, W * scale, C) uint8 in array module `xp`."""

    def synthesize_many(self, symbols: Sequence[Any], *, xp: Any, scale: int = 1) -> list[Any]:
        """Render pictures of one size, as `synthesize` does each: in fewer launches, if it can."""
        return [self.synthesize(one, xp=xp, scale=scale) for one in symbols]

    def bit_shares(self, symbols: Any) -> dict[str, float]:
        """Bits of the payload by kind of element; empty if the codec does not say."""
        return {}

    def kind_shares(self, symbols: Any) -> dict[str, float]:
        """Bits of the payload by what they describe: which language a file is written in.

        One kind with the codec's name, unless the format has several.
        """
        return {self.name: float(sum(self.bit_shares(symbols).values()))}

    def facts(self, symbols: Any) -> dict[str, float]:
        """Say more of a file in numbers, by name, for ``fractour info``: counts, means."""
        return {}

    def panels(self, symbols: Any, pixels: Image) -> list[tuple[str, Image]]:
        """Draw pictures that explain a file, for ``fractour show``.

        Parameters
        ----------
        symbols : object
            What `read` gave.
        pixels : (H, W, C) uint8
            What `synthesize` made of it.

        Returns
        -------
        list of (str, (h, w, 3) uint8)
            Titles and pictures of any size; empty if the codec has none. `shared.picture.drawing`
            helps.
        """
        return []

    def svg(self, symbols: Any, pixels: Image) -> str | None:
        """Draw what explains a file as curves, for ``fractour show FILE OUT.svg``.

        Parameters
        ----------
        symbols, pixels
            As for `panels`.

        Returns
        -------
        str or None
            An SVG document; none if the format has nothing that is drawn better so.
        """
        return None
