"""Reading a corpus once before work begins: what is broken, and what is left out of pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..shared.errors import ImageInputError
from .images import Corpus, CorpusImage

_NAMED = 6


@dataclass(frozen=True)
class Findings:
    """What reading every picture of a corpus showed.

    Parameters
    ----------
    sound : tuple of CorpusImage
        Those that can be read, their hashes known.
    broken : dict
        Reason by the name of a picture that cannot.
    losses : dict
        Names of pictures by what is left out of them.
    """

    sound: tuple[CorpusImage, ...]
    broken: dict[str, str]
    losses: dict[str, list[str]]

    def notes(self) -> list[str]:
        """Say what is left out, a line for each kind of loss."""
        return [f"{_listed(names)}: {loss}" for loss, names in self.losses.items()]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def read_all(corpus: Corpus, progress: Callable[[float], None] | None = None) -> Findings:
    """Read every picture of a corpus."""
    sound: list[CorpusImage] = []
    broken: dict[str, str] = {}
    losses: dict[str, list[str]] = {}
    for index, image in enumerate(corpus.images):
        try:
            for loss in image.inspect():
                losses.setdefault(loss, []).append(image.name)
            sound.append(image)
        except ImageInputError as error:
            broken[image.name] = str(error)
        if progress:
            progress((index + 1) / len(corpus))
    return Findings(tuple(sound), broken, losses)


def without_broken(corpus: Corpus, findings: Findings, *, skip: bool) -> Corpus:
    """Leave out what cannot be read, if that is wished.

    Raises
    ------
    ImageInputError
        If a picture cannot be read and `skip` is not set, or no picture is left; names all.
    """
    if not findings.broken:
        return corpus
    if skip and findings.sound:
        return replace(corpus, images=findings.sound)
    message = (
        f"{len(findings.broken)} of {len(corpus)} pictures of corpus {corpus.name!r} cannot be "
        f"read: {'; '.join(findings.broken.values())}"
    )
    if findings.sound:
        message += "; mend or remove them, or leave them out with --skip-broken"
    raise ImageInputError(message)
