"""The command ``train``: an encoder network, from a corpus to weights."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Json, SkipBroken, complete_codec, complete_corpus
from .output import UsageError, print_json, say
from .several import read_corpus

if TYPE_CHECKING:
    from ...shared.training.loop import Report


class LossName(StrEnum):
    """What decoded pictures are judged by."""

    SMART = "smart"
    MSE = "mse"
    MS_SSIM = "ms-ssim"


class WeightingName(StrEnum):
    """How budgets weigh against each other."""

    REACHABLE = "reachable"
    INVERSE = "inverse"
    NONE = "none"


def _range(text: str) -> tuple[float, float]:
    try:
        low, _, high = text.partition(":")
        bounds = float(low), float(high or low)
    except ValueError:
        bounds = (0.0, 0.0)
    if not 0 < bounds[0] <= bounds[1] < 1000:
        message = f"--budgets takes LOW:HIGH in bits per pixel, or one number, not {text!r}"
        raise UsageError(message)
    return bounds


def train(
    codec: Annotated[
        str,
        typer.Argument(metavar="CODEC", help="See fractour codecs.", autocompletion=complete_codec),
    ],
    corpus: Annotated[
        str,
        typer.Option(
            metavar="NAME|DIR", help="Pictures to train on.", autocompletion=complete_corpus
        ),
    ] = "default",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Checkpoint, weights, log.jsonl.  [default: runs/CODEC]"),
    ] = None,
    loss: Annotated[LossName, typer.Option(help="The error.")] = LossName.SMART,
    weighting: Annotated[
        WeightingName, typer.Option(help="Of errors at different budgets.")
    ] = WeightingName.REACHABLE,
    budgets: Annotated[
        str, typer.Option(metavar="LOW:HIGH", help="Bits per pixel, drawn log-uniformly.")
    ] = "0.02:1.0",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Steps in all.")] = 2000,
    alone: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of them first, with the teacher alone.")
    ] = 800,
    pictures: Annotated[int, typer.Option(min=1, metavar="N", help="Crops a step.")] = 4,
    each: Annotated[int, typer.Option(min=1, metavar="N", help="Budgets a crop.")] = 3,
    size: Annotated[int, typer.Option(min=64, metavar="N", help="Side of crops, 64 k.")] = 128,
    rate: Annotated[float, typer.Option(metavar="X", help="Learning rate.")] = 2e-3,
    distill: Annotated[
        float, typer.Option(min=0.0, metavar="X", help="Weight of the teacher.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    start: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to begin with.")
    ] = None,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, metavar="N", help="GPUs, or processes.")] = 1,
    precision: Annotated[str, typer.Option(help="Of Lightning Fabric.")] = "32-true",
    skip_broken: SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Train a codec's encoder network; needs fractour[train].

    Use the result with FRACTOUR_WEIGHTS=DIR fractour encode --encoder network.
    """
    low, high = _range(budgets)
    if size % 64:
        message = f"--size takes a multiple of 64, not {size}"
        raise UsageError(message)
    from ...shared.errors import BackendUnavailableError, UnknownCodecError
    from ...shared.registry import get_codec

    try:
        if get_codec(codec).network is None:
            message = f"codec {codec!r} has no encoder network; see fractour codecs"
            raise UsageError(message)
    except UnknownCodecError as error:
        raise UsageError(str(error)) from error
    try:
        from ...shared.training.loop import Recipe
        from ...shared.training.loop import train as run
    except ImportError as error:
        message = f"training needs {error.name}: pip install 'fractour[train]'"
        raise BackendUnavailableError(message) from error
    import numpy as np

    from ...corpora.catalog import open_corpus
    from ...shared.picture.raster import as_colour

    recipe = Recipe(
        codec, loss.value, weighting.value, low, high, each, pictures, size, steps, rate,
        seed=seed, distill=distill, alone=alone,
    )  # fmt: skip
    opened = read_corpus(open_corpus(corpus), skip_broken=skip_broken)
    images = [np.ascontiguousarray(as_colour(image.load())) for image in opened.images]
    folder = out or Path("runs") / codec
    with _shown(recipe.steps, pictures * each) as report:
        weights = run(
            recipe,
            images,
            folder,
            corpus_sha256=opened.checksum,
            resume=resume,
            start=start,
            devices=devices,
            accelerator=accelerator,
            precision=precision,
            report=report if devices == 1 else None,
        )
    if as_json:
        log = folder / "log.jsonl"
        lines = log.read_text("utf-8").splitlines()
        told = {"codec": codec, "corpus": opened.name, "weights": str(weights), "log": str(log)}
        print_json(told | {"last": json.loads(lines[-1]) if lines else None})
    say(f"weights: {weights}; use them with FRACTOUR_WEIGHTS={folder}")


@contextmanager
def _shown(steps: int, samples: int) -> Iterator[Callable[[Report], None]]:
    """Show a bar with loss, PSNR and pace on a terminal; elsewhere a line now and then."""
    from ...shared.training.loop import REPORTED_BPP

    began = time.monotonic()
    first: list[int] = []
    seen: dict[float, float] = {}

    def words(report: Report) -> list[str]:
        first[:] = first or [report.step - 1]
        pace = samples * (report.step - first[0]) / max(time.monotonic() - began, 1e-9)
        for bpp, value in zip(REPORTED_BPP, report.psnr, strict=True):
            if not math.isnan(value):
                seen[bpp] = value if bpp not in seen else 0.95 * seen[bpp] + 0.05 * value
        quality = " ".join(f"{value:.2f} dB at {bpp}" for bpp, value in sorted(seen.items()))
        first_words = [f"loss {report.loss:.4f}", f"error x {report.relative:.3f}"]
        return [*first_words, f"{pace:.1f} pictures/s", *([quality] if quality else [])]

    if not sys.stderr.isatty():
        every = max(1, steps // 50)

        def line(report: Report) -> None:
            text = "  ".join(words(report))
            if report.step % every == 0 or report.step == steps:
                say(f"step {report.step} of {steps}  {text}")

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns: tuple[Any, ...] = (
        BarColumn(20), MofNCompleteColumn(), Remaining(), TextColumn("{task.description}"),
    )  # fmt: skip
    # Bar, spaces and time left take 31; a bar that has to give way to words shows nothing.
    room = console.width - 31 - len(f"{steps}/{steps}")
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=steps)
        yield lambda report: bar.update(
            task, completed=report.step, description=fitting(words(report), room)
        )


def fitting(words: list[str], room: int) -> str:
    """Join as many words, the first ones, as fit into a line of `room` characters."""
    text = ""
    for word in words:
        longer = f"{text}  {word}" if text else word
        if len(longer) > room:
            break
        text = longer
    return text
