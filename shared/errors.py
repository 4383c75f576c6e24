"""Every error that fractour raises on purpose; messages name the thing and the remedy."""

from __future__ import annotations


class FractourError(Exception):
    """Root of all errors that fractour raises on purpose."""


class BitstreamError(FractourError, ValueError):
    """The bytes are not a valid fractour file."""


class TruncatedError(BitstreamError, EOFError):
    """The file ends before the data it declares."""


class ChecksumError(BitstreamError):
    """The file's bytes do not match its checksum."""


class UnsupportedVersionError(BitstreamError):
    """The file was written by a newer version of a format."""


class ImageTooLargeError(FractourError, ValueError):
    """The declared size exceeds the pixel limit."""


class ImageInputError(FractourError, ValueError):
    """The input is not an image that fractour can encode."""


class BudgetError(FractourError, ValueError):
    """No file of the wanted size exists; `smallest` is the least size in bytes that does."""

    def __init__(self, message: str, smallest: int | None = None) -> None:
        super().__init__(message)
        self.smallest = smallest


class UnknownCodecError(FractourError, LookupError):
    """No codec of that name or number is installed."""


class BackendUnavailableError(FractourError, ImportError):
    """An optional part (CuPy, torch, matplotlib, a corpus, ...) is missing."""
