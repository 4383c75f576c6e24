"""What outlines add: the same pictures at the same bytes with and without, and what files hold.

::

    python -m fractour.codecs.contour.analysis.ablation IMAGE ... [--bpp 0.05,0.1,0.3] [--jobs 2]

``--out eval/results/contour_outlines.json`` keeps the figures. Pictures are grouped by folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ....shared.codec import Image
from ....shared.container import unpack
from ....shared.encoding import Encoding
from ....shared.errors import BudgetError
from ....shared.registry import get_codec

_OUTLINES = ("fills", "starts", "nodes", "repeats")
_LUMA = (0.299, 0.587, 0.114)


def _psnr(off: Any) -> float:
    return float(10 * np.log10(255**2 / max(float((off**2).mean()), 1e-9)))


def measure(image: Image, bpp: float, *, outlines: bool, effort: int = 5) -> dict[str, Any]:
    """Encode a picture once.

    Parameters
    ----------
    image : (H, W, 3) uint8
    bpp : float
    outlines : bool
        Whether the search may use any.
    effort : int

    Returns
    -------
    dict
        ``bytes``, ``psnr`` (RGB), ``psnr_y``, ``seconds``, ``share`` (of bits in outlines),
        ``contours``, ``repeats``, ``windows``.
    """
    codec = get_codec("contour")
    encoding = Encoding(codec, image, effort=effort)
    limit = int(bpp * image.shape[0] * image.shape[1] / 8)
    begun = time.process_time()
    analysis: Any = encoding.analysis(limit)
    if not outlines:
        analysis.shapes = None
    data = encoding.fill(analysis, limit).data
    seconds = time.process_time() - begun
    frame = unpack(data, max_pixels=1 << 30)
    symbols: Any = codec.read(frame.coded, frame.packets, complete=True)
    off = encoding.picture(data).astype(np.float64) - image
    shares = codec.bit_shares(symbols)
    total = sum(shares.values())
    # Places are those of rings if there are no windows; files hold one of both.
    kinds = (*_OUTLINES, "places") if not len(symbols.ground.layers) else _OUTLINES
    facts = codec.facts(symbols)
    return {
        "bytes": len(data),
        "psnr": _psnr(off),
        "psnr_y": _psnr(off @ _LUMA),
        "seconds": seconds,
        "share": sum(shares[kind] for kind in kinds) / total,
        **{name: facts[name] for name in ("contours", "repeats", "windows")},
    }


def _rows(job: tuple[Path, tuple[float, ...], int]) -> list[dict[str, Any]]:
    from PIL import Image as pillow

    path, rates, effort = job
    with pillow.open(path) as opened:
        image = np.asarray(opened.convert("RGB"))
    out = []
    for bpp in rates:
        for outlines in (True, False):
            try:
                found = measure(image, bpp, outlines=outlines, effort=effort)
            except BudgetError:
                continue
            name = {"group": path.parent.name, "image": path.stem, "bpp": bpp}
            out.append({**name, "outlines": outlines, **found})
    return out


def _markdown(rows: Sequence[dict[str, Any]], effort: int) -> str:
    """Tabulate means by group and rate."""
    lines = [
        "**What outlines add: `contour` with them and without, and what its files hold**",
        "",
        "| pictures | bpp | PSNR-RGB, dB | without | PSNR-Y, dB | without | bits in outlines | "
        "contours | repeats | windows | s | without |",
        "| --- |" + " ---: |" * 11,
    ]
    groups = dict.fromkeys((row["group"], row["bpp"]) for row in rows)
    for group, bpp in groups:
        both = [
            {
                r["image"]: r
                for r in rows
                if (r["group"], r["bpp"], r["outlines"]) == (group, bpp, w)
            }
            for w in (True, False)
        ]
        same = [name for name in both[0] if name in both[1]]

        def mean(which: int, field: str, both: Any = both, same: Any = same) -> float:
            return float(np.mean([both[which][name][field] for name in same]))

        lines.append(
            f"| {group} ({len(same)}) | {bpp:g} | {mean(0, 'psnr'):.2f} | {mean(1, 'psnr'):.2f} | "
            f"{mean(0, 'psnr_y'):.2f} | {mean(1, 'psnr_y'):.2f} | {100 * mean(0, 'share'):.0f} % | "
            f"{mean(0, 'contours'):.0f} | {mean(0, 'repeats'):.0f} | {mean(0, 'windows'):.0f} | "
            f"{mean(0, 'seconds'):.1f} | {mean(1, 'seconds'):.1f} |"
        )
    lines += ["", f"Search at effort {effort}; means over the pictures; s: CPU seconds a file."]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each picture, rate and way, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--join", nargs="*", type=Path, default=(), help="figures kept before")
    parser.add_argument("--bpp", default="0.05,0.1,0.3")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the figures")
    chosen = parser.parse_args(arguments)
    rates = tuple(float(part) for part in chosen.bpp.split(","))
    jobs = [(path, rates, chosen.effort) for path in chosen.images]
    rows: list[dict[str, Any]] = []
    for path in chosen.join:
        rows += json.loads(path.read_text(encoding="utf-8"))["rows"]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for found in pool.map(_rows, jobs):
            for row in found:
                sys.stdout.write(json.dumps(row) + "\n")
                sys.stdout.flush()
            rows += found
    text = _markdown(rows, chosen.effort)
    sys.stdout.write(text + "\n")
    if chosen.out is not None:
        document = {"what": "contour_outlines", "effort": chosen.effort, "rows": rows}
        document["markdown"] = text
        chosen.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
