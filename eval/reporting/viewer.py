"""What the page's picture viewer shows: originals and decoded pictures, with what they cost.

Pictures come from the encoded files that a run keeps beside its rows; only where a file is
missing is a picture encoded again.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...corpora.images import pixel_sha256
from ...shared import api
from ...shared.errors import FractourError
from ...shared.picture.drawing import rgb
from ..judging.metrics import get_metric, measure
from ..measuring.anchors import ANCHORS
from ..measuring.measure import CodecSpec, open_coder
from ..measuring.rowset import Results
from ..measuring.store import Row, codec_key, file_path

Image = npt.NDArray[np.uint8]

EXPLAINED = ("contour", "pifs")
"""Formats of which the page shows the explaining picture too, with those derived from them."""

_LEAST_SHARE = 0.05  # percent; less would print as 0.0


def uri(pixels: Image, *, exact: bool = True) -> str:
    """Return pixels as a data URI: lossless WebP, or a lossy one for drawings of many lines."""
    from PIL import Image as PILImage

    file = io.BytesIO()
    options = {"lossless": True, "quality": 60, "method": 1} if exact else {"quality": 80}
    # Under alpha 0 too, a decoded picture is shown as it is.
    PILImage.fromarray(np.ascontiguousarray(pixels)).save(file, "WEBP", exact=True, **options)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _encoded(row: Row, pixels: Image, folders: Sequence[Path]) -> bytes:
    for folder in folders:
        path = file_path(folder, row)
        if path.is_file():
            return path.read_bytes()
    # The configuration of two runs side by side also names the run.
    config = {key: value for key, value in row["config"].items() if key != "run"}
    coder = open_coder(CodecSpec(row["codec"], config), pixels)
    return coder.encode(row["target_bytes"])[0]


def _explained(row: Row, data: bytes) -> dict[str, str]:
    """Picture of what a file is made of, for formats that have more to show than a mosaic."""
    if row["codec"].split("-")[0] not in EXPLAINED:
        return {}
    panels = api.show(data)[1:]
    if not panels:  # a file that holds nothing yet
        return {}
    title, panel = panels[0]
    return {"about": title, "explained": uri(panel, exact=False)}


def _figures(row: Row, names: Sequence[str]) -> list[dict[str, str]]:
    """Measures in words, as the page prints them."""
    figures = []
    for name in names:
        what = get_metric(name)
        value = row.get(name)
        text = "none" if value is None else f"{value:.{what.digits}f} {what.unit}".strip()
        figures.append({"name": what.label, "value": text})
    return figures


def _view(
    row: Row, label: str, pixels: Image, names: Sequence[str], folders: Sequence[Path]
) -> dict[str, Any]:
    """One codec on one picture at one budget."""
    view: dict[str, Any] = {"codec": label, "limit": row["target_bytes"]}
    if row["status"] != "ok":
        smallest = row["smallest_bytes"]
        view["missing"] = (
            f"budget not reached: the smallest file has {smallest} bytes"
            if row["status"] == "unreachable" and smallest
            else "budget not reached"
            if row["status"] == "unreachable"
            else f"failed: {row['message']}"
        )
        return view
    try:
        data = _encoded(row, pixels, folders)
        coder = open_coder(CodecSpec(row["codec"]), pixels)
        decoded = coder.decode(data)
    except FractourError as error:
        return {**view, "missing": f"cannot be shown: {error}"}
    if pixel_sha256(decoded) != row["pixels_sha256"]:
        # Encoded again by another version: the row's measures are those of another picture.
        row = {**row, **measure(pixels, decoded, names), "bits": coder.spent(data)["bits"]}
    total = 8 * len(data)
    bits = [
        {"kind": kind, "share": 100 * (value or 0.0) / total}
        for kind, value in row["bits"].items()
        if value and 100 * value / total >= _LEAST_SHARE
    ]
    return {
        **view,
        "bytes": len(data),
        "bpp": round(total / (row["width"] * row["height"]), 4),
        "figures": _figures(row, names),
        "bits": bits,
        "source": uri(decoded if decoded.ndim == 3 and decoded.shape[2] > 2 else rgb(decoded)),
        **_explained(row, data),
    }


def gallery(
    results: Results,
    images: Sequence[Any],
    metrics: Sequence[str],
    folders: Sequence[Path],
    *,
    bpps: Sequence[float] | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[dict[str, Any]]:
    """Collect what the viewer shows.

    Parameters
    ----------
    results : Results
    images : sequence of CorpusImage
        Those of which there is no row are left out.
    metrics : sequence of str
        Measures to print under each picture.
    folders : sequence of Path
        Folders of runs, searched for encoded files.
    bpps : sequence of float, optional
        Budgets; all of the rows by default.
    progress : callable, optional
        Called with the fraction of pictures done.

    Returns
    -------
    list of dict
        JSON-serialisable, one per picture: name, size, original, and per budget one view per
        codec.
    """
    wanted = [bpp for bpp in results.bpps if bpps is None or bpp in bpps]
    shown = [image for image in images if image.name in results.images]
    steps, done = len(shown) * len(wanted), 0
    pictures = []
    for image in shown:
        pixels = image.load()
        budgets = []
        for bpp in wanted:
            rows = [r for r in results.rows if (r["image"], r["target_bpp"]) == (image.name, bpp)]
            views = [
                _view(row, named(results.labels[codec_key(row)]), pixels, metrics, folders)
                for row in rows
            ]
            budgets.append({"bpp": bpp, "views": views})
            done += 1
            if progress is not None:
                progress(done / steps)
        original = pixels if pixels.ndim == 3 and pixels.shape[2] > 2 else rgb(pixels)
        pictures.append(
            {
                "name": image.name,
                "width": pixels.shape[1],
                "height": pixels.shape[0],
                "original": uri(original),
                "budgets": budgets,
            }
        )
    return pictures


def named(label: str) -> str:
    """Name of a codec for people: anchors have one of their own."""
    return ANCHORS[label].label if label in ANCHORS else label
