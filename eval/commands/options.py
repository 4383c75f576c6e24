"""Options that several commands have, and what their words mean. Heavy modules load on use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .output import UsageError

if TYPE_CHECKING:
    from ..measuring.measure import CodecSpec


def complete_codec(incomplete: str) -> list[str]:
    """Names of codecs, for the shell's completion."""
    from ...shared.registry import codec_names

    return [name for name in codec_names() if name.startswith(incomplete)]


def complete_corpus(incomplete: str) -> list[str]:
    """Names of corpora, for the shell's completion."""
    from ...corpora.catalog import corpus_names

    return [name for name in corpus_names() if name.startswith(incomplete)]


Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]
Encoder = Annotated[str, typer.Option(metavar="WAY", help="search, network or network+refine.")]
Effort = Annotated[int, typer.Option(min=1, max=9, help="1 fast to 9 thorough.")]
Json = Annotated[bool, typer.Option("--json", help="Report as one JSON document on stdout.")]
MaxPixels = Annotated[
    int | None,
    typer.Option(min=1, help="Refuse larger pictures [default: 64 million pixels]."),
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
        help="Codecs, repeated or separated by commas.  [default: wavelet]",
        autocompletion=complete_codec,
    ),
]
Budgets = Annotated[
    str, typer.Option(metavar="LIST", help="Budgets, bits per pixel of the whole file.")
]


def listed(*texts: str) -> list[str]:
    """Words between commas."""
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def specs_of(codecs: list[str], anchors: str) -> list[CodecSpec]:
    """Parse codecs and anchors as the options give them, a wrong one being a usage error."""
    from ...shared.errors import BackendUnavailableError, FractourError
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
        message = f"--bpp takes positive numbers separated by commas, not {text!r}"
        raise UsageError(message)
    return bpps
