"""The contract of the command line: streams, exit codes, files whole or not at all."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fractour
import numpy as np
import pytest
from fractour.eval.commands import output
from PIL import Image

FRACTOUR = [sys.executable, "-m", "fractour"]


@pytest.fixture
def photo(tmp_path: Path, picture: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture
def frc(tmp_path: Path, picture: np.ndarray) -> Path:
    path = tmp_path / "photo.frc"
    path.write_bytes(fractour.encode(picture, budget=900))
    return path


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def one_error(ended: Any) -> str:
    """The one line on stderr."""
    assert ended.out == ""
    (line,) = ended.err.splitlines()
    assert line.startswith("error: ")
    return line


# ---- the way through -------------------------------------------------------------------------


def test_encode_decode_trim_info_check(
    cli: Callable, photo: Path, picture: np.ndarray, tmp_path: Path
) -> None:
    a, b, png = tmp_path / "a.frc", tmp_path / "b.frc", tmp_path / "b.png"
    ended = cli("encode", photo, a, "--bytes", 900)
    assert (ended.code, ended.out) == (0, "")
    assert "of 900 bytes" in ended.err
    assert a.stat().st_size <= 900
    assert cli("trim", a, b, "--bytes", 400).code == 0
    assert b.stat().st_size <= 400
    assert cli("decode", b, png).code == 0
    with Image.open(png) as image:
        assert np.array_equal(np.asarray(image), fractour.decode(b.read_bytes()))
    facts = cli("info", b, "--json")
    assert facts.code == 0
    assert facts.json["bytes"] == b.stat().st_size
    assert (facts.json["width"], facts.json["height"]) == (64, 48)
    assert cli("check", b, "--json").json["ok"] is True
    assert left(tmp_path) == {"photo.png", "a.frc", "b.frc", "b.png"}


def test_candidates_and_survivors_are_told(
    cli: Callable, photo: Path, picture: np.ndarray, tmp_path: Path
) -> None:
    out = tmp_path / "a.frc"
    way = ("--codec", "contour-pure", "--bytes", 300)
    told = cli("encode", photo, out, *way, "--json").json
    assert 0 < told["survivors"] < told["candidates"] / 5
    assert f"of {told['candidates']} candidates" in cli("encode", photo, out, *way, "--force").err
    facts = cli("info", out, "--json").json
    # A layer is an element; the base is none, and always there.
    assert facts["facts"]["layers"] == told["survivors"]
    assert "candidates" not in facts
    again = cli("info", out, "--original", photo, "--json").json
    assert again["again_bytes"] <= told["bytes"]
    assert 0 < again["survivors"] < again["candidates"] / 5
    other = tmp_path / "other.png"
    Image.fromarray(picture[:, :20]).save(other)
    ended = cli("info", out, "--original", other)
    assert ended.code == 3
    assert "20 x 48" in one_error(ended)


@pytest.mark.parametrize(
    ("option", "value", "limit"), [("--bytes", 700, 700), ("--bpp", 1.5, 576), ("--ratio", 16, 576)]
)
def test_budgets(
    cli: Callable, photo: Path, tmp_path: Path, option: str, value: float, limit: int
) -> None:
    report = cli("encode", photo, tmp_path / "a.frc", option, value, "--json").json
    assert report["budget_bytes"] == limit
    assert report["bytes"] == (tmp_path / "a.frc").stat().st_size <= limit
    assert report["codec"] == "wavelet"


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "bmp", "ppm", "JPG", "jp2"])
def test_decode_to_formats(cli: Callable, frc: Path, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"x.{ending}"
    assert cli("decode", frc, target).code == 0
    with Image.open(target) as image:
        pixels = np.asarray(image).astype(int)
    difference = np.abs(pixels - fractour.decode(frc.read_bytes())).max()
    assert difference <= (20 if ending == "JPG" else 0)


def test_pipes(photo: Path, picture: np.ndarray) -> None:
    encoded = subprocess.run(
        [*FRACTOUR, "encode", "-", "-", "--bytes", "900"],
        input=photo.read_bytes(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert len(encoded.stdout) <= 900
    decoded = subprocess.run(
        [*FRACTOUR, "decode", "-", "-"],
        input=encoded.stdout,
        capture_output=True,
        timeout=120,
        check=True,
    )
    with Image.open(io.BytesIO(decoded.stdout)) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), fractour.decode(encoded.stdout))
    assert decoded.stderr == b""


def test_reader_that_leaves_early_is_no_error(frc: Path) -> None:
    line = f"{sys.executable} -m fractour decode {frc} - | head -c 10 >/dev/null"
    ended = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


# ---- reports ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [("codecs",), ("doctor",), ("corpora", "list"), ("corpora", "verify", "synthetic")]
)
def test_json_is_one_document_and_tables_are_tsv(cli: Callable, words: tuple[str, ...]) -> None:
    ended = cli(*words, "--json")
    assert ended.code == 0
    assert isinstance(ended.json, dict)
    table = cli(*words).out.splitlines()
    columns = table[0].count("\t")
    assert columns >= 1
    assert all(line.count("\t") == columns for line in table)
    assert "\x1b" not in "".join(table)


def test_codecs_lists_the_built_in_ones(cli: Callable) -> None:
    rows = {row["name"]: row for row in cli("codecs", "--json").json["codecs"]}
    assert rows["wavelet"]["available"]
    assert "search" in rows["wavelet"]["encoders"]


def test_tsv_is_never_cut(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert "corpora/synthetic.py" in cli("corpora", "list").out
    assert "…" not in cli("doctor").out


def test_cells_cannot_break_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(["a", "b"], [("tab\there", "line\nbreak"), (None, True), (0.5, 1e9)])
    assert capsys.readouterr().out == "a\tb\ntab here\tline break\n\tyes\n0.5\t1e+09\n"


def test_json_holds_no_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"psnr": [float("inf"), float("nan"), 1.0], "name": "é"})
    text = capsys.readouterr().out
    assert json.loads(text) == {"psnr": [None, None, 1.0], "name": "é"}
    assert "Infinity" not in text


def on_terminal(arguments: list[str], **env: str) -> tuple[int, str]:
    """Run with stdout and stderr on a pseudo-terminal."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    select = pytest.importorskip("select")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*FRACTOUR, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **env},
    )
    os.close(slave)
    chunks = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.5)[0]:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(master)
    return process.wait(timeout=30), b"".join(chunks).decode()


