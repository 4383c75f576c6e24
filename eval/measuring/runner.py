"""Run a comparison: images x codecs x budgets, resumable, one row per result.

A run is a folder with ``run.json`` (what was run, with what, on what) and ``rows.jsonl``, one
row per image, codec and budget, appended as each is finished. Starting the same run again
measures only what is missing, so an interrupted one loses nothing that was finished.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...corpora.images import pixel_sha256
from ...shared.errors import FractourError
from ..judging.metrics import JUDGES, METRICS, get_metric
from .measure import CodecSpec, Task, measure_task
from .provenance import environment, now
from .running.cluster import run_cluster
from .running.pool import Activity, run_pool, shared_cores
from .running.warming import compilations
from .store import (
    ROWS_FILE,
    RUN_FILE,
    SCHEMA,
    Row,
    RowLog,
    Run,
    RunError,
    codec_key,
    keep_file,
    latest,
    load_run,
    ordered,
    row_key,
    write_json,
)

Progress = Callable[[int, int, Row], None]
"""Called with rows done, rows in all (those of an earlier start included) and the new row."""


class CorpusImage(Protocol):
    """What a run needs of an image."""

    name: str

    def load(self) -> npt.NDArray[np.uint8]:
        """Return (H, W) or (H, W, C) uint8."""

    @property
    def sha256(self) -> str:
        """Hash of the pixels, see `corpora.images.pixel_sha256`."""


@dataclass(frozen=True)
class ArrayImage:
    """An image that is already in memory.

    Parameters
    ----------
    name : str
    pixels : (H, W) or (H, W, C) uint8
    """

    name: str
    pixels: npt.NDArray[np.uint8]

    def load(self) -> npt.NDArray[np.uint8]:
        """Return the pixels."""
        return self.pixels

    @property
    def sha256(self) -> str:
        """Hash of the pixels."""
        return pixel_sha256(self.pixels)


def _union(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    result: list[Any] = []
    for item in (*first, *second):
        if item not in result:
            result.append(item)
    return result


def _describe(
    earlier: dict[str, Any] | None,
    corpus: dict[str, Any],
    codecs: Sequence[CodecSpec],
    bpps: Sequence[float],
    metrics: Sequence[str],
    command: list[str] | None,
) -> dict[str, Any]:
    """Build ``run.json``; a folder that is continued keeps the codecs and budgets it had."""
    started = now()
    described = [
        {"codec": c.codec, "version": c.version, "config": c.config, "settings": c.settings}
        for c in codecs
    ]
    measured = [
        {"name": name, "implementation": get_metric(name).implementation} for name in metrics
    ]
    before = earlier or {"created": started, "codecs": [], "bpps": [], "metrics": []}
    # Of a codec that is run again in another version only the new one counts, see `load_run`.
    renewed = {codec_key(entry) for entry in described}
    kept = [e for e in before["codecs"] if e in described or codec_key(e) not in renewed]
    return {
        "schema": SCHEMA,
        "created": before["created"],
        "updated": started,
        "finished": None,
        **environment(command),
        "corpus": corpus,
        "codecs": _union(kept, described),
        "bpps": sorted({*before["bpps"], *bpps}),
        "metrics": _union(before["metrics"], measured),
    }


def _described_corpus(corpus: Any, images: Sequence[CorpusImage]) -> dict[str, Any]:
    names = [image.name for image in images]
    if len(set(names)) < len(names):
        message = "two images of the corpus share a name"
        raise FractourError(message)
    # What `corpora.Corpus.checksum` gives, so that a list of images has one too.
    lines = "".join(f"{image.name} {image.sha256}\n" for image in images)
    return {
        "name": getattr(corpus, "name", "images"),
        **({"opened": opened} if (opened := getattr(corpus, "opened", "")) else {}),
        "n_images": len(names),
        "checksum": hashlib.sha256(lines.encode()).hexdigest(),
        "images": names,
    }


def run(
    corpus: Any,
    codecs: Sequence[CodecSpec | str],
    bpps: Sequence[float],
    folder: str | os.PathLike[str],
    *,
    metrics: Sequence[str] | None = None,
    jobs: int = 1,
    seed: int = 0,
    fresh: bool = False,
    repeats: int = 3,
    command: list[str] | None = None,
    progress: Progress | None = None,
    activity: Activity | None = None,
    cluster: str | None = None,
) -> Run:
    """Compare codecs on the same images at the same numbers of bytes.

    Parameters
    ----------
    corpus : Corpus or iterable of CorpusImage
        Anything with ``images`` and ``name``, or images alone.
    codecs : sequence of CodecSpec or str
        Strings are read by `CodecSpec.parse`.
    bpps : sequence of float
        Budgets, bits per pixel of the whole file; ``floor(bpp * H * W / 8)`` bytes.
    folder : path
        Made if missing; a run over the same images in it is continued.
    metrics : sequence of str, optional
        All of `metrics.METRICS` by default; `metrics.JUDGES` only where named.
    jobs : int
        Processes. More jobs than cores blur the times.
    seed : int
        Kept for the bootstrap of the tables; measuring is deterministic.
    fresh : bool
        Forget earlier rows in the folder.
    repeats : int
        Decodings, of whose wall times the median is kept.
    command : list of str, optional
        For ``run.json``; ``sys.argv`` by default.
    progress : callable, optional
        See `Progress`.
    activity : callable, optional
        Told in words what goes on while no row is finished, such as a kernel that is compiled.
    cluster : str, optional
        Address of a Dask scheduler, or ``local:N``, that measures instead of `jobs` processes.

    Returns
    -------
    Run
        With the rows of this request only; `load_run` gives all that the folder holds.

    Raises
    ------
    RunError
        If the folder holds a run over other images, or a worker died.
    FractourError
        If a codec, metric or budget makes no sense.
    """
    specs = [CodecSpec.parse(codec) if isinstance(codec, str) else codec for codec in codecs]
    for name in metrics or ():
        get_metric(name)
    wished = METRICS if metrics is None else metrics
    names = [name for name in (*METRICS, *JUDGES) if name in wished]
    images: list[CorpusImage] = list(getattr(corpus, "images", corpus))
    bpps = sorted(set(map(float, bpps)))
    if not (specs and bpps and images) or jobs < 1 or not all(0 < bpp < 1000 for bpp in bpps):
        message = "a run needs at least one image, codec, positive budget (bpp) and job"
        raise FractourError(message)
    described = _described_corpus(corpus, images)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    if (target / ROWS_FILE).exists() and not (target / RUN_FILE).exists() and not fresh:
        message = f"{target} holds {ROWS_FILE} without {RUN_FILE}; choose another folder"
        raise RunError(message)
    earlier = load_run(target) if (target / RUN_FILE).exists() and not fresh else None
    if earlier and earlier.meta["corpus"]["checksum"] != described["checksum"]:
        message = (
            f"{target} holds a run over other images ({earlier.meta['corpus']['name']}); "
            "choose another folder, or forget it with fresh=True (--fresh)"
        )
        raise RunError(message)
    meta = _describe(earlier.meta if earlier else None, described, specs, bpps, names, command) | {
        "seed": seed,
        "jobs": jobs,
        "timing": {"encode": "one call; an anchor's search excluded", "decode_repeats": repeats},
    }
    if earlier is None:
        (target / ROWS_FILE).unlink(missing_ok=True)
    write_json(target / RUN_FILE, meta)

    # Errors are tried again; so are rows that lack a metric that is asked for now.
    have = {
        key
        for key, row in latest(earlier.rows if earlier else ()).items()
        if row["status"] != "error" and set(names) <= set(row)
    }
    wanted: set[str] = set()
    plan: list[tuple[CorpusImage, CodecSpec, list[float]]] = []
    for image in images:
        for spec in specs:
            keys = {bpp: row_key(spec.identity(image.name, image.sha256, bpp)) for bpp in bpps}
            wanted.update(keys.values())
            if missing := [bpp for bpp, key in keys.items() if key not in have]:
                plan.append((image, spec, missing))

    loaded: tuple[CorpusImage, npt.NDArray[np.uint8]] | None = None

    def task_of(image: CorpusImage, spec: CodecSpec, missing: list[float]) -> Task:
        nonlocal loaded
        if loaded is None or loaded[0] is not image:
            loaded = (image, image.load())
        return Task(
            image.name,
            image.sha256,
            loaded[1],
            spec,
            missing,
            names,
            repeats,
            meta["updated"],
            jobs,
        )

    tell = activity or (lambda _: None)
    done, total = len(wanted & have), len(wanted)
    with RowLog(target / ROWS_FILE) as log:

        def record(row: Row) -> None:
            nonlocal done
            keep_file(target, row)
            log.append(row)
            done += 1
            if progress is not None:
                progress(done, total, row)

        if cluster is not None:
            run_cluster(plan, task_of, cluster, record, tell)
        elif jobs > 1:
            with shared_cores(jobs):
                run_pool(plan, task_of, jobs, record, tell)
        else:
            with compilations(lambda kernel: tell(f"compiling {kernel}")):
                for entry in plan:
                    for row in measure_task(task_of(*entry)):
                        record(row)
    meta["finished"] = now()
    write_json(target / RUN_FILE, meta)
    rows = latest(load_run(target).rows)
    return Run(target, meta, ordered(meta, [row for key, row in rows.items() if key in wanted]))
