"""Ablations: named by the codec, added to comparisons, figured image by image."""

from __future__ import annotations

from fractour.eval.ablation import ablation_table, ablation_tables, with_ablations
from fractour.eval.measure import CodecSpec
from fractour.eval.summary import Results


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
