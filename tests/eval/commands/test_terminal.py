"""The terminal's manners: several files at once, budgets, help, completion, tables that fit."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fractour
import numpy as np
import pytest
import typer
from fractour.eval import cli as command_line
from fractour.eval import growth
from fractour.eval.commands import compare, options, output, presenting
from fractour.eval.commands.examples import EXAMPLES
from fractour.eval.measuring.runner import ArrayImage
from fractour.eval.measuring.store import Run
from fractour.eval.tables import Cell, Table, word
from fractour.shared.registry import get_codec
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path, picture: np.ndarray) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b"):
        Image.fromarray(picture).save(folder / f"{name}.png")
    return folder


# ---- several files ---------------------------------------------------------------------------


def test_several_files_go_into_a_folder_and_back(
    cli: Callable, photos: Path, tmp_path: Path
) -> None:
    small, back = tmp_path / "small", tmp_path / "back"
    options = ("--codec", "template", "--budget", "600")
    ended = cli("encode", photos / "a.png", photos / "b.png", small, *options, "--json")
    assert ended.code == 0, ended.err
    assert [Path(report["output"]).name for report in ended.json["files"]] == ["a.frc", "b.frc"]
    # A glob that the shell left alone; a folder that ends in a slash; another format.
    ended = cli("decode", small / "*.frc", f"{back}/", "--format", "webp")
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in back.iterdir()) == ["a.webp", "b.webp"]
    with Image.open(back / "a.webp") as shown:
        expected = fractour.decode((small / "a.frc").read_bytes())
        assert np.array_equal(np.asarray(shown), expected)


def test_one_file_goes_into_a_folder_that_exists(
    cli: Callable, photos: Path, tmp_path: Path
) -> None:
    assert (
        cli("encode", photos / "a.png", tmp_path, "--codec", "template", "--bytes", 600).code == 0
    )
    assert (tmp_path / "a.frc").stat().st_size <= 600


def test_one_broken_file_does_not_stop_the_others(
    cli: Callable, photos: Path, tmp_path: Path
) -> None:
    (photos / "aa.png").write_bytes(b"no picture")
    ended = cli("encode", photos / "*.png", tmp_path / "s", "--codec", "template", "--budget", 600)
    assert ended.code == 1
    assert "aa.png is not an image" in ended.err
    assert ended.err.splitlines()[-1] == "error: 1 of 3 files failed"
    assert len(list((tmp_path / "s").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["{photos}/a.png", "{photos}/b.png", "-"], "into a folder"),
        (["-", "{photos}/b.png", "{new}"], "into a folder"),
        (["{photos}/a.png", "{photos}/b.png", "{photos}/a.png"], "is a file"),
        (["{photos}/*.gif", "{new}"], "no file matches"),
        (["{photos}/a.png", "{photos}/../photos/a.png", "{new}"], "would both become"),
    ],
)
def test_what_has_no_place_to_go_is_refused(
    cli: Callable, photos: Path, tmp_path: Path, words: list[str], why: str
) -> None:
    names = [word.format(photos=photos, new=tmp_path / "new") for word in words]
    ended = cli("encode", *names, "--codec", "template", "--budget", 600)
    assert (ended.code, why in ended.err) == (2, True), ended.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["decode", "info", "trim", "show", "check", "metrics"])
def test_errors_name_the_file(cli: Callable, tmp_path: Path, command: str) -> None:
    broken = tmp_path / "broken.frc"
    broken.write_bytes(fractour.encode(np.zeros((9, 9), np.uint8), codec="template", budget=99)[:7])
    words: dict[str, tuple[Any, ...]] = {
        "decode": (tmp_path / "x.png",),
        "show": (tmp_path / "x.png",),
        "trim": (tmp_path / "x.frc", "--budget", 70),
        "metrics": (broken,),
    }
    ended = cli(command, broken, *words.get(command, ()))
    assert ended.code == 3
    assert ended.err.startswith(f"error: {broken}: ")


# ---- budgets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "limit"), [("700", 700), ("1.5bpp", 576), ("16:1", 576), (" 1.5BPP ", 576)]
)
def test_one_option_takes_every_budget(
    cli: Callable, photos: Path, tmp_path: Path, text: str, limit: int
) -> None:
    words = ("encode", photos / "a.png", tmp_path / "x.frc", "--codec", "template", "--json")
    assert cli(*words, "--budget", text).json["budget_bytes"] == limit


def test_the_error_reached_is_told(cli: Callable, photos: Path, tmp_path: Path) -> None:
    from fractour.shared.error.smart_error import smart_error

    words = ("encode", photos / "a.png", tmp_path / "x.frc", "--target", 0.3, "--force")
    found = cli(*words, "--json").json
    with Image.open(photos / "a.png") as picture:
        decoded = fractour.decode((tmp_path / "x.frc").read_bytes())
        assert found["smart_error"] == smart_error(np.asarray(picture), decoded) <= 0.3
    assert f"smart error {found['smart_error']:.4f} of 0.3" in cli(*words).err


@pytest.mark.parametrize("text", ["much", "0", "-5", "nanbpp", "1:2", "4000.5", ""])
def test_budgets_that_are_none(cli: Callable, photos: Path, tmp_path: Path, text: str) -> None:
    ended = cli("encode", photos / "a.png", tmp_path / "x.frc", f"--budget={text}")
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert len(ended.err.splitlines()) == 1


def test_trim_takes_a_budget_too(cli: Callable, tmp_path: Path, picture: np.ndarray) -> None:
    large = tmp_path / "a.frc"
    large.write_bytes(fractour.encode(np.tile(picture, (4, 4, 1)), budget=4000))
    assert cli("trim", large, tmp_path / "b.frc", "--budget", 900).code == 0
    assert (tmp_path / "b.frc").stat().st_size <= 900


# ---- metrics ---------------------------------------------------------------------------------


def test_metrics_of_two_pictures(cli: Callable, photos: Path, picture: np.ndarray) -> None:
    data = fractour.encode(picture, codec="template", budget=600)
    (photos / "a.frc").write_bytes(data)
    found = cli("metrics", photos / "a.png", photos / "a.frc", "--json").json
    assert found["equal"] is False
    from fractour.eval.judging.metrics import measure

    assert found["metrics"] == measure(picture, fractour.decode(data))
    shown = cli("metrics", photos / "a.png", photos / "b.png").out
    assert "PSNR-RGB\tinfinite\tdB\tlarger" in shown
    assert "smart error judges as an eye does" in shown


def test_metrics_of_grey_beside_colour_and_of_other_sizes(
    cli: Callable, photos: Path, picture: np.ndarray
) -> None:
    grey = picture[:, :, 0]
    Image.fromarray(grey).save(photos / "grey.png")
    Image.fromarray(np.dstack([grey] * 3)).save(photos / "rgb.png")
    Image.fromarray(grey[:-1]).save(photos / "short.png")
    same = cli("metrics", photos / "grey.png", photos / "rgb.png", "--json")
    assert same.json["equal"] is True
    ended = cli("metrics", photos / "grey.png", photos / "short.png")
    assert ended.code == 3
    assert "only equal sizes" in ended.err


# ---- animation -------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_a_file_grows_in_an_animation(
    cli: Callable, tmp_path: Path, picture: np.ndarray, ending: str
) -> None:
    source, target = tmp_path / "a.frc", tmp_path / f"a.{ending}"
    source.write_bytes(fractour.encode(np.tile(picture, (3, 3, 1)), budget=3000))
    found = cli("show", source, target, "--json")
    assert found.code == 0, found.err
    with Image.open(target) as shown:
        assert shown.size == (192, 144)
        # Frames that look alike may be joined by the writer.
        assert 4 <= shown.n_frames <= found.json["frames"] <= growth.FRAMES


def test_every_step_is_a_beginning_that_decodes(picture: np.ndarray) -> None:
    data = fractour.encode(np.tile(picture, (3, 3, 1)), budget=3000)
    steps = growth.steps(data, max_pixels=1 << 20)
    sizes = [len(step) for step in steps]
    assert sizes == sorted(set(sizes))
    assert steps[-1] == data
    assert {fractour.decode(step).shape for step in steps} == {(144, 192, 3)}


# ---- help and completion ---------------------------------------------------------------------


def commands() -> dict[str, Any]:
    group = typer.main.get_command(command_line.app)
    found = dict(group.commands)
    found |= found.pop("corpora").commands
    return found


def test_every_help_has_examples_that_parse(cli: Callable) -> None:
    known = commands()
    assert set(EXAMPLES) == set(known)
    for name, lines in EXAMPLES.items():
        group = () if name in typer.main.get_command(command_line.app).commands else ("corpora",)
        text = cli(*group, name, "--help").out
        for line in lines:
            assert line in text
            words = shlex.split(line.split(" < ")[0])[1:]
            assert words[: len(group) + 1] == [*group, name]
            known[name].make_context(name, words[len(group) + 1 :]).close()


def test_no_summary_is_cut(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = cli("--help").out
    assert "..." not in text.split("Commands:")[1]
    for name in commands():
        group = () if name in typer.main.get_command(command_line.app).commands else ("corpora",)
        shown = cli(*group, name, "--help").out
        assert " range>" not in shown
        assert "--json" in shown


def test_values_complete_also_after_a_comma() -> None:
    assert options.complete_codec("wav") == ["wavelet"]
    assert options.complete_codec("contour,tem") == ["contour,template"]
    assert options.complete_encoder("search,network+") == ["search,network+refine"]
    assert options.complete_anchor("jpeg,we") == ["jpeg,webp"]
    assert options.complete_metric("sm") == ["smart"]
    assert options.complete_corpus("synth") == ["synthetic"]


# ---- tables ----------------------------------------------------------------------------------


def test_names_are_not_folded_inside_words(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ("codec", *(f"{bpp:g}" for bpp in (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)))
    cells = tuple(Cell("29.31 ±1.28", 29.31) for _ in columns[1:])
    table = Table("t", "PSNR", columns, ((word("wavelet:rank=contrast"), *cells),), ("A note.",))
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", "80")
    output.print_tables([table])
    text = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert max(map(len, text.splitlines())) <= 80
    assert "rank=contrast" in text
    assert text.count("29.31") == 8


def test_a_table_wider_than_the_screen_is_split_between_columns() -> None:
    columns = ("codec", "bpp", *(f"kind-of-bits-{at}" for at in range(12)))
    table = Table("bits", "Bits", columns, (tuple(word("1.0") for _ in columns),), ("Rest.",), 2)
    pieces = table.pieces(80)
    assert len(pieces) > 1
    assert all(piece.columns[:2] == ("codec", "bpp") for piece in pieces)
    assert [name for piece in pieces for name in piece.columns[2:]] == list(columns[2:])
    assert [piece.title for piece in pieces] == ["Bits"] + [""] * (len(pieces) - 1)
    assert [piece.notes for piece in pieces][-1] == ("Rest.",)
    assert table.pieces(400) == [table]


# ---- the first look --------------------------------------------------------------------------


def test_a_first_look_is_small_and_holds_what_the_toolkit_is_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cli: Callable
) -> None:
    from fractour.eval.measuring import runner

    asked: list[Any] = []

    def stop(*words: Any, **options: Any) -> None:
        asked.append((*words, options))
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", stop)
    monkeypatch.chdir(tmp_path)
    assert cli("compare").code == 130
    (images, specs, bpps, folder, _) = asked.pop()
    assert [spec.label for spec in specs] == [
        *("contour", "pifs", "wavelet", "tiles"),
        *("jpeg", "jpeg2000", "webp", "avif"),
    ]
    assert (len(images), images.name, images.opened) == (3, "default-3", "default")
    assert bpps == [0.05, 0.1, 0.2, 0.5]
    assert folder == Path("results/default-3")
    # A corpus that is named is taken whole, at all budgets.
    assert cli("compare", "--corpus", "synthetic", "--codec", "pifs").code == 130
    (images, specs, bpps, _, _) = asked.pop()
    assert (images.name, len(bpps)) == ("synthetic", len(compare.DEFAULT_BPPS.split(",")))
    # And a codec that is named is compared with what remains of it without its point.
    assert {spec.label for spec in specs} >= {"pifs", *get_codec("pifs").ablations}


def test_two_runs_side_by_side(
    cli: Callable, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("compare", "--corpus", photos, "--budgets", "3,6", "--anchors", "jpeg2000")
    for name, codec in (("old", "template"), ("new", "template:rank=rd")):
        ended = cli(*words, "--codec", codec, "--out", name, "--jobs", 1)
        assert ended.code == 0, ended.err
    ended = cli("compare", "--from", "old", "new", "--export", "rows.csv")
    assert ended.code == 0, ended.err
    assert "template:rank=contrast:run=old\t" in ended.out
    assert "template:rank=rd:run=new\t" in ended.out
    assert (tmp_path / "results" / "old-and-new" / "report.html").is_file()
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 12
    for wrong, code in (
        (["--from", "nowhere"], 1),
        (["old"], 2),
        (["--from", "old", "old"], 1),
        (["--from", "old", "--export", "rows.xls"], 2),
    ):
        ended = cli("compare", *wrong)
        assert (ended.code, len(ended.err.splitlines())) == (code, 1), ended.err


def test_report_says_what_it_wrote(cli: Callable, photos: Path, tmp_path: Path) -> None:
    words = ("compare", "--corpus", photos, "--budgets", "6", "--anchors", "jpeg2000")
    assert cli(*words, "--codec", "template", "--out", tmp_path / "run", "--jobs", 1).code == 0
    page = tmp_path / "page.html"
    found = cli("report", tmp_path / "run", page, "--images", 1, "--json").json
    assert found["pictures"] == ["a"]
    assert found["bytes"] == page.stat().st_size


def test_the_page_of_a_comparison_can_be_sent_around(capsys: pytest.CaptureFixture[str]) -> None:
    def chosen(side: int, bpps: int) -> tuple[list[str], list[float]]:
        rows = [
            {"image": name, "target_bpp": 0.1 * at, "width": side, "height": side, "codec": codec}
            for name in "abc"
            for at in range(1, bpps + 1)
            for codec in "xy"
        ]
        pictures = [ArrayImage(name, np.zeros((1, 1), np.uint8)) for name in "abc"]
        images, budgets = presenting._shown(Run(Path("run"), {}, rows), pictures)
        return [image.name for image in images], [round(bpp, 1) for bpp in budgets]

    assert chosen(512, 8) == (["a", "b"], [0.1, 0.3, 0.6, 0.8])
    assert chosen(512, 1) == (["a", "b"], [0.1])
    assert chosen(2000, 4)[0] == ["a"]
    assert chosen(4000, 4)[0] == []
    assert "too large for the page" in capsys.readouterr().err


def test_a_fetch_reports_as_json(
    cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fractour.corpora import manifest

    monkeypatch.setenv("FRACTOUR_DATA", str(tmp_path))
    monkeypatch.setattr(manifest, "fetch", lambda *_, **__: 24)
    found = cli("corpora", "fetch", "kodak", "--json").json
    assert found == {"corpus": "kodak", "folder": str(tmp_path / "kodak"), "fetched": 24}


# ---- compiling -------------------------------------------------------------------------------


def test_compiling_is_announced_once_where_there_is_no_bar(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import numba

    def first(x: int) -> int:
        return x + 1

    kernel = numba.njit(first)
    for _ in range(2):
        with output.progress("working") as bar, output.compiling(bar):
            kernel(1)
            numba.njit(lambda x: x)  # never called, never compiled
    assert capsys.readouterr().err == "first use: compiling kernels, up to a minute, once\n"


def test_the_bar_names_what_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(output.Bar, "doing", lambda self, text: said.append(text))
    import numba

    def code_leaf(x: int) -> int:
        return x + 1

    bar = output.Bar("encoding", shown=True)
    with output.compiling(bar):
        numba.njit(code_leaf)(1)
    assert said == ["compiling, once: code leaf"]


def test_doctor_makes_codecs_ready(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    from fractour.shared import registry

    every = registry.list_codecs
    monkeypatch.setattr(
        registry, "list_codecs", lambda: [row for row in every() if row["name"] == "template"]
    )
    found = cli("doctor", "--warm", "--json").json["warmed"]
    assert found["codecs"] == ["template"]
    assert found["seconds"] > 0
