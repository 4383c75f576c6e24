"""Plots of a comparison, PNG and SVG: quality over rate, and over the time of encoders.

matplotlib is an extra (``report``) and loads on first use. The object interface is used, not
pyplot: no global state, no window.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...shared.errors import BackendUnavailableError, FractourError
from ..judging.metrics import Metric, get_metric
from ..measuring.anchors import ANCHORS
from ..measuring.encoders import encoders_by_format
from ..measuring.rowset import Results
from ..measuring.store import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito's colours, told apart by colour-blind readers; yellow is too pale for a line.
_OWN = ("#D55E00", "#0072B2", "#CC79A7", "#000000")
_ANCHOR_STYLE = {
    "jpeg": ("#999999", "s"),
    "jpeg2000": ("#009E73", "D"),
    "webp": ("#56B4E9", "^"),
    "avif": ("#E69F00", "v"),
    "avif-iq": ("#8C6D1F", "<"),
}
_ENCODER_MARKERS = {"search": "o", "network": "^", "network+refine": "D"}
_INK = "#333333"
_SETTINGS = {
    "font.size": 10,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
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


def _frame(figure: Figure, results: Results, title: str, remark: str) -> None:
    """Write what the figure is of above it, and how to read it below."""
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
    figure.supxlabel(remark, x=0.01, ha="left", fontsize=8.5, color="#777777")


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
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(6.4 * len(drawable), 4.7), layout="constrained")
        for axes, metric in zip(
            figure.subplots(1, len(drawable), squeeze=False)[0], drawable, strict=True
        ):
            _panel(axes, results, metric)
        _frame(
            figure,
            results,
            title,
            "A point is drawn where the codec reaches the budget on every image.",
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
    return _save(rd_figure(rows, metrics=metrics, title=title), base, formats)


def time_points(results: Results, label: str, metric: str) -> dict[float, tuple[float, float]]:
    """Points of one encoder of one format: budget to (median encode seconds, mean value).

    Only of budgets that it reached on every image, as in `curves`.
    """
    found = {}
    for bpp in results.bpps:
        values = results.values(label, bpp, metric)
        seconds = results.values(label, bpp, "encode_s")
        if len(values) == len(seconds) == len(results.images):
            mean = math.fsum(values.values()) / len(values)
            found[bpp] = (statistics.median(seconds.values()), mean)
    return {bpp: point for bpp, point in found.items() if min(point) > 0}


def _time_lines(
    axes: Axes, at: int, name: str, ways: dict[str, dict[float, tuple[float, float]]]
) -> Line2D:
    """Draw the encoders of format number `at`; return what stands for it in the legend."""
    from matplotlib.lines import Line2D

    color = _OWN[at % len(_OWN)]
    style: dict[str, Any] = {
        "color": color,
        "linewidth": 0.8,
        "linestyle": ("-", "--", ":")[at // len(_OWN) % 3],
    }
    for way, points in ways.items():
        marker = _ENCODER_MARKERS.get(way, "s")
        axes.plot(
            *zip(*points.values(), strict=True), marker=marker, label=f"{name}, {way}", **style
        )
    slowest = max(ways.values(), key=lambda points: max(x for x, _ in points.values()), default={})
    for bpp, point in slowest.items():
        place = {"xytext": (5, 3), "textcoords": "offset points"}
        axes.annotate(f"{bpp:g}", point, fontsize=7.5, color=color, **place)
    return Line2D([], [], label=name, **style)


def time_figure(rows: Iterable[Row], *, metric: str = "smart", title: str = "") -> Figure:
    """Draw an error over the time to encode, both logarithmic: lower left is better.

    One point per format, encoder and budget; a line joins those of one format and encoder. The
    budgets are written at the slowest encoder of each format.

    Parameters
    ----------
    rows : iterable of dict
        Result rows.
    metric : str
        One of which smaller values are better.
    title : str
        Name of the corpus, for example.

    Raises
    ------
    BackendUnavailableError
        If matplotlib is missing.
    PlotError
        If no format was filled by several encoders, or none reaches any budget on all images.
    """
    matplotlib = _matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import StrMethodFormatter

    results = Results(rows)
    formats = {
        name: {
            way: points
            for way, label in ways.items()
            if (points := time_points(results, label, metric))
        }
        for name, ways in encoders_by_format(results).items()
    }
    if not any(formats.values()):
        message = "nothing to plot: no encoder reaches any budget on all images"
        raise PlotError(message)
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(7.6, 5.2), layout="constrained")
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlabel="median seconds to encode a picture")
        axes.set_title(f"{get_metric(metric).label} (smaller is better)", loc="left", fontsize=11)
        keys = [
            _time_lines(axes, at, name, ways) for at, (name, ways) in enumerate(formats.items())
        ]
        for way in dict.fromkeys(way for ways in formats.values() for way in ways):
            marker = _ENCODER_MARKERS.get(way, "s")
            keys.append(Line2D([], [], label=way, color=_INK, linestyle="", marker=marker))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        # On an axis of less than a decade only the minor marks have numbers.
        axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))
        figure.legend(handles=keys, loc="outside right upper", frameon=False, fontsize=9)
        axes.grid(visible=True, color="#E4E4E4", linewidth=0.7)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        _frame(
            figure,
            results,
            title,
            "Numbers: bits per pixel. A point is drawn where every image reaches the budget.",
        )
    return figure


def save_time_plot(
    rows: Iterable[Row],
    base: str | os.PathLike[str],
    *,
    metric: str = "smart",
    title: str = "",
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Write the plot of `time_figure`; parameters are those of `save_rd_plot`."""
    return _save(time_figure(rows, metric=metric, title=title), base, formats)


def _save(figure: Figure, base: str | os.PathLike[str], formats: Sequence[str]) -> list[Path]:
    matplotlib = _matplotlib()
    paths = []
    for kind in formats:
        path = Path(f"{os.fspath(base)}.{kind}")
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with matplotlib.rc_context({"svg.hashsalt": "fractour"}):
            figure.savefig(path, dpi=150, metadata=metadata)
        paths.append(path)
    return paths
