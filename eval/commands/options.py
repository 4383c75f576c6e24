"""Options that several commands have, and what their words mean. Heavy modules load on use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from ...shared.errors import FractourError
from .output import UsageError

if TYPE_CHECKING:
    from ...shared.budget import Budget
    from ..measuring.measure import CodecSpec


def among(*words: str) -> Callable[[str], list[str]]:
    """Complete one of a few words for the shell, also after a comma."""
    return lambda incomplete: _completed(incomplete, words)


def _completed(incomplete: str, words: Iterable[str]) -> list[str]:
    """Complete the last word of a list: what stands before its comma stays."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{word}" for word in words if word.startswith(last)]


def complete_codec(incomplete: str) -> list[str]:
    """Names of codecs, for the shell's completion."""
    from ...shared.registry import codec_names

    return _completed(incomplete, codec_names())


def complete_anchor(incomplete: str) -> list[str]:
    """Names of classic codecs, for the shell's completion."""
    from ..measuring.anchors import ANCHORS

    return _completed(incomplete, ANCHORS)


def complete_metric(incomplete: str) -> list[str]:
    """Names of measures, for the shell's completion."""
    from ..judging.metrics import JUDGES, METRICS

    return _completed(incomplete, [*METRICS, *JUDGES])


def complete_corpus(incomplete: str) -> list[str]:
    """Names of corpora, for the shell's completion."""
    from ...corpora.catalog import corpus_names

    return _completed(incomplete, corpus_names())


Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]
complete_encoder = among("search", "masked", "network", "network+refine")
Encoder = Annotated[
    str,
    typer.Option(
        metavar="WAY",
        help="search, network or network+refine.",
        autocompletion=complete_encoder,
    ),
]
Effort = Annotated[int, typer.Option(min=1, max=9, metavar="1-9", help="1 fast to 9 thorough.")]
Json = Annotated[bool, typer.Option("--json", help="Report as one JSON document on stdout.")]
SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out pictures that cannot be read.")
]
MaxPixels = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Refuse pictures of more pixels.  [default: 64 million]"),
]
Corpus = Annotated[
    str,
    typer.Option(
        metavar="NAME|DIR", help="See fractour corpora list.", autocompletion=complete_corpus
    ),
]
Codecs = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[:effort=N:rank=RULE:encoder=WAY]",
        help="Codecs, repeated or separated by commas.  "
        "[default: contour,pifs,wavelet,tiles; of bench wavelet]",
        autocompletion=complete_codec,
    ),
]
Budgets = Annotated[
    str,
    typer.Option(
        "--budgets", "--bpp", metavar="LIST", help="Bits per pixel of the whole file, by commas."
    ),
]


def parse_budget(text: str) -> Budget:
    """Parse one budget: ``4000`` bytes, ``0.2bpp``, or ``100:1`` of eight-bit samples.

    Raises
    ------
    UsageError
        If it is none of these.
    BudgetError
        If the number makes no budget.
    """
    from ...shared.budget import Budget

    words = text.strip().lower()
    try:
        if words.endswith("bpp"):
            return Budget(bpp=float(words.removesuffix("bpp")))
        if words.endswith(":1"):
            return Budget(ratio=float(words.removesuffix(":1")))
        return Budget(bytes=int(words))
    except ValueError as error:
        if isinstance(error, FractourError):
            raise
        message = f"--budget takes bytes (4000), bits per pixel (0.2bpp) or 100:1, not {text!r}"
        raise UsageError(message) from error


def listed(*texts: str) -> list[str]:
    """Words between commas."""
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def specs_of(codecs: list[str], anchors: str) -> list[CodecSpec]:
    """Parse codecs and anchors as the options give them, a wrong one being a usage error."""
    from ...shared.errors import BackendUnavailableError
    from ..measuring.measure import CodecSpec

    try:
        return [CodecSpec.parse(text) for text in listed(*codecs, anchors)]
    except BackendUnavailableError:
        raise
    except FractourError as error:
        raise UsageError(str(error)) from error


def budgets_of(text: str) -> list[float]:
    """Parse budgets in bits per pixel, a wrong one being a usage error."""
    try:
        bpps = [float(word) for word in listed(text)]
    except ValueError:
        bpps = []
    if not bpps or not all(0 < bpp < 1000 for bpp in bpps):
        message = f"--budgets takes positive numbers separated by commas, not {text!r}"
        raise UsageError(message)
    return bpps
