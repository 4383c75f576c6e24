"""Finding corpora: by name, by folder, by file."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ..shared.errors import BackendUnavailableError, ImageInputError
from . import synthetic
from .images import Corpus, CorpusImage
from .manifest import Manifest, find_entry, manifest_images, read_manifest

DATA_VARIABLE = "FRACTOUR_DATA"
BUILT_IN = ("default", "synthetic", "kodak")

# Suffixes of what a folder may hold beside images are many; those of images are few.
_SUFFIXES = frozenset(
    f".{name}"
    for names in (
        ("avif", "bmp", "gif", "jp2", "j2k", "jpeg", "jpg", "pbm", "pcx"),
        ("pgm", "png", "pnm", "ppm", "qoi", "tga", "tif", "tiff", "webp"),
    )
    for name in names
)


def cache_folder() -> Path:
    """Folder for downloads: the user's cache."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "fractour"


def fetch_folder(name: str) -> Path:
    """Folder that ``fractour corpora fetch NAME`` fills."""
    given = os.environ.get(DATA_VARIABLE)
    return (Path(given) if given else cache_folder()) / name


def data_roots() -> list[Path]:
    """Folders that may hold corpora, in the order they are searched."""
    given = os.environ.get(DATA_VARIABLE)
    beside = Path(__file__).resolve().parents[2] / "shared" / "corpora"
    candidates = [*([Path(given)] if given else []), beside, cache_folder()]
    return [root for root in candidates if root.is_dir()]


def _image_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _folders() -> Iterator[tuple[str, Path]]:
    """Corpora without a manifest: folders of images under a data root or its ``eval/``."""
    for root in data_roots():
        for parent in (root, root / "eval"):
            if parent.is_dir():
                for folder in sorted(parent.iterdir()):
                    if folder.is_dir() and folder.name not in BUILT_IN:
                        yield folder.name, folder


def corpus_names() -> list[str]:
    """Names that `open_corpus` takes: the built-in ones, then the folders found."""
    found = {name for name, folder in _folders() if _image_files(folder)}
    return [*BUILT_IN, *sorted(found)]


def _locate(manifest: Manifest) -> Path | None:
    """Find a folder that holds at least one file of the manifest, the fullest one first."""
    best: tuple[int, Path] | None = None
    for root in data_roots():
        for folder in (root / manifest.name, root / "eval" / manifest.name, root):
            count = sum(find_entry(folder, entry) is not None for entry in manifest.entries)
            if count and (best is None or count > best[0]):
                best = count, folder
    return best[1] if best else None


def _kodak() -> Corpus:
    manifest = read_manifest("kodak")
    folder = _locate(manifest)
    if folder is None:
        message = (
            f"corpus 'kodak' is not on this machine; fractour corpora fetch kodak, "
            f"or set {DATA_VARIABLE} to a folder that holds kodak/"
        )
        raise BackendUnavailableError(message)
    images = manifest_images(manifest, folder)
    missing = [image.name for image in images if image.path and not image.path.is_file()]
    if missing:
        message = (
            f"corpus 'kodak' in {folder} lacks {', '.join(missing)}; fractour corpora fetch kodak"
        )
        raise BackendUnavailableError(message)
    return Corpus("kodak", images, str(folder))


def _default() -> Corpus:
    # find_spec, not import: scikit-image takes a second to load, and only its files are needed.
    found = importlib.util.find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        message = (
            "corpus 'default' needs the photographs inside scikit-image: "
            "pip install 'fractour[report]'; or take --corpus synthetic, which needs nothing"
        )
        raise BackendUnavailableError(message)
    folder = Path(found.submodule_search_locations[0]) / "data"
    images = manifest_images(read_manifest("default"), folder)
    missing = [image.name for image in images if image.path and not image.path.is_file()]
    if missing:
        message = (
            f"this scikit-image does not hold {', '.join(missing)}; "
            "pip install --upgrade scikit-image, or take --corpus synthetic"
        )
        raise BackendUnavailableError(message)
    return Corpus("default", images + _synthetic().images, f"{folder} and corpora/synthetic.py")


def _synthetic() -> Corpus:
    hashes = {entry.name: entry.pixels for entry in read_manifest("synthetic").entries}
    images = tuple(
        CorpusImage(name, maker=maker, pixel_hash=hashes.get(name))
        for name, maker in synthetic.MAKERS.items()
    )
    return Corpus("synthetic", images, "corpora/synthetic.py")


def _folder(name: str, folder: Path) -> Corpus:
    paths = _image_files(folder)
    if not paths:
        message = f"folder {folder} holds no image; known are files ending in {_endings()}"
        raise ImageInputError(message)
    stems = [path.stem for path in paths]
    unique = len(set(stems)) == len(stems)
    images = tuple(CorpusImage(path.stem if unique else path.name, path) for path in paths)
    return Corpus(name, images, str(folder))


def _endings() -> str:
    return ", ".join(sorted(_SUFFIXES))


def open_corpus(name: str | os.PathLike[str]) -> Corpus:
    """Open a corpus.

    Parameters
    ----------
    name : str or path
        A name of `corpus_names`, a folder of images, or one image file. A name wins over a
        folder of the same name; write ``./name`` for the folder.

    Returns
    -------
    Corpus
        Nothing is loaded yet.

    Raises
    ------
    BackendUnavailableError
        If the corpus is known, or could be a name, but is not on this machine.
    ImageInputError
        If the folder holds no image.
    """
    text = os.fspath(name)
    built_in = {"default": _default, "synthetic": _synthetic, "kodak": _kodak}
    if text in built_in:
        return built_in[text]()
    for known, folder in _folders():
        if known == text and _image_files(folder):
            return _folder(known, folder)
    path = Path(text)
    if path.is_dir():
        return _folder(path.resolve().name, path)
    if path.is_file():
        return Corpus(path.stem, (CorpusImage(path.stem, path),), str(path))
    message = (
        f"there is no corpus, folder or image {text!r}; names on this machine: "
        f"{', '.join(corpus_names())}; more are found through {DATA_VARIABLE}"
    )
    raise BackendUnavailableError(message)
