"""What a corpus is: named images, loaded when asked for, with checksums of their pixels."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..shared.picture.files import read_image

Pixels = npt.NDArray[np.uint8]


def pixel_sha256(pixels: Pixels) -> str:
    """Hash pixels, their shape included; the same for every lossless file of one picture."""
    shape = "x".join(map(str, pixels.shape))
    digest = hashlib.sha256(f"{shape}:".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class CorpusImage:
    """One image of a corpus: a file, or a function that makes it. Can be sent to a process.

    Parameters
    ----------
    name : str
        Unique in its corpus.
    path : Path, optional
        The file.
    maker : callable, optional
        A function at module level that returns the pixels, for images without a file.
    file_hash, pixel_hash : str, optional
        SHA-256 of the file and of the pixels that a manifest promises.
    """

    name: str
    path: Path | None = None
    maker: Callable[[], Pixels] | None = None
    file_hash: str | None = None
    pixel_hash: str | None = None

    def load(self) -> Pixels:
        """Return the pixels, (H, W) grey or (H, W, C) uint8.

        Raises
        ------
        ImageInputError
            If the file cannot be read as an image.
        """
        if self.maker is not None:
            return self.maker()
        assert self.path is not None
        with warnings.catch_warnings():
            # Frames or bits left out are told once, by `inspect`, not at every use.
            warnings.simplefilter("ignore", UserWarning)
            return read_image(self.path, str(self.path))

    @cached_property
    def sha256(self) -> str:
        """Hash of the pixels."""
        return pixel_sha256(self.load())

    def inspect(self) -> list[str]:
        """Read the image once, for its hash; return what is left out of it, to follow its name.

        Raises
        ------
        ImageInputError
            As `load`.
        """
        if self.path is None:
            return []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.__dict__["sha256"] = pixel_sha256(read_image(self.path, str(self.path)))
        told = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
        return [text.removeprefix(f"{self.path} ").removeprefix("has ") for text in told]

    def problem(self) -> str:
        """Say how the image differs from its manifest; empty if it does not.

        A file with other bytes but the same pixels is as good: hosts recompress PNG files.
        """
        if self.path is not None and not self.path.is_file():
            return "missing"
        if self.path and self.file_hash and self.file_hash == file_sha256(self.path):
            return ""
        if self.file_hash is None and self.pixel_hash is None:
            self.load()
            return ""
        return "" if self.sha256 == self.pixel_hash else "differs from the manifest"


@dataclass
class Corpus:
    """Named images in a fixed order.

    Parameters
    ----------
    name : str
    images : tuple of CorpusImage
    source : str
        Where they come from, for people.
    opened : str
        What `catalog.open_corpus` was asked for, so that the pictures can be found again.
    """

    name: str
    images: tuple[CorpusImage, ...]
    source: str = ""
    opened: str = ""

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over names and pixels of all images; loads every one of them."""
        lines = "".join(f"{image.name} {image.sha256}\n" for image in self.images)
        return hashlib.sha256(lines.encode()).hexdigest()