def test_terminal_gets_boxes_and_no_color_is_honoured(frc: Path) -> None:
    code, text = on_terminal(["info", str(frc)], NO_COLOR="1")
    assert code == 0
    assert "│" in text
    # Bold is no colour; colours are 30..49 and 90..107.
    assert not any(f"\x1b[{n}m" in text for n in (*range(30, 50), *range(90, 108)))


def test_binary_is_not_written_to_a_terminal(photo: Path) -> None:
    code, text = on_terminal(["encode", str(photo), "-", "--bytes", "900"])
    assert code == 2
    assert "terminal" in text


# ---- how it ends badly -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["encode"],
        ["nothing"],
        ["encode", "{photo}", "{new}"],
        ["encode", "{photo}", "{new}", "--bytes", "900", "--bpp", "1"],
        ["encode", "{photo}", "{new}", "--bytes", "0"],
        ["encode", "{photo}", "{new}", "--bpp", "nan"],
        ["encode", "{photo}", "{new}", "--bytes", "900", "--codec", "none"],
        ["encode", "{photo}", "{new}", "--bytes", "900", "--encoder", "none"],
        ["encode", "{photo}", "{new}", "--bytes", "900", "--rank", "none"],
        ["encode", "{photo}", "{new}", "--bytes", "900", "--effort", "10"],
        ["encode", "{photo}", "-", "--bytes", "900", "--json"],
        ["decode", "{frc}", "{new}.xyz"],
        ["decode", "{frc}", "{new}"],
        ["decode", "{frc}", "{new}.png", "--backend", "none"],
        ["decode", "{frc}", "{new}.png", "--scale", "0"],
        ["trim", "{frc}", "{new}"],
        ["check", "neither-file-nor-codec"],
        ["corpora"],
        ["corpora", "fetch", "default"],
    ],
)
def test_usage_errors_exit_2(
    cli: Callable, photo: Path, frc: Path, tmp_path: Path, arguments: list[str]
) -> None:
    before = left(tmp_path)
    ended = cli(*(a.format(photo=photo, frc=frc, new=tmp_path / "new") for a in arguments))
    assert ended.code == 2
    if arguments in ([], ["corpora"]):
        assert ended.err.startswith("Usage:")
    else:
        one_error(ended)
    assert left(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "command"),
    [
        (b"", "encode"),
        (b"hello", "encode"),
        (b"\x89PNG\r\n\x1a\n\0\0", "encode"),
        (None, "encode"),
        (b"", "decode"),
        (b"hello", "decode"),
        (b"\x8fF", "decode"),
        (None, "decode"),
        (b"\x8fF\x02", "info"),
        (b"random bytes", "trim"),
        (b"random bytes", "check"),
    ],
)
def test_bad_input_exits_3(
    cli: Callable, tmp_path: Path, content: bytes | None, command: str
) -> None:
    source = tmp_path / "in.frc"
    if content is not None:
        source.write_bytes(content)
    before = left(tmp_path)
    more = {
        "encode": [tmp_path / "out.frc", "--bytes", "900"],
        "decode": [tmp_path / "out.png"],
        "trim": [tmp_path / "out.frc", "--bytes", "900"],
    }
    ended = cli(command, source, *more.get(command, []))
    assert ended.code == 3
    one_error(ended)
    assert left(tmp_path) == before


