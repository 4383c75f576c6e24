"""Rate-distortion plots: one line per codec, labelled at its end, PNG and SVG.

matplotlib is an extra (``report``) and loads on first use. The object interface is used, not
pyplot: no global state, no window.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..shared.errors import BackendUnavailableError, FractourError
from .anchors import ANCHORS
from .metrics import Metric, get_metric
from .rowset import Results
from .store import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers; yellow is too pale for a line.
_OWN = ("#D55E00", "#0072B2", "#CC79A7", "#000000")
_ANCHOR_STYLE = {
    "jpeg": ("#999999", "s"),
    "jpeg2000": ("#009E73", "D"),
    "webp": ("#56B4E9", "^"),
    "avif": ("#E69F00", "v"),
    "avif-iq": ("#8C6D1F", "<"),
}
_INK = "#333333"
_LABEL_GAP = 0.048  # least distance of two labels, share of the height of a panel


class PlotError(FractourError, ValueError):
    """The rows hold nothing that can be drawn."""


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        message = "plots need matplotlib: pip install 'fractour[report]'"
        raise BackendUnavailableError(message) from error
    return matplotlib


def curves(results: Results, metric: str) -> dict[str, list[tuple[float, float]]]:
    """Mean curves of a metric: codec to points (mean real bpp, mean value).

    A point is drawn only where the codec reached the budget on every image; a mean over the
    easy images alone would stand too high.
    """
    total = len(results.images)
    found = {}
    for codec in results.codecs:
        points = []
        for bpp in results.bpps:
            values = results.values(codec, bpp, metric)
            if len(values) == total:
                rates = results.values(codec, bpp, "bpp")
                mean = math.fsum(rates.values()) / total
                points.append((mean, math.fsum(values.values()) / total))
        if points:
            found[codec] = sorted(points)
    return found


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move labels apart until neighbours are at least `gap` from each other, order kept."""
    order = sorted(range(len(heights)), key=lambda at: heights[at])
    groups: list[tuple[float, list[int]]] = []  # centre, members from low to high
    for at in order:
        centre, members = heights[at], [at]
        while groups:
            below, others = groups[-1]
            reach = gap * (len(others) + len(members)) / 2
            if centre - below >= reach:
                break
            groups.pop()
            joined = [*others, *members]
            centre = (below * len(others) + centre * len(members)) / len(joined)
            members = joined
        groups.append((centre, members))
    placed = [0.0] * len(heights)
    for centre, members in groups:
        for rank, at in enumerate(members):
            placed[at] = centre + gap * (rank - (len(members) - 1) / 2)
    return placed


