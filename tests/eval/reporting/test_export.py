from __future__ import annotations

import csv
import sys

import pytest
from fractour.eval.reporting.export import export
from fractour.shared.errors import BackendUnavailableError, FractourError

ROWS = [
    {
        "image": "a, with a comma",
        "codec": "wavelet",
        "config": {"effort": 5},
        "bits": {"base": 8.5, "never": float("nan")},
        "psnr_rgb": 31.25,
    },
    {"image": "b", "codec": "jpeg", "config": {}, "bits": {}, "psnr_rgb": None},
]


def test_csv_has_every_column_in_every_row(tmp_path):
    export(ROWS, tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["image"] == "a, with a comma"
    assert (first["config.effort"], first["bits.base"], first["bits.never"]) == ("5", "8.5", "")
    assert (second["config.effort"], second["psnr_rgb"]) == ("", "")


def test_parquet_keeps_numbers(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export(ROWS, tmp_path / "rows.parquet")
    first, second = parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    assert (first["psnr_rgb"], second["psnr_rgb"]) == (31.25, None)
    assert first["config.effort"] == 5


def test_what_cannot_be_exported_says_so(tmp_path, monkeypatch):
    with pytest.raises(FractourError, match=r"\.csv or \.parquet"):
        export(ROWS, tmp_path / "rows.xls")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BackendUnavailableError, match=r"fractour\[parquet\]"):
        export(ROWS, tmp_path / "rows.parquet")
