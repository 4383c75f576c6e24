"""Manifests: which files belong to a corpus, what they hash to, where they can be had."""

from __future__ import annotations

import os
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..shared.errors import BackendUnavailableError, FractourError
from .images import CorpusImage

_TIMEOUT_S = 60


@dataclass(frozen=True)
class Entry:
    """One image of a manifest; `files` are the names its file goes by, empty if it is made."""

    name: str
    pixels: str
    sha256: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """A corpus that is made of known files.

    Parameters
    ----------
    name, title, licence : str
    urls : tuple of str
        Templates with ``{file}`` (the entry's last file name), tried in order.
    entries : tuple of Entry
    """

    name: str
    title: str
    licence: str
    urls: tuple[str, ...]
    entries: tuple[Entry, ...]


def read_manifest(name: str) -> Manifest:
    """Read ``corpora/<name>.toml``."""
    text = files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(text)
    entries = tuple(
        Entry(row["name"], row["pixels"], row.get("sha256"), tuple(row.get("files", ())))
        for row in table["image"]
    )
    return Manifest(name, table["title"], table["licence"], tuple(table.get("urls", ())), entries)


def find_entry(folder: Path, entry: Entry) -> Path | None:
    """Find the file of `entry` in `folder` under any of its names."""
    for name in entry.files:
        if (folder / name).is_file():
            return folder / name
    return None


def _image(entry: Entry, path: Path) -> CorpusImage:
    return CorpusImage(entry.name, path, file_hash=entry.sha256, pixel_hash=entry.pixels)


def manifest_images(manifest: Manifest, folder: Path) -> tuple[CorpusImage, ...]:
    """Images of `manifest` in `folder`; one that is missing keeps its first name there."""
    return tuple(
        _image(entry, find_entry(folder, entry) or folder / entry.files[0])
        for entry in manifest.entries
    )


def _download(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
        return bytes(answer.read())


def fetch(
    manifest: Manifest,
    folder: Path,
    *,
    download: Callable[[str], bytes] = _download,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Download what `folder` lacks of `manifest`; every file is checked before it gets its name.

    Returns
    -------
    int
        Number of files downloaded.

    Raises
    ------
    BackendUnavailableError
        If the manifest names no place to download from.
    FractourError
        If no host answers, or answers with something else; the files that came stay.
    """
    if not manifest.urls:
        message = f"corpus {manifest.name!r} has no download; see corpora/README.md"
        raise BackendUnavailableError(message)
    folder.mkdir(parents=True, exist_ok=True)
    fetched = 0
    for done, entry in enumerate(manifest.entries):
        if progress:
            progress(done / len(manifest.entries))
        present = find_entry(folder, entry)
        if present and not _problem(_image(entry, present)):
            continue
        _fetch_one(manifest, entry, folder, download)
        fetched += 1
    if progress:
        progress(1.0)
    return fetched


def _problem(image: CorpusImage) -> str:
    try:
        return image.problem()
    except FractourError:
        return "is no image"


def _fetch_one(
    manifest: Manifest, entry: Entry, folder: Path, download: Callable[[str], bytes]
) -> None:
    reasons = []
    for template in manifest.urls:
        url = template.format(file=entry.files[-1])
        try:
            data = download(url)
        except (urllib.error.URLError, OSError, ValueError) as error:
            reasons.append(f"{url}: {error}")
            continue
        handle, temporary = tempfile.mkstemp(prefix=".fetch-", dir=folder)
        part = Path(temporary)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            problem = _problem(_image(entry, part))
            if not problem:
                part.replace(folder / entry.files[0])
                return
            reasons.append(f"{url}: what came {problem}")
        finally:
            part.unlink(missing_ok=True)
    message = (
        f"cannot fetch {entry.files[0]} ({'; '.join(reasons)}); without a network, copy the files "
        f"of {manifest.title} to {folder}, or set FRACTOUR_DATA to a folder that holds them"
    )
    raise FractourError(message)