def _style(codec: str, own: Sequence[str]) -> dict[str, Any]:
    if codec in _ANCHOR_STYLE:
        color, marker = _ANCHOR_STYLE[codec]
        return {"color": color, "marker": marker, "linewidth": 1.3, "markersize": 4.6, "zorder": 2}
    at = own.index(codec)
    return {
        "color": _OWN[at % len(_OWN)],
        "marker": "o",
        "linewidth": 2.4,
        "markersize": 5,
        "zorder": 3,
        "linestyle": ("-", "--", ":")[at // len(_OWN) % 3],
    }


def _ticks(axes: Axes, bpps: Sequence[float], what: Metric, label: str) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    axes.set_xscale("log")
    # Budgets closer than a fifth of an octave would print over each other.
    shown: list[float] = []
    for bpp in bpps:
        if not shown or bpp / shown[-1] > 1.3:
            shown.append(bpp)
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{bpp:g}" for bpp in shown]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(labelsize=9)
    if what.scale_label:
        # Drawn on the scale where differences are even, labelled with the metric itself.
        low, high = axes.get_ylim()
        marks = [mark for mark in what.ticks if low <= what.scale(mark) <= high]
        if len(marks) >= 2:
            axes.yaxis.set_major_locator(FixedLocator([what.scale(mark) for mark in marks]))
            axes.yaxis.set_major_formatter(FixedFormatter([f"{mark:g}" for mark in marks]))
        else:
            label = what.scale_label
    axes.set_xlabel("bits per pixel of the whole file")
    axes.set_title(label, loc="left", fontsize=11, color=_INK)


def _panel(axes: Axes, results: Results, metric: str) -> None:
    what = get_metric(metric)
    found = curves(results, metric)
    own = [codec for codec in results.codecs if codec not in _ANCHOR_STYLE]
    ends = []
    for codec, points in found.items():
        drawn = [(bpp, what.scale(value)) for bpp, value in points]
        drawn = [point for point in drawn if math.isfinite(point[1])]
        if not drawn:
            continue
        style = _style(codec, own)
        axes.plot(*zip(*drawn, strict=True), markeredgecolor="white", markeredgewidth=0.6, **style)
        ends.append((codec, drawn[-1], style))
    if not ends:
        axes.text(0.5, 0.5, "no budget is reached on all images", ha="center", color=_INK)
        axes.set_axis_off()
        return
    unit = f" ({what.unit})" if what.unit else ""
    _ticks(axes, results.bpps, what, what.label + unit)
    axes.grid(visible=True, color="#E4E4E4", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    low, high = axes.get_ylim()
    heights = [(point[1] - low) / (high - low) for _, point, _ in ends]
    for (codec, point, style), height in zip(ends, _spread(heights, _LABEL_GAP), strict=True):
        # A thin leader joins a label that had to move, or a line that ends early.
        axes.annotate(
            ANCHORS[codec].label if codec in ANCHORS else codec,
            xy=point,
            xytext=(1.03, height),
            textcoords="axes fraction",
            color=style["color"],
            fontsize=10,
            fontweight="bold" if codec in own else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": style["color"],
                "linewidth": 0.5,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 3,
            },
        )


def rd_figure(
    rows: Iterable[Row],
    *,
    metrics: Sequence[str] = ("psnr_rgb", "smart", "ms_ssim"),
    title: str = "",
) -> Figure:
    """Draw quality over bits per pixel (logarithmic), one panel per metric.

    Parameters
    ----------
    rows : iterable of dict
        Result rows.
    metrics : sequence of str
        Those without any value are left out.
    title : str
        Name of the corpus, for example.

    Raises
    ------
    BackendUnavailableError
        If matplotlib is missing.
    PlotError
        If no codec reaches any budget on all images.
    """
    matplotlib = _matplotlib()
    from matplotlib.figure import Figure

    results = Results(rows)
    drawable = [metric for metric in metrics if curves(results, metric)]
    if not drawable:
        message = "nothing to plot: no codec reaches any budget on all images"
        raise PlotError(message)
    settings = {
        "font.size": 10,
        "axes.edgecolor": "#888888",
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(6.4 * len(drawable), 4.7), layout="constrained")
        for axes, metric in zip(
            figure.subplots(1, len(drawable), squeeze=False)[0], drawable, strict=True
        ):
            _panel(axes, results, metric)
        n = len(results.images)
        heading = f"{title}, " if title else ""
        figure.suptitle(
            f"{heading}mean over {n} image{'s' * (n != 1)} at equal bytes",
            x=0.01,
            ha="left",
            fontsize=12,
            fontweight="bold",
            color=_INK,
        )
        figure.supxlabel(
            "A point is drawn where the codec reaches the budget on every image.",
            x=0.01,
            ha="left",
            fontsize=8.5,
            color="#777777",
        )
    return figure


def save_rd_plot(
    rows: Iterable[Row],
    base: str | os.PathLike[str],
    *,
    metrics: Sequence[str] = ("psnr_rgb", "smart", "ms_ssim"),
    title: str = "",
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Write the plot; the same rows give the same bytes.

    Parameters
    ----------
    base : path
        Without ending; ``.png`` and ``.svg`` are added.

    Returns
    -------
    list of Path
        The files written. Errors are those of `rd_figure`.
    """
    matplotlib = _matplotlib()
    figure = rd_figure(rows, metrics=metrics, title=title)
    paths = []
    for kind in formats:
        path = Path(f"{os.fspath(base)}.{kind}")
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with matplotlib.rc_context({"svg.hashsalt": "fractour"}):
            figure.savefig(path, dpi=150, metadata=metadata)
        paths.append(path)
    return paths
