from __future__ import annotations

import io
import json

import numpy as np
import pytest
from fractour.eval.measuring.rowset import Results
from fractour.eval.reporting.bootstrap import bootstrap_mean
from fractour.eval.reporting.summary import (
    all_tables,
    bd_table,
    bits_table,
    budget_table,
    gap_table,
    quality_table,
    time_table,
)
from fractour.eval.tables import Cell, Table, count, number, word
from rich.console import Console

BPPS = [0.05, 0.1, 0.2, 0.5]
PIXELS = 768 * 512
LEVELS = {"one": 24.0, "two": 28.0, "three": 31.0}


def make_row(codec, image, bpp, psnr=None, *, use=0.99, **more):
    """A row of a codec whose PSNR follows its rate: 6 dB for four times the bytes."""
    size = int(use * bpp * PIXELS / 8)
    real = 8 * size / PIXELS
    value = LEVELS[image] + 10 * np.log10(real / 0.05) if psnr is None else psnr
    return {
        "image": image,
        "image_sha256": "0" * 64,
        "codec": codec,
        "codec_version": "1",
        "config": {},
        "width": 768,
        "height": 512,
        "target_bpp": bpp,
        "target_bytes": int(bpp * PIXELS / 8),
        "status": "ok",
        "file_bytes": size,
        "bpp": real,
        "psnr_rgb": float(value),
        "ms_ssim": float(1 - 10 ** (-value / 40)),
        "bits": {},
        "encode_s": 0.1,
        "decode_s": 0.01,
        "error": None,
        "message": None,
    } | more


def unreachable(row):
    return row | {
        "status": "unreachable",
        "file_bytes": None,
        "bpp": None,
        "psnr_rgb": None,
        "ms_ssim": None,
        "encode_s": None,
        "decode_s": None,
        "error": "BudgetError",
    }


@pytest.fixture
def rows():
    found = []
    for codec, gain in (("wavelet", 0.5), ("jpeg2000", 0.0), ("jpeg", -3.0)):
        for image in LEVELS:
            for bpp in BPPS:
                row = make_row(codec, image, bpp)
                row["psnr_rgb"] += gain
                if codec == "wavelet":
                    row["bits"] = {"signs": 2.0 * row["file_bytes"], "rest of it": 100.0}
                if codec == "jpeg" and (bpp == 0.05 or (bpp == 0.1 and image == "one")):
                    row = unreachable(row)
                found.append(row)
    return found


def test_quality(rows):
    table = quality_table(Results(rows), "psnr_rgb")
    assert table.columns == ("codec", "0.05", "0.1", "0.2", "0.5")
    assert [row[0].text for row in table.rows] == ["wavelet", "jpeg2000", "jpeg"]
    cell = table.cell("jpeg2000", "0.1")
    values = [row["psnr_rgb"] for row in rows if row["codec"] == "jpeg2000"][1::4]
    expected = bootstrap_mean(values)
    assert cell.value == expected.mean == pytest.approx(np.mean(values))
    assert cell.extra == {"low": expected.low, "high": expected.high, "n": 3}
    assert cell.text == f"{expected.mean:.2f} ±{expected.half:.2f}"


def test_a_count_stands_for_a_misleading_mean(rows):
    table = quality_table(Results(rows), "psnr_rgb")
    assert table.cell("jpeg", "0.05").text == "0/3"
    cell = table.cell("jpeg", "0.1")
    assert (cell.text, cell.value, cell.extra) == ("2/3", None, {"n": 2, "of": 3})
    assert table.cell("jpeg", "0.2").value is not None


def test_a_metric_without_value_and_missing_rows_are_counted(rows):
    rows[0]["psnr_rgb"] = None
    table = quality_table(Results(rows[:-1]), "psnr_rgb")
    assert table.cell("wavelet", "0.05").text == "2/3"
    assert table.cell("jpeg", "0.5").text == "2/3"


def test_a_budget_that_was_not_asked_is_empty(rows):
    rows = [row for row in rows if row["codec"] != "jpeg" or row["target_bpp"] > 0.1]
    assert quality_table(Results(rows)).cell("jpeg", "0.1").text == ""


