"""What each step of the post-filter adds, at the same bytes.

::

    python -m fractour.codecs.tiles.ablation IMAGE ... [--bpp 0.05,0.1,0.2,0.5] [--jobs 2]

``--out eval/results/postfilter.json`` keeps the figures. Pictures are grouped by folder.
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

from ...shared.codec import Image
from ...shared.container import unpack
from ...shared.encoding import Encoding
from ...shared.errors import BudgetError
from ...shared.picture import color
from ...shared.registry import get_codec
from ...shared.tiles.format.syntax import FRACTION_BITS
from ...shared.tiles.synthesis import deblocking, reconstruction, wiener
from .format import Symbols

WAYS = {
    "none": "nothing",
    "seams": "seams softened",
    "luma": "and luma filtered by the first set",
    "chroma": "and chroma",
    "best": "and the set chosen (as files are decoded)",
}
_LUMA = (0.299, 0.587, 0.114)


def shown(symbols: Symbols) -> dict[str, Image]:
    """Decode with more and more of the post-filter.

    Returns
    -------
    dict
        Pictures (H, W, C) uint8 by `WAYS`.
    """
    tiles, size = symbols.tiles, symbols.tiles.geometry
    raw = reconstruction.render(np, tiles, symbols.known)
    soft = deblocking.smooth(np, tiles, raw.copy())
    shape = size.height, size.width
    first, chosen = soft.copy(), soft.copy()
    wiener.refine(np, first, tiles.steps, 1, shape)
    wiener.refine(np, chosen, tiles.steps, symbols.postfilter, shape)
    found = {
        "none": raw,
        "seams": soft,
        "luma": np.concatenate([first[:1], soft[1:]]),
        "chroma": first,
        "best": chosen,
    }
    return {
        way: color.to_pixels(np, list(planes[:, : shape[0], : shape[1]]), FRACTION_BITS)
        for way, planes in found.items()
    }


def measure(image: Image, bpp: float) -> dict[str, dict[str, float]]:
    """Encode a picture once and decode it in all ways.

    Parameters
    ----------
    image : (H, W, 3) uint8
    bpp : float

    Returns
    -------
    dict
        PSNR of RGB and Y in dB, ``psnr`` and ``psnr_y``, by `WAYS`.

    Raises
    ------
    BudgetError
        If no file is so small.
    """
    codec = get_codec("tiles")
    encoding = Encoding(codec, image)
    limit = int(bpp * image.shape[0] * image.shape[1] / 8)
    frame = unpack(encoding.fill(encoding.analysis(limit), limit).data, max_pixels=1 << 30)
    symbols: Any = codec.read(frame.coded, frame.packets, complete=True)
    out = {}
    for way, picture in shown(symbols).items():
        off = picture.astype(np.float64) - image
        errors = {"psnr": (off**2).mean(), "psnr_y": ((off @ _LUMA) ** 2).mean()}
        out[way] = {
            name: float(10 * np.log10(255**2 / max(float(error), 1e-9)))
            for name, error in errors.items()
        }
    return out


def _rows(job: tuple[Path, tuple[float, ...]]) -> list[dict[str, Any]]:
    from PIL import Image as pillow

    path, rates = job
    with pillow.open(path) as opened:
        image = np.asarray(opened.convert("RGB"))
    out: list[dict[str, Any]] = []
    for bpp in rates:
        try:
            found = measure(image, bpp)
        except BudgetError:
            continue
        out.append({"group": path.parent.name, "image": path.stem, "bpp": bpp, "ways": found})
    return out


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Tabulate mean gains over a picture without post-filter, by group and rate."""
    lines = [
        "**What the post-filter of tiles adds at the same bytes, dB of PSNR-RGB (PSNR-Y)**",
        "",
        "| pictures | bpp | " + " | ".join(WAYS[way] for way in list(WAYS)[1:]) + " |",
        "| --- |" + " ---: |" * len(WAYS),
    ]
    for group, bpp in dict.fromkeys((row["group"], row["bpp"]) for row in rows):
        mine = [row["ways"] for row in rows if (row["group"], row["bpp"]) == (group, bpp)]
        cells = []
        for way in list(WAYS)[1:]:
            gains = [
                float(np.mean([ways[way][name] - ways["none"][name] for ways in mine]))
                for name in ("psnr", "psnr_y")
            ]
            cells.append(f"{gains[0]:+.2f} ({gains[1]:+.2f})")
        lines.append(f"| {group} ({len(mine)}) | {bpp:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="+", type=Path)
    parser.add_argument("--bpp", default="0.05,0.1,0.2,0.5")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the figures")
    chosen = parser.parse_args(arguments)
    rates = tuple(float(part) for part in chosen.bpp.split(","))
    with ProcessPoolExecutor(chosen.jobs) as pool:
        jobs = [(path, rates) for path in chosen.images]
        rows = [row for found in pool.map(_rows, jobs) for row in found]
    text = table(rows)
    if chosen.out is not None:
        kept = {"measured": time.strftime("%Y-%m-%d"), "rows": rows, "markdown": text}
        chosen.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
