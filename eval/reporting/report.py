"""A run as one HTML file: plot, tables, crops side by side, provenance. Nothing is loaded."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared.errors import BackendUnavailableError, BudgetError
from ..judging.metrics import luma, psnr_rgb
from ..measuring.anchors import ANCHORS
from ..measuring.measure import CodecSpec, open_coder
from ..measuring.store import Run
from .summary import all_tables

Image = npt.NDArray[np.uint8]
CROP = 128


@dataclass(frozen=True)
class Crop:
    """A part of one picture.

    Parameters
    ----------
    label, caption : str
    source : str
        PNG as a data URI.
    """

    label: str
    caption: str
    source: str


@dataclass(frozen=True)
class Strip:
    """The same part of one image under every codec.

    Parameters
    ----------
    image : str
    bpp : float
        Budget.
    crops : tuple of Crop
        The original first.
    """

    image: str
    bpp: float
    crops: tuple[Crop, ...]


def busiest(image: Image, size: int = CROP) -> tuple[slice, slice]:
    """Return the square with the most detail: the median block variance decides, not one edge.

    Parameters
    ----------
    image : (H, W) or (H, W, C) uint8
    size : int
        Side in pixels; less where the image is smaller.
    """
    plane = luma(image)
    height, width = (min(size, side) for side in plane.shape)
    best, where = -1.0, (0, 0)
    for top in range(0, plane.shape[0] - height + 1, 32):
        for left in range(0, plane.shape[1] - width + 1, 32):
            part = plane[top : top + height, left : left + width]
            detail = float(np.median(np.abs(np.diff(part, axis=1)))) if width > 1 else 0.0
            if detail > best:
                best, where = detail, (top, left)
    return slice(where[0], where[0] + height), slice(where[1], where[1] + width)


def _uri(pixels: Image) -> str:
    from PIL import Image as PILImage

    file = io.BytesIO()
    PILImage.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def make_strip(image: Any, specs: Sequence[CodecSpec], bpp: float) -> Strip:
    """Encode an image with every codec again and cut out its busiest part.

    Parameters
    ----------
    image : CorpusImage
    specs : sequence of CodecSpec
        A codec that does not reach the budget is left out.
    bpp : float
    """
    pixels = image.load()
    limit = int(bpp * pixels.shape[0] * pixels.shape[1] / 8)
    where = busiest(pixels)
    crops = [Crop("original", f"{pixels.shape[1]} x {pixels.shape[0]}", _uri(pixels[where]))]
    for spec in specs:
        coder = open_coder(spec, pixels)
        try:
            data = coder.encode(limit)[0]
        except BudgetError:
            continue
        decoded = coder.decode(data)
        label = ANCHORS[spec.codec].label if spec.codec in ANCHORS else spec.label
        caption = f"{len(data)} bytes, {psnr_rgb(pixels, decoded):.2f} dB"
        crops.append(Crop(label, caption, _uri(decoded[where])))
    return Strip(image.name, bpp, tuple(crops))


def write_report(
    run: Run,
    path: str | os.PathLike[str],
    *,
    images: Sequence[Any] = (),
    bpp: float = 0.1,
    anchor: str = "jpeg2000",
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Write a run as one self-contained HTML file.

    Parameters
    ----------
    run : Run
    path : path
    images : sequence of CorpusImage
        Those to show side by side; they are encoded again.
    bpp : float
        Budget of the pictures.
    anchor : str
        Codec that differences and BD-rates refer to.
    progress : callable, optional
        Called with the fraction of pictures done.

    Raises
    ------
    BackendUnavailableError
        If jinja2 is missing.
    """
    try:
        import jinja2
    except ImportError as error:
        message = "the report needs jinja2: pip install 'fractour[report]'"
        raise BackendUnavailableError(message) from error
    specs = [CodecSpec(entry["codec"], entry["config"]) for entry in run.meta["codecs"]]
    strips = []
    for at, image in enumerate(images):
        strips.append(make_strip(image, specs, bpp))
        if progress is not None:
            progress((at + 1) / len(images))
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    template = Path(__file__).parent / "templates" / "report.html"
    html = environment.from_string(template.read_text(encoding="utf-8")).render(
        title=f"fractour compare, {run.meta['corpus']['name']}",
        meta=run.meta,
        tables=all_tables(run.rows, anchor=anchor, seed=run.meta["seed"]),
        strips=strips,
        plot=_plot(run),
    )
    target = Path(path)
    target.write_text(html, encoding="utf-8")
    return target


def _plot(run: Run) -> Any:
    """Return the plot as inline SVG; empty if nothing can be drawn."""
    from markupsafe import Markup

    from .plots import PlotError, rd_figure

    try:
        figure = rd_figure(run.rows)
    except PlotError:
        return ""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return Markup(text[text.index("<svg") :])