def test_errors_are_named(rows):
    rows[3] = unreachable(rows[3]) | {"status": "error", "error": "ValueError", "message": "oh"}
    results = Results(rows)
    assert "wavelet: 1 failed, ValueError: oh." in quality_table(results).notes
    assert budget_table(results).cell("wavelet", "errors").value == 1


def test_gap_is_paired(rows):
    table = gap_table(Results(rows), "psnr_rgb")
    assert [row[0].text for row in table.rows] == ["wavelet", "jpeg"]
    cell = table.cell("wavelet", "0.2")
    assert cell.text == "+0.50 ±0.00"
    assert cell.value == pytest.approx(0.5)
    assert table.cell("jpeg", "0.1").text == "2/3"


def test_bd(rows):
    """Half a decibel at 10 dB a decade is 10 ** -0.05 of the rate, on every image."""
    table = bd_table(Results(rows), "psnr_rgb")
    assert [row[0].text for row in table.rows] == ["wavelet", "jpeg"]
    assert table.cell("wavelet", "BD-rate %").value == pytest.approx(100 * (10**-0.05 - 1))
    assert table.cell("wavelet", "of means %").value == pytest.approx(100 * (10**-0.05 - 1))
    assert table.cell("wavelet", "images").text == "3/3"
    assert table.cell("wavelet", "BD PSNR-RGB, dB").text == "+0.500"
    # One image of JPEG has two points, 27 to 31 dB; the anchor spans 24 to 34.
    jpeg = table.cell("jpeg", "BD-rate %")
    assert jpeg.value == pytest.approx(100 * (10**0.3 - 1))
    assert table.cell("jpeg", "images").extra == {"n": 3, "of": 3}
    assert any(
        "jpeg: less than 50% of the joint range shared on 1 images" in n for n in table.notes
    )


def test_bd_range_is_stated_and_kept(rows):
    for row in rows:
        if row["target_bpp"] == 0.5 and row["codec"] == "wavelet":
            row["psnr_rgb"] += 3
    full = bd_table(Results(rows), low=0.05, high=0.5).cell("wavelet", "BD-rate %").value
    part = bd_table(Results(rows), low=0.05, high=0.2)
    assert part.cell("wavelet", "BD-rate %").value == pytest.approx(100 * (10**-0.05 - 1))
    assert full < part.cell("wavelet", "BD-rate %").value - 1
    assert part.notes[0].startswith("Budgets 0.05, 0.1, 0.2 bpp;")


def test_bd_without_a_figure_is_no_number(rows):
    for row in rows:
        if row["codec"] == "wavelet":
            row["psnr_rgb"] = row["psnr_rgb"] + 40
    table = bd_table(Results(rows))
    assert [cell.text for cell in table.rows[0][1:]] == ["-", "-", "0/3", "-", "-"]
    assert table.rows[0][1].value is None
    assert any(
        "wavelet: 3 images without a figure; of one: the curves share 0%" in n for n in table.notes
    )


def test_bd_flags_a_curve_that_folds_back(rows):
    rows[2]["psnr_rgb"] = rows[0]["psnr_rgb"]
    table = bd_table(Results(rows))
    assert "wavelet: dominated points dropped on 1 images." in table.notes


def test_bd_without_anchor(rows):
    table = bd_table(Results(rows), anchor="webp")
    assert table.rows == ()
    assert table.notes == ("The rows hold no webp.",)
    assert not any(table.name.endswith("_bd") for table in all_tables(rows, anchor="webp"))


def test_configurations_get_their_own_row(rows):
    mine = [row | {"config": {"effort": 5, "rank": "contrast"}} for row in rows[:12]]
    more = [row | {"config": {"effort": 5, "rank": "gain"}} for row in rows[:12]]
    results = Results([*mine, *more, *rows[12:]])
    assert results.codecs == ["wavelet:rank=contrast", "wavelet:rank=gain", "jpeg2000", "jpeg"]
    assert len(bd_table(results).rows) == 3


