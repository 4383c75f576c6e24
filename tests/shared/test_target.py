"""The smallest file for a smart error: found, kept, and told when it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fractour
import numpy as np
import pytest
from fractour.eval.measuring.at_target import at_target_table, groups_of, run_at_target
from fractour.eval.measuring.measure import CodecSpec
from fractour.eval.measuring.runner import ArrayImage
from fractour.shared.budget import Budget
from fractour.shared.codec import Geometry
from fractour.shared.error.smart_error import smart_error
from fractour.shared.errors import BudgetError, FractourError
from fractour.shared.picture.invisible import as_seen
from fractour.shared.target import picture_and_alpha_error
from PIL import Image


@pytest.mark.parametrize("codec", ["wavelet", "tiles"])
@pytest.mark.parametrize("target", [0.4, 0.1])
def test_smallest_file(picture: np.ndarray, codec: str, target: float) -> None:
    data = fractour.encode(picture, codec=codec, target=target)
    assert smart_error(picture, fractour.decode(data)) <= target
    # What a few percent fewer bytes give is worse than asked for.
    fewer = fractour.encode(picture, codec=codec, budget=int(0.95 * len(data)))
    assert smart_error(picture, fractour.decode(fewer)) > target
    assert fractour.encode(picture, codec=codec, target=target) == data


def test_a_harder_target_takes_more_bytes(picture: np.ndarray) -> None:
    sizes = [len(fractour.encode(picture, target=target)) for target in (0.8, 0.4, 0.2, 0.05)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 2


def test_content_decides_the_bytes() -> None:
    from fractour.corpora.synthetic import clouds, manuscript

    smooth, written = (
        len(fractour.encode(make()[:128, :128], target=0.3)) for make in (clouds, manuscript)
    )
    assert 2 * smooth < written


@pytest.mark.parametrize("shape", [(1, 1), (3, 5, 3), (17, 9, 2), (20, 31, 4)])
def test_any_geometry(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    data = fractour.encode(image, target=0.5)
    three = image.reshape(*shape, 1) if len(shape) == 2 else image
    decoded = fractour.decode(data).reshape(three.shape)
    assert picture_and_alpha_error(*as_seen(three, decoded)) <= 0.5


def test_alpha_is_judged_too() -> None:
    image = np.full((40, 40, 4), 128, np.uint8)
    wrong = image.copy()
    wrong[10:30, 10:30, 3] = 0
    assert smart_error(image, wrong) == 0
    assert picture_and_alpha_error(image, wrong) > 0.3


def test_out_of_reach(picture: np.ndarray) -> None:
    with pytest.raises(BudgetError, match=r"does not reach .* the best it reaches is"):
        fractour.encode(picture, target=1e-9)


@pytest.mark.parametrize("target", [0.0, -1.0, float("nan"), float("inf")])
def test_wrong_targets(picture: np.ndarray, target: float) -> None:
    with pytest.raises(BudgetError):
        fractour.encode(picture, target=target)


def test_a_target_is_no_size(picture: np.ndarray) -> None:
    with pytest.raises(BudgetError, match="not both"):
        fractour.encode(picture, budget=900, target=0.1)
    with pytest.raises(BudgetError):
        Budget(bytes=900, target=0.1)
    with pytest.raises(BudgetError, match="no number of bytes"):
        Budget(target=0.1).limit(Geometry(4, 4, 3))
    assert fractour.encode(picture, budget=Budget(target=0.3)) == fractour.encode(
        picture, target=0.3
    )


# ---- the command line ------------------------------------------------------------------------


@pytest.fixture
def photo(tmp_path: Path, picture: np.ndarray) -> Path:
    path = tmp_path / "in" / "photo.png"
    path.parent.mkdir()
    Image.fromarray(picture).save(path)
    return path


def test_encode_to_a_target(
    cli: Callable, photo: Path, picture: np.ndarray, tmp_path: Path
) -> None:
    out = tmp_path / "x.frc"
    ended = cli("encode", photo, out, "--target", "0.3", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["target"] == 0.3
    assert ended.json["budget_bytes"] is None
    assert ended.json["bytes"] == out.stat().st_size
    assert smart_error(picture, fractour.decode(out.read_bytes())) <= 0.3
    ended = cli("encode", photo, out, "--target", "0.3", "--force")
    assert f"{out.stat().st_size} bytes" in ended.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--target", "0"], 2),
        (["--target", "0.1", "--bytes", "900"], 2),
        (["--target", "1e-9"], 1),
    ],
)
def test_encode_says_what_is_wrong(
    cli: Callable, photo: Path, tmp_path: Path, words: list[str], code: int
) -> None:
    ended = cli("encode", photo, tmp_path / "x.frc", *words)
    assert ended.code == code
    assert ended.err.splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "x.frc").exists()


def test_compare_at_target(cli: Callable, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["compare", "--corpus", photo.parent, "--codec", "wavelet,tiles", "--at-target", "0.4"]
    ended = cli(*words, "--out", out)
    assert ended.code == 0, ended.err
    assert "wavelet bpp" in ended.out
    assert {path.name for path in out.iterdir()} == {"at_target.json", "tables.md"}
    document = json.loads((out / "at_target.json").read_text())
    assert document["target"] == 0.4
    assert [row["codec"] for row in document["rows"]] == ["wavelet", "tiles"]
    for row in document["rows"]:
        assert row["status"] == "ok"
        assert row["smart"] <= 0.4
        assert row["bpp"] == 8 * row["file_bytes"] / (row["width"] * row["height"])


@pytest.mark.parametrize(
    "words",
    [
        ["--at-target", "0"],
        ["--at-target", "nan"],
        ["--at-target", "0.3", "--codec", "none"],
    ],
)
def test_compare_usage_errors(cli: Callable, photo: Path, words: list[str]) -> None:
    assert cli("compare", "--corpus", photo.parent, *words).code == 2


# ---- rows and table --------------------------------------------------------------------------


def test_groups() -> None:
    def image(name: str) -> Any:
        return SimpleNamespace(name=name)

    default = SimpleNamespace(name="default", images=[image("coffee"), image("clouds"), image("x")])
    own = SimpleNamespace(name="own", images=[image("clouds")])
    found = groups_of([default, own], 1)
    assert {group: [i.name for i in members] for group, members in found.items()} == {
        "photographs": ["coffee"],
        "clouds": ["clouds"],
        "own": ["clouds"],
    }


def test_no_anchors_and_something_to_do(picture: np.ndarray) -> None:
    images = {"a": [ArrayImage("a", picture)]}
    with pytest.raises(FractourError, match="jpeg is an anchor"):
        run_at_target(images, [CodecSpec.parse("jpeg")], 0.3)
    for groups, target in (({}, 0.3), (images, 0.0)):
        with pytest.raises(FractourError):
            run_at_target(groups, [CodecSpec.parse("wavelet")], target)


def test_rows_of_what_is_out_of_reach(picture: np.ndarray) -> None:
    seen: list[float] = []
    (row,) = run_at_target(
        {"a": [ArrayImage("a", picture)]}, [CodecSpec.parse("wavelet")], 1e-9, seen.append
    )
    assert row["status"] == "unreachable"
    assert "the best it reaches" in row["message"]
    assert seen == [1.0]


def test_table_shows_a_count_where_a_mean_would_flatter() -> None:
    def row(group: str, bpp: float | None) -> dict[str, Any]:
        found = {"group": group, "codec": "wavelet", "target": 0.2}
        return found | ({"status": "unreachable"} if bpp is None else {"status": "ok", "bpp": bpp})

    table = at_target_table([row("sky", 0.1), row("sky", 0.3), row("ink", 1.0), row("hard", None)])
    assert table.columns == ("content", "images", "wavelet bpp", "wavelet x least")
    assert [[cell.text for cell in line] for line in table.rows] == [
        ["sky", "2", "0.2000", "1.0"],
        ["ink", "1", "1.0000", "5.0"],
        ["hard", "1", "0/1", ""],
    ]
    assert "smart error of 0.2" in table.title
