"""A corpus is read before work begins: losses are told once, broken pictures named all at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from deep_files import ADOBE_RGB, png16
from fractour.corpora import open_corpus
from fractour.corpora.reading import read_all
from fractour.shared.picture.files import read_image
from PIL import Image


@pytest.fixture
def mixed(tmp_path: Path, picture: np.ndarray) -> Path:
    """Pictures of which something is left out, or is not what it seems."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    image = Image.fromarray(picture)
    image.save(folder / "plain.png")
    image.save(folder / "wide.png", icc_profile=ADOBE_RGB)
    image.save(folder / "odd.png", icc_profile=b"nothing")
    image.save(folder / "moving.gif", save_all=True, append_images=[Image.new("RGB", image.size)])
    deep = picture.astype(np.uint16) * 250
    (folder / "deep.png").write_bytes(png16(deep))
    (folder / "deeper.png").write_bytes(png16(deep[..., :1]))
    return folder


@pytest.fixture
def broken(mixed: Path) -> Path:
    """The same, with two that cannot be read."""
    (mixed / "cut.png").write_bytes((mixed / "plain.png").read_bytes()[:90])
    (mixed / "text.jpg").write_text("no picture")
    return mixed


def rows(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]


def words(folder: Path, out: Path) -> list[object]:
    usual = ["--codec", "template", "--anchors", "", "--bpp", "2", "--metrics", "psnr_rgb"]
    return [
        "compare",
        "--corpus",
        folder,
        "--out",
        out,
        "--jobs",
        1,
        *usual,
        "--reference",
        "template",
    ]


def test_what_is_left_out_is_told_once(cli: Callable, mixed: Path, tmp_path: Path) -> None:
    ended = cli(*words(mixed, tmp_path / "out"))
    assert ended.code == 0, ended.err
    told = [line for line in ended.err.splitlines() if line.startswith("warning: ")]
    assert told[:2] == [
        "warning: deep, deeper: 16-bit samples; they are rounded to 8 bits",
        "warning: moving: holds 2 frames; only the first is used",
    ]
    assert told[2].startswith("warning: odd: a colour profile of no use")
    assert "plain" not in ended.err
    assert "wide" not in ended.err
    found = {row["image"]: row["image_sha256"] for row in rows(tmp_path / "out")}
    # Pictures with a profile are compared as they look.
    assert found["wide"] != found["plain"] == found["odd"]
    images = {image.name: image for image in open_corpus(mixed).images}
    assert found["wide"] == images["wide"].sha256
    assert np.array_equal(images["wide"].load(), read_image(mixed / "wide.png", "wide"))


def test_broken_pictures_are_named_together(cli: Callable, broken: Path, tmp_path: Path) -> None:
    ended = cli(*words(broken, tmp_path / "out"))
    assert ended.code == 3
    last = ended.err.splitlines()[-1]
    assert "2 of 8 pictures of corpus 'mixed' cannot be read" in last
    assert "cut.png" in last
    assert "text.jpg is not an image" in last
    assert "--skip-broken" in last
    assert not (tmp_path / "out").exists()


def test_the_rest_goes_on_without_them(cli: Callable, broken: Path, tmp_path: Path) -> None:
    ended = cli(*words(broken, tmp_path / "out"), "--skip-broken")
    assert ended.code == 0, ended.err
    assert len(rows(tmp_path / "out")) == 6
    told = [line for line in ended.err.splitlines() if line.startswith("warning: skipped: ")]
    assert len(told) == 2
    timed = cli(
        *("bench", "decode", "--corpus", broken, "--codec", "template", "--bpp", "4"),
        *("--repeats", 1, "--images", 3, "--skip-broken"),
    )
    assert timed.code == 0, timed.err
    assert "skipped" in timed.err


def test_nothing_left_is_an_error(cli: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "none"
    folder.mkdir()
    (folder / "a.png").write_text("no picture")
    ended = cli(*words(folder, tmp_path / "out"), "--skip-broken")
    assert ended.code == 3
    assert "1 of 1 pictures" in ended.err.splitlines()[-1]


@pytest.mark.parametrize("command", [["train", "wavelet"], ["bench", "encode"]])
def test_other_commands_name_them_too(cli: Callable, broken: Path, command: list[str]) -> None:
    if command[0] == "train":
        pytest.importorskip("lightning_fabric")
    ended = cli(*command, "--corpus", broken, "--images" if command[0] == "bench" else "--steps", 8)
    assert ended.code == 3
    assert "cut.png" in ended.err.splitlines()[-1]
    assert "text.jpg" in ended.err.splitlines()[-1]


def test_verify_notes_what_is_left_out(cli: Callable, mixed: Path) -> None:
    ended = cli("corpora", "verify", mixed, "--json")
    assert ended.code == 0
    notes = {image["name"]: image["note"] for image in ended.json["images"]}
    assert notes["moving"] == "holds 2 frames; only the first is used"
    assert notes["plain"] == notes["wide"] == ""


def test_many_names_are_cut_short(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.png").write_bytes(png16(np.zeros((2, 2, 1), np.uint16)))
    (note,) = read_all(open_corpus(tmp_path)).notes()
    assert note.startswith("0, 1, 2, 3, 4, 5 and 3 more: 16-bit samples")
