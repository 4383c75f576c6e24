"""Corpora: found, refused with a remedy, verified, fetched; synthetic images never change."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from fractour.corpora import (
    Corpus,
    CorpusImage,
    catalog,
    corpus_names,
    lattice,
    manifest,
    open_corpus,
    pen,
    synthetic,
)
from fractour.corpora.images import file_sha256, pixel_sha256
from fractour.shared.errors import BackendUnavailableError, FractourError, ImageInputError
from PIL import Image

# `lattice.hash64` at (0, 2) and (1, 2) with seed 3, written down once.
HASHES = [10494450544842722334, 8247179812537219193]


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without corpora; returns its empty FRACTOUR_DATA."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv(catalog.DATA_VARIABLE, str(data))
    monkeypatch.setattr(catalog, "data_roots", lambda: [data])
    return data


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, picture: np.ndarray, tmp_path: Path) -> manifest.Manifest:
    """A manifest named kodak of two small images; their files lie in ``source``."""
    entries = []
    for name, pixels in (("01", picture), ("02", picture[::-1])):
        path = save(tmp_path / "source" / f"kodim{name}.png", pixels)
        entries.append(
            manifest.Entry(
                name, pixel_sha256(pixels), file_sha256(path), (f"{name}.png", f"kodim{name}.png")
            )
        )
    made = manifest.Manifest(
        "kodak", "two", "none", ("https://host.invalid/{file}",), tuple(entries)
    )
    monkeypatch.setattr(catalog, "read_manifest", lambda name: made)
    return made


# ---- synthetic -------------------------------------------------------------------------------


def test_synthetic_images_are_those_of_the_manifest() -> None:
    corpus = open_corpus("synthetic")
    assert [image.name for image in corpus.images] == sorted(synthetic.MAKERS)
    for image in corpus.images:
        assert image.pixel_hash
        assert image.problem() == "", f"{image.name} changed; results no longer compare"
        assert image.load().shape[:2] == (synthetic.HEIGHT, synthetic.WIDTH)
        assert image.load().dtype == np.uint8


def test_synthetic_images_span_easy_to_hard() -> None:
    sizes = {}
    for name, maker in synthetic.MAKERS.items():
        smooth = np.diff(maker().astype(int), axis=1)
        sizes[name] = float(np.mean(np.abs(smooth)))
    hard = {"manuscript", "line-drawing", "noise"}
    assert 5 * sizes["clouds"] < min(sizes[name] for name in hard)
    assert 2 * sizes["gradients"] < min(sizes[name] for name in hard)


def test_lattice_noise_is_exact_and_in_range() -> None:
    # A platform that disagrees makes other corpora.
    assert [int(lattice.hash64(x, 2, 3)) for x in (0, 1)] == HASHES
    x = np.arange(4096, dtype=np.int64)[None, :] * 37
    y = np.arange(16, dtype=np.int64)[:, None] * 91
    value = lattice.fractal_noise(x, y, 1, 6)
    assert value.min() >= 0
    assert value.max() <= 65535
    # Continuous: neighbours at 1/256 of a cell differ by little.
    fine = lattice.value_noise(np.arange(4096, dtype=np.int64), np.zeros(4096, np.int64), 1)
    assert np.abs(np.diff(fine)).max() < 65536 * 2 // 256


def test_integer_sine_is_close_to_the_real_one() -> None:
    degrees = np.arange(-360, 720)
    ours = np.array([pen.sine(int(d)) for d in degrees]) / 4096
    # Bhaskara's formula is known to be within 0.0017.
    assert np.abs(ours - np.sin(np.deg2rad(degrees))).max() < 0.002
    assert pen.cosine(0) == pen.sine(90) == 4096


@pytest.mark.parametrize("points", [2, 3, 4])
def test_curves_join_their_ends_without_holes(points: int) -> None:
    control = [(0, 0), (9 * 64, 3 * 64), (2 * 64, 15 * 64), (30 * 64, 20 * 64)][:points]
    samples = pen.curve(control)
    assert tuple(samples[0]) == control[0]
    assert tuple(samples[-1]) == control[-1]
    step = np.abs(np.diff(samples * pen.OVER // pen.UNIT, axis=0)).max()
    assert step <= 1


# ---- finding ---------------------------------------------------------------------------------


def test_default_corpus_is_photographs_and_synthetic() -> None:
    pytest.importorskip("skimage")
    corpus = open_corpus("default")
    names = [image.name for image in corpus.images]
    assert {"astronaut", "camera", "page", "text", "clouds", "manuscript"} <= set(names)
    assert len(set(names)) == len(names)
    by_name = {image.name: image for image in corpus.images}
    assert by_name["astronaut"].load().shape == (512, 512, 3)
    assert by_name["camera"].load().ndim == 2
    assert [image.name for image in corpus.images if image.problem()] == []


def test_default_corpus_never_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skimage")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    for image in open_corpus("default").images:
        image.load()


def test_missing_scikit_image_names_both_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"fractour\[report\].*--corpus synthetic"):
        open_corpus("default")


def test_missing_kodak_names_fetch_and_variable(nowhere: Path) -> None:
    with pytest.raises(BackendUnavailableError, match=r"fetch kodak.*FRACTOUR_DATA"):
        open_corpus("kodak")


def test_unknown_name_lists_what_there_is(nowhere: Path) -> None:
    (nowhere / "eval" / "mine").mkdir(parents=True)
    save(nowhere / "eval" / "mine" / "a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(BackendUnavailableError, match="default, synthetic, kodak, mine"):
        open_corpus("yours")


@pytest.mark.parametrize("folder", ["kodak", "eval/kodak", "."])
def test_kodak_is_found_under_any_root(
    nowhere: Path, tiny: manifest.Manifest, tmp_path: Path, folder: str
) -> None:
    shutil.copytree(tmp_path / "source", nowhere / folder, dirs_exist_ok=True)
    corpus = open_corpus("kodak")
    assert [image.name for image in corpus.images] == ["01", "02"]
    assert [image.problem() for image in corpus.images] == ["", ""]


def test_incomplete_kodak_says_what_is_missing(
    nowhere: Path, tiny: manifest.Manifest, tmp_path: Path
) -> None:
    (nowhere / "kodak").mkdir()
    shutil.copy(tmp_path / "source" / "kodim01.png", nowhere / "kodak" / "01.png")
    with pytest.raises(BackendUnavailableError, match="lacks 02"):
        open_corpus("kodak")


def test_kodak_manifest_is_whole() -> None:
    entries = manifest.read_manifest("kodak").entries
    assert [entry.name for entry in entries] == [f"{i:02d}" for i in range(1, 25)]
    assert len({entry.sha256 for entry in entries}) == 24
    assert len({entry.pixels for entry in entries}) == 24
    assert all(entry.files[-1] == f"kodim{entry.name}.png" for entry in entries)


def test_kodak_here_matches_the_manifest() -> None:
    try:
        corpus = open_corpus("kodak")
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    assert [image.name for image in corpus.images if image.problem()] == []


def test_folder_is_sorted_and_takes_only_images(tmp_path: Path, picture: np.ndarray) -> None:
    for name in ("b.png", "a.jpg", "c.webp"):
        save(tmp_path / name, picture)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    corpus = open_corpus(tmp_path)
    assert [image.name for image in corpus.images] == ["a", "b", "c"]
    save(tmp_path / "a.png", picture)
    assert [image.name for image in open_corpus(tmp_path).images] == [
        "a.jpg",
        "a.png",
        "b.png",
        "c.webp",
    ]


def test_empty_folder_and_single_file(tmp_path: Path, picture: np.ndarray) -> None:
    with pytest.raises(ImageInputError, match="holds no image"):
        open_corpus(tmp_path)
    path = save(tmp_path / "one.png", picture)
    (image,) = open_corpus(path).images
    assert np.array_equal(image.load(), picture)


def test_checksum_follows_names_and_pixels(tmp_path: Path, picture: np.ndarray) -> None:
    save(tmp_path / "x" / "a.png", picture)
    save(tmp_path / "y" / "a.tif", picture)
    first, same = open_corpus(tmp_path / "x"), open_corpus(tmp_path / "y")
    assert first.checksum == same.checksum
    save(tmp_path / "y" / "a.tif", picture ^ 1)
    assert open_corpus(tmp_path / "y").checksum != first.checksum
    renamed = Corpus("z", (CorpusImage("b", tmp_path / "x" / "a.png"),))
    assert renamed.checksum != first.checksum


def test_images_travel_to_other_processes() -> None:
    images = open_corpus("synthetic").images
    again = pickle.loads(pickle.dumps(images))
    assert np.array_equal(again[1].load(), images[1].load())


def test_names_come_first(nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "synthetic" / "a.png", np.zeros((4, 4), np.uint8))
    assert len(open_corpus("synthetic")) == len(synthetic.MAKERS)
    assert len(open_corpus("./synthetic")) == 1
    assert corpus_names()[:3] == ["default", "synthetic", "kodak"]


# ---- fetching and verifying ------------------------------------------------------------------


def test_fetch_checks_and_names_files(tiny: manifest.Manifest, tmp_path: Path) -> None:
    asked = []

    def download(url: str) -> bytes:
        asked.append(url)
        return (tmp_path / "source" / url.rpartition("/")[2]).read_bytes()

    folder = tmp_path / "new" / "kodak"
    assert manifest.fetch(tiny, folder, download=download) == 2
    assert asked == ["https://host.invalid/kodim01.png", "https://host.invalid/kodim02.png"]
    assert sorted(path.name for path in folder.iterdir()) == ["01.png", "02.png"]
    # What is there and right is not fetched again; what is damaged is.
    assert manifest.fetch(tiny, folder, download=download) == 0
    (folder / "02.png").write_bytes(b"damaged")
    assert manifest.fetch(tiny, folder, download=download) == 1


def test_fetch_accepts_recompressed_files(tiny: manifest.Manifest, tmp_path: Path) -> None:
    def download(url: str) -> bytes:
        source = tmp_path / "source" / url.rpartition("/")[2]
        with Image.open(source) as image:
            image.save(tmp_path / "other.png", compress_level=0)
        return (tmp_path / "other.png").read_bytes()

    assert manifest.fetch(tiny, tmp_path / "new", download=download) == 2


@pytest.mark.parametrize("answer", [b"<html>not found</html>", b"", b"other pixels"])
def test_fetch_refuses_what_is_not_the_image(
    tiny: manifest.Manifest, tmp_path: Path, answer: bytes
) -> None:
    if answer == b"other pixels":
        answer = save(tmp_path / "wrong.png", np.zeros((4, 4, 3), np.uint8)).read_bytes()
    with pytest.raises(FractourError, match=r"01\.png .*what came"):
        manifest.fetch(tiny, tmp_path / "new", download=lambda url: answer)
    assert list((tmp_path / "new").iterdir()) == []


def test_fetch_offline_names_the_remedy(tiny: manifest.Manifest, tmp_path: Path) -> None:
    def offline(url: str) -> bytes:
        message = "no route to host"
        raise OSError(message)

    with pytest.raises(FractourError, match=r"no route.*FRACTOUR_DATA"):
        manifest.fetch(tiny, tmp_path / "new", download=offline)


def test_damage_is_found(tiny: manifest.Manifest, nowhere: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "source", nowhere / "kodak")
    save(nowhere / "kodak" / "kodim02.png", np.zeros((4, 4, 3), np.uint8))
    assert [image.problem() for image in open_corpus("kodak").images] == [
        "",
        "differs from the manifest",
    ]