def test_damaged_file_exits_3(cli: Callable, frc: Path, tmp_path: Path) -> None:
    data = bytearray(frc.read_bytes())
    data[-3] ^= 16
    frc.write_bytes(bytes(data))
    for words in (["decode", frc, tmp_path / "x.png"], ["info", frc], ["check", frc]):
        ended = cli(*words)
        assert ended.code == 3
        assert "damaged" in one_error(ended)


def test_truncated_file_needs_partial(cli: Callable, cut: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut.frc").write_bytes(cut)
    ended = cli("decode", tmp_path / "cut.frc", tmp_path / "x.png")
    assert ended.code == 3
    assert "--partial" in one_error(ended)
    assert cli("decode", tmp_path / "cut.frc", tmp_path / "x.png", "--partial").code == 0


def test_huge_declared_size_exits_3(cli: Callable, tmp_path: Path) -> None:
    (tmp_path / "huge.frc").write_bytes(
        b"\x8fF\x02\x12" + b"\xff\xff\xff\xff\x0f" * 2 + b"\0\0\0\0" + b"x" * 50
    )
    ended = cli("decode", tmp_path / "huge.frc", tmp_path / "x.png")
    assert ended.code == 3
    assert "--max-pixels" in one_error(ended)


def test_max_pixels(cli: Callable, frc: Path, tmp_path: Path) -> None:
    assert cli("decode", frc, tmp_path / "x.png", "--max-pixels", 64 * 48 - 1).code == 3
    assert cli("decode", frc, tmp_path / "x.png", "--max-pixels", 64 * 48).code == 0


def test_fractour_file_is_no_input_of_encode(cli: Callable, frc: Path, tmp_path: Path) -> None:
    ended = cli("encode", frc, tmp_path / "x.frc", "--bytes", 500)
    assert ended.code == 3
    assert "trim" in one_error(ended)


def test_impossible_budget_exits_1_and_names_the_smallest(
    cli: Callable, photo: Path, frc: Path, tmp_path: Path
) -> None:
    for words in (["encode", photo], ["trim", frc]):
        ended = cli(*words, tmp_path / "x.frc", "--bytes", 5)
        assert ended.code == 1
        assert "smallest" in one_error(ended)
    assert not (tmp_path / "x.frc").exists()


def test_missing_parts_exit_4(
    cli: Callable, frc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    ended = cli("decode", frc, tmp_path / "x.png", "--backend", "cupy")
    assert ended.code == 4
    assert "pip install" in one_error(ended)
    assert cli("corpora", "verify", "no-such-corpus").code == 4


def test_file_of_an_absent_codec_exits_4(cli: Callable, tmp_path: Path) -> None:
    from fractour.shared import container
    from fractour.shared.codec import Geometry

    data = container.pack(99, 1, Geometry(4, 4, 1), [b"x"])
    (tmp_path / "x.frc").write_bytes(data)
    assert cli("decode", tmp_path / "x.frc", tmp_path / "x.png").code == 4


def test_output_is_kept_unless_forced(
    cli: Callable, photo: Path, frc: Path, tmp_path: Path
) -> None:
    target = tmp_path / "x.png"
    target.write_bytes(b"precious")
    for words in (
        ["encode", photo, target, "--bytes", 900],
        ["decode", frc, target],
        ["trim", frc, target, "--bytes", 900],
    ):
        ended = cli(*words)
        assert ended.code == 1
        assert "--force" in one_error(ended)
        assert target.read_bytes() == b"precious"
        assert cli(*words, "--force").code == 0
        target.write_bytes(b"precious")


def test_existing_output_is_found_before_the_work(
    cli: Callable, photo: Path, frc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("fractour.shared.api.encode", refuse)
    assert cli("encode", photo, frc, "--bytes", 900).code == 1


def test_missing_folder_exits_1(cli: Callable, photo: Path, tmp_path: Path) -> None:
    assert cli("encode", photo, tmp_path / "no" / "x.frc", "--bytes", 900).code == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_device_exits_1(cli: Callable, photo: Path) -> None:
    ended = cli("encode", photo, "/dev/full", "--bytes", 900)
    assert ended.code == 1
    assert "No space left" in one_error(ended)
    assert Path("/dev/full").exists()


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_half_written_file_is_removed(
    cli: Callable,
    frc: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    def fail(_: int) -> None:
        # By now the temporary file holds data.
        assert any(path.suffix == ".part" and path.stat().st_size for path in tmp_path.iterdir())
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    target = tmp_path / "x.png"
    target.write_bytes(b"precious")
    ended = cli("decode", frc, target, "--force")
    assert ended.code == (1 if isinstance(failure, OSError) else 130)
    assert target.read_bytes() == b"precious"
    assert left(tmp_path) == {"photo.frc", "x.png"}


def test_written_file_has_usual_rights_and_links_survive(
    cli: Callable, frc: Path, tmp_path: Path
) -> None:
    real, link = tmp_path / "real.png", tmp_path / "link.png"
    real.write_bytes(b"old")
    link.symlink_to(real)
    assert cli("decode", frc, link, "--force").code == 0
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"\x89PNG")
    mask = os.umask(0)
    os.umask(mask)
    assert real.stat().st_mode & 0o777 == 0o666 & ~mask


def test_interrupt_exits_130(tmp_path: Path, photo: Path) -> None:
    code = (
        "import os, signal, sys\n"
        # A background shell starts its children with interrupts ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import fractour.shared.api as api\n"
        "api.encode = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT) or b''\n"
        "sys.argv[1:] = ['encode', *sys.argv[1:], '--bytes', '900']\n"
        "from fractour.eval.cli import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(photo), str(tmp_path / "x.frc")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.splitlines() == ["interrupted"]
    assert left(tmp_path) == {"photo.png"}


def test_debug_shows_the_traceback_wherever_it_stands(cli: Callable, tmp_path: Path) -> None:
    for words in (["--debug", "info", tmp_path / "no"], ["info", tmp_path / "no", "--debug"]):
        ended = cli(*words)
        assert ended.code == 3
        assert "Traceback" in ended.err
        assert ended.err.splitlines()[-1].startswith("error: ")


def test_a_fault_of_ours_is_named_as_one(
    cli: Callable, frc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        message = "oh"
        raise ZeroDivisionError(message)

    monkeypatch.setattr("fractour.shared.api.info", fault)
    ended = cli("info", frc)
    assert ended.code == 1
    assert "internal: ZeroDivisionError: oh" in one_error(ended)


# ---- input formats ---------------------------------------------------------------------------


def inputs() -> Iterator[Any]:
    base = Image.new("RGB", (24, 20), (200, 30, 90))
    yield pytest.param(base.convert("P"), "PNG", 3, None, id="palette")
    yield pytest.param(base.convert("1"), "PNG", 1, None, id="1-bit")
    yield pytest.param(base.convert("LA"), "PNG", 2, None, id="grey-alpha")
    glass = Image.new("RGBA", (24, 20), (200, 30, 90, 128))
    yield pytest.param(glass, "WEBP", 4, None, id="rgba")
    yield pytest.param(base.convert("CMYK"), "JPEG", 3, None, id="cmyk")
    deep = Image.fromarray(np.full((20, 24), 40_000, np.uint16))
    yield pytest.param(deep, "PNG", 1, "16-bit", id="16-bit")
    yield pytest.param(base, "JPEG2000", 3, None, id="jpeg2000")


@pytest.mark.parametrize(("image", "kind", "channels", "warning"), list(inputs()))
def test_inputs(
    cli: Callable,
    tmp_path: Path,
    image: Image.Image,
    kind: str,
    channels: int,
    warning: str | None,
) -> None:
    image.save(tmp_path / "in", kind)
    ended = cli("encode", tmp_path / "in", tmp_path / "x.frc", "--bytes", 300, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["channels"] == channels
    assert (ended.json["width"], ended.json["height"]) == (24, 20)
    if warning:
        assert warning in ended.err
        assert ended.err.startswith("warning: ")
        assert len(ended.err.splitlines()) == 1
    else:
        assert ended.err == ""


# ---- start-up --------------------------------------------------------------------------------


def test_help_is_light(python: Callable) -> None:
    code = (
        "import sys\n"
        "from fractour.eval.cli import run\n"
        "assert run(['--help']) == 0\n"
        "assert run(['encode', '--help']) == 0\n"
        "heavy = {'numpy', 'numba', 'scipy', 'PIL', 'torch', 'cupy', 'matplotlib', 'skimage'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    ended = python(code)
    assert ended.stderr.strip() == "LOADED []"
    assert "Exit codes: 0 ok" in ended.stdout


def test_help_names_every_command(cli: Callable) -> None:
    text = cli("--help").out
    for command in (
        *("encode", "decode", "info", "trim", "codecs", "corpora", "check", "doctor"),
        *("--version", "--debug"),
    ):
        assert command in text


def test_version(cli: Callable) -> None:
    assert cli("--version").out == f"fractour {fractour.__version__}\n"


def test_check_of_a_codec_that_fails_exits_1(
    cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fractour.shared import conformance

    results = [
        conformance.CheckResult("good", True, ""),
        conformance.CheckResult("bad", False, "why"),
    ]
    monkeypatch.setattr(conformance, "check_codec", lambda name, progress=None: results)
    ended = cli("check", "wavelet", "--json")
    assert ended.code == 1
    assert ended.json["ok"] is False
    assert [check["name"] for check in ended.json["checks"]] == ["good", "bad"]
    assert "fails 1 of 2: bad" in ended.err


def test_corpora_verify_finds_damage(
    cli: Callable, tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert cli("corpora", "verify", tmp_path).code == 0
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    ended = cli("corpora", "verify", tmp_path, "--json")
    assert ended.code == 1
    assert [image["ok"] for image in ended.json["images"]] == [True, False]


def test_corpora_fetch_offline_exits_1(
    cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        message = "no network"
        raise OSError(message)

    monkeypatch.setenv("FRACTOUR_DATA", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", offline)
    ended = cli("corpora", "fetch", "kodak")
    assert ended.code == 1
    assert "FRACTOUR_DATA" in one_error(ended)


# ---- compare ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, picture: np.ndarray) -> Path:
    """A corpus of two small pictures."""
    path = tmp_path / "pictures"
    path.mkdir()
    for name, pixels in (("a", picture), ("b", picture[::-1, :, 0])):
        Image.fromarray(pixels).save(path / f"{name}.png")
    return path


def test_compare_writes_rows_tables_and_plots(cli: Callable, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    words = ["compare", "--corpus", folder, "--bpp", "1,4", "--anchors", "jpeg2000", "--out", out]
    words += ["--codec", "wavelet"]
    ended = cli(*words, "--jobs", 1)
    assert ended.code == 0, ended.err
    # One table, the verdict; the others are asked for, and always in the files.
    columns = ended.out.splitlines()[0].split("\t")
    assert [name for name in columns if name != "SSIMUL.2"] == [
        *("codec", "PSNR", "MS-SSIM", "smart err.", "encode s", "decode s"),
    ]
    assert ended.out.splitlines()[1].startswith("wavelet\t")
    assert "smart error judges as an eye does" in ended.out
    assert "\x1b" not in ended.out
    written = {"run.json", "rows.jsonl", "tables.md", "rd.png", "rd.svg", "files", "report.html"}
    assert left(out) == written
    assert "BD-rate against jpeg2000" in (out / "tables.md").read_text()
    every = cli(*words, "--jobs", 1, "--tables").out
    assert every.startswith("# Bytes against JPEG 2000 at equal quality")
    assert "BD-rate against jpeg2000" in every
    export = tmp_path / "rows.csv"
    again = cli("compare", "--from", out, "--export", export)
    assert (again.code, again.out) == (0, ended.out)
    assert len(export.read_text().splitlines()) == 9
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * 2 * 2
    assert all(row["file_bytes"] <= row["target_bytes"] for row in rows)

    # Once more: nothing is measured again, and the report is one JSON document.
    before = (out / "rows.jsonl").read_bytes()
    again = cli(*words, "--jobs", 1, "--json")
    assert (out / "rows.jsonl").read_bytes() == before
    assert {table["name"] for table in again.json["tables"]} >= {
        "psnr_rgb",
        "psnr_rgb_bd",
        "budget",
    }
    assert again.json["run"]["corpus"]["name"] == "pictures"
    # Fresh: everything is.
    assert cli(*words, "--jobs", 1, "--fresh", "--json").json["run"]["created"]
    assert len((out / "rows.jsonl").read_bytes().splitlines()) == 8


def test_compare_keeps_what_an_interrupt_leaves(
    cli: Callable, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fractour.eval.measuring import runner

    whole = runner.measure_task

    def interrupted(task: Any) -> Iterator[Any]:
        yield next(iter(whole(task)))
        raise KeyboardInterrupt

    out = tmp_path / "out"
    words = ["compare", "--corpus", folder, "--bpp", "1,2", "--anchors", "", "--out", out]
    words += ["--codec", "wavelet"]
    with monkeypatch.context() as patch:
        patch.setattr(runner, "measure_task", interrupted)
        ended = cli(*words, "--jobs", 1, "--metrics", "psnr_rgb")
    assert ended.code == 130
    assert ended.err.splitlines()[-2:] == [
        f"finished rows are kept in {out}; the same command goes on from there",
        "interrupted",
    ]
    first = (out / "rows.jsonl").read_text()
    assert len(first.splitlines()) == 1
    assert cli(*words, "--jobs", 1, "--metrics", "psnr_rgb").code == 0
    assert (out / "rows.jsonl").read_text().startswith(first)
    assert len((out / "rows.jsonl").read_text().splitlines()) == 4


def test_compare_with_failed_rows_exits_1(
    cli: Callable, tmp_path: Path, picture: np.ndarray
) -> None:
    path = tmp_path / "glass"
    path.mkdir()
    Image.fromarray(picture).convert("RGBA").save(path / "a.png")
    ended = cli(
        *("compare", "--corpus", path, "--codec", "wavelet", "--anchors", "jpeg", "--bpp", "4"),
        *("--jobs", 1, "--out", tmp_path / "out"),
    )
    assert ended.code == 1
    assert "1 of 2 rows failed, the first: jpeg on a at 4 bpp" in ended.err.splitlines()[-1]
    assert ended.out.startswith("codec\t")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--bpp", "much"], 2),
        (["--bpp", "0"], 2),
        (["--codec", "none"], 2),
        (["--codec", "wavelet:effort=11"], 2),
        (["--anchors", "gif"], 2),
        (["--metrics", "vmaf"], 2),
        (["--corpus", "no-such-corpus"], 4),
    ],
)
def test_compare_refuses(cli: Callable, tmp_path: Path, words: list[str], code: int) -> None:
    ended = cli("compare", "--corpus", "synthetic", *words, "--out", tmp_path / "out")
    assert ended.code == code
    one_error(ended)
    assert not (tmp_path / "out").exists()
