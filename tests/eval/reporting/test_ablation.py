"""Ablations: named by the codec, added to comparisons, figured image by image."""

from __future__ import annotations

import pytest
from fractour.eval.measuring.measure import CodecSpec
from fractour.eval.measuring.rowset import Results
from fractour.eval.reporting.ablation import ablation_table, ablation_tables, with_ablations


def _row(codec: str, image: str, bpp: float, psnr: float) -> dict:
    return {
        "codec": codec,
        "codec_version": "1",
        "config": {},
        "image": image,
        "image_sha256": image,
        "target_bpp": bpp,
        "bpp": bpp,
        "psnr_rgb": psnr,
        "status": "ok",
        "bits": {},
    }


def _rows(codec: str, saving: float) -> list[dict]:
    return [
        _row(codec, image, bpp * (1 - saving), 20 + at)
        for image in ("a", "b")
        for at, bpp in enumerate((0.05, 0.1, 0.2, 0.4))
    ]


def test_a_codec_brings_its_ablations_once() -> None:
    specs = with_ablations([CodecSpec("pifs"), CodecSpec("tiles"), CodecSpec("jpeg")])
    assert [spec.codec for spec in specs] == ["pifs", "pifs-pure", "tiles", "jpeg"]
    assert with_ablations([CodecSpec("wavelet")]) == [CodecSpec("wavelet")]


def test_the_saving_is_found_image_by_image() -> None:
    results = Results(_rows("tiles", 0.0) + _rows("pifs", 0.0))
    for row in results.rows:
        if row["codec"] == "pifs":
            row["bpp"] *= 0.95
    table = ablation_table(results, "pifs", "tiles", low=0.01)
    assert [abs(table.cell(name, "BD-rate %").value + 5) < 0.01 for name in ("a", "b", "mean")]
    assert [found.name for found in ablation_tables(results)] == ["pifs_over_tiles"]


def test_an_ablation_without_the_encoder_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from fractour.shared.registry import get_codec

    monkeypatch.setattr(type(get_codec("pifs")), "encoders", ("search", "network"))
    monkeypatch.setattr(type(get_codec("tiles")), "encoders", ("search", "network"))
    monkeypatch.setattr(type(get_codec("pifs-pure")), "encoders", ("search",))
    specs = [CodecSpec("pifs", {"encoder": way}) for way in ("search", "network")]
    assert [(spec.codec, spec.config["encoder"]) for spec in with_ablations(specs)] == [
        ("pifs", "search"),
        ("tiles", "search"),
        ("pifs-pure", "search"),
        ("pifs", "network"),
        ("tiles", "network"),
    ]


def test_several_encoders_are_paired_each_with_its_like() -> None:
    """The network of pifs against the network of tiles; its search has nothing to stand by."""

    def filled(rows: list[dict], way: str) -> list[dict]:
        return [row | {"config": {"encoder": way}} for row in rows]

    results = Results(
        filled(_rows("pifs", 0.0), "search")
        + filled(_rows("pifs", 0.1), "network")
        + filled(_rows("tiles", 0.0), "network")
    )
    assert results.codecs == ["pifs:encoder=search", "pifs:encoder=network", "tiles"]
    (table,) = ablation_tables(results)
    assert table.name == "pifs:encoder=network_over_tiles"
    assert abs(table.cell("mean", "BD-rate %").value + 10) < 1e-6