def test_a_reference_with_several_encoders_is_its_search(rows):
    """Asked for by its bare name, it must neither vanish nor become its network."""
    network = [row | {"config": {"encoder": "network"}} for row in rows[12:24]]
    search = [row | {"config": {"encoder": "search"}} for row in rows[12:24]]
    tables = all_tables([*rows[:12], *network, *search])
    titles = [table.title for table in tables if table.name.endswith("_bd")]
    assert titles[0] == "BD-rate against jpeg2000:encoder=search, PSNR-RGB"
    results = Results([*rows[:12], *network, *search])
    assert results.find("wavelet") == "wavelet"
    assert results.find("jpeg2000:encoder=network") == "jpeg2000:encoder=network"
    assert results.find("webp") is None


def test_budget(rows):
    rows[0]["file_bytes"] = rows[0]["target_bytes"] + 7
    table = budget_table(Results(rows))
    assert table.cell("wavelet", "over").value == 1
    assert table.cell("wavelet", "most over, bytes").value == 7
    assert table.cell("jpeg2000", "over").value == 0
    assert table.cell("jpeg2000", "mean use %").text == "99.0"
    assert table.cell("jpeg", "reached").text == "8/12"


def test_time(rows):
    rows[1]["encode_s"] = 9.0
    table = time_table(Results(rows))
    assert table.cell("wavelet", "encode s").text == "0.100"
    assert table.cell("wavelet", "encode max s").text == "9.000"
    assert table.cell("jpeg", "decode ms").text == "10.00"
    assert table.cell("jpeg", "files").value == 8


def test_bits(rows):
    table = bits_table(Results(rows))
    assert table.columns == ("codec", "bpp", "images", "signs", "rest of it", "rest")
    assert {row[0].text for row in table.rows} == {"wavelet"}
    assert table.rows[0][3].text == "25.0"
    shares = [cell.value for cell in table.rows[0][3:]]
    assert sum(shares) == pytest.approx(100)


def test_nothing_but_failures():
    rows = [unreachable(make_row("jpeg", "one", 0.05))]
    for table in all_tables(rows):
        assert table.to_tsv()
    assert budget_table(Results(rows)).cell("jpeg", "mean use %").text == ""
    assert all_tables([]) is not None


def test_the_order_of_rows_within_a_codec_does_not_matter(rows):
    base = [table.to_dict() for table in all_tables(rows)]
    mixed = [*rows[:12][::-1], *rows[12:24][::-1], *rows[24:][::-1]]
    assert [table.to_dict() for table in all_tables(mixed)] == base


TABLE = Table(
    "demo",
    "A demo",
    ("codec", "x|y"),
    (
        (word("a"), number(1.234)),
        (word("[b]"), count(1, 3)),
        (word("c"), Cell("2 ±1", 2.0, {"n": 4})),
    ),
    ("Note.",),
)


def test_tsv():
    assert TABLE.to_tsv() == "codec\tx|y\na\t1.23\n[b]\t1/3\nc\t2 ±1\n"


def test_markdown():
    assert TABLE.to_markdown() == (
        "**A demo**\n\n| codec | x\\|y |\n| --- | ---: |\n| a | 1.23 |\n| [b] | 1/3 |\n"
        "| c | 2 ±1 |\n\nNote.\n"
    )


def test_json():
    text = json.dumps(TABLE.to_dict(), allow_nan=False)
    assert json.loads(text)["rows"] == [
        {"codec": "a", "x|y": 1.234},
        {"codec": "[b]", "x|y": {"value": None, "n": 1, "of": 3}},
        {"codec": "c", "x|y": {"value": 2.0, "n": 4}},
    ]


def test_rich_shows_brackets_as_they_are():
    file = io.StringIO()
    Console(file=file, width=60, force_terminal=False).print(TABLE.to_rich())
    shown = file.getvalue()
    assert "[b]" in shown
    assert "A demo" in shown
    assert "Note." in shown


def test_numbers():
    assert number(-0.001).text == "0.00"
    assert number(-0.01).text == "-0.01"
    assert number(None).text == ""
    assert number(3).text == "3"
    assert number(0.0, 1).text == "0.0"
