from __future__ import annotations

import io

import pytest
from fractour.eval.judging.metrics import SMART_IN_WORDS
from fractour.eval.reporting.verdict import verdict_table
from rich.console import Console


def rows(codec, factor, *, images=("a", "b"), seconds=1.0, missing=(), config=None):
    """A codec that needs `factor` times the bytes of the reference for the same quality."""
    return [
        {
            "image": image,
            "codec": codec,
            "config": config or {},
            "target_bpp": bpp,
            "status": "unreachable" if image in missing else "ok",
            "bpp": None if image in missing else bpp * factor,
            "psnr_rgb": 30 + step,
            "ms_ssim": 0.9 + step / 100,
            "smart": 0.4 - step / 20,
            "encode_s": seconds,
            "decode_s": seconds / 10,
        }
        for image in images
        for step, bpp in enumerate((0.05, 0.1, 0.2, 0.5))
    ]


@pytest.fixture
def table():
    return verdict_table(
        [
            *rows("contour", 0.75, seconds=12.5),
            *rows("jpeg2000", 1.0, seconds=0.08),
            *rows("avif", 0.7, missing=("b",)),
        ]
    )


def test_bytes_at_equal_quality(table):
    assert table.columns == (
        "codec", "PSNR", "MS-SSIM", "smart err.", "encode s", "decode s",
    )  # fmt: skip
    assert table.cell("contour", "PSNR").text == "-25.0"
    assert table.cell("contour", "smart err.").text == "-25.0"
    assert table.cell("jpeg2000", "MS-SSIM").text == "0.0"
    assert table.cell("contour", "encode s").text == "12.50"
    assert table.cell("jpeg2000", "decode s").text == "0.008"


def test_the_best_is_marked_and_a_part_of_the_pictures_does_not_compete(table):
    best = {
        (row[0].text, column)
        for row in table.rows
        for column, cell in zip(table.columns, row, strict=True)
        if cell.extra.get("best")
    }
    assert table.cell("avif", "PSNR").text == "-30.0 (1/2)"
    assert best == {
        ("contour", "PSNR"),
        ("contour", "MS-SSIM"),
        ("contour", "smart err."),
        ("jpeg2000", "encode s"),
        ("jpeg2000", "decode s"),
    }


def test_it_fits_a_screen_and_says_what_the_smart_error_is(table):
    eight = verdict_table(
        [row for name in "abcdefg" for row in rows(f"{name}-codec", 0.9)] + rows("jpeg2000", 1.0)
    )
    console = Console(width=80, file=io.StringIO(), force_terminal=True)
    (piece,) = eight.pieces(80)
    console.print(piece.to_rich())
    printed = console.file.getvalue()
    assert len(printed.splitlines()) <= 24
    assert eight.notes[-1] == SMART_IN_WORDS
    assert SMART_IN_WORDS.count(". ") == 1  # two sentences
    # Colour on a terminal, nothing else when piped.
    assert "\x1b[1;32m" in printed
    assert "\x1b" not in table.to_tsv()
    assert "*" not in table.to_tsv()


def test_without_a_reference_there_are_times():
    table = verdict_table(rows("contour", 1.0))
    assert table.columns == ("codec", "encode s", "decode s")
    assert not any(cell.extra.get("best") for row in table.rows for cell in row)


def test_a_figure_of_a_part_of_the_curves_is_marked():
    short = [row for row in rows("webp", 1.1) if row["target_bpp"] > 0.1]
    table = verdict_table([*short, *rows("jpeg2000", 1.0)])
    assert table.cell("webp", "PSNR").text == "~+12.2"
    assert any(note.startswith("~: the two curves share less than half") for note in table.notes)


def test_a_run_in_other_measures_is_judged_by_them():
    kept = [
        {name: value for name, value in row.items() if name not in {"psnr_rgb", "ms_ssim", "smart"}}
        | {"psnr_y": row["psnr_rgb"]}
        for row in (*rows("contour", 0.75), *rows("jpeg2000", 1.0))
    ]
    table = verdict_table(kept)
    assert table.columns == ("codec", "PSNR-Y", "encode s", "decode s")
    assert table.cell("contour", "PSNR-Y").text == "-25.0"
    assert not any("smart" in note for note in table.notes)
