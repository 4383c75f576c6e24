"""Rows of a comparison at 32 to 500 bytes: pictures x codecs x bytes, resumable.

Every file is real and decoded again, everything is judged against the picture at full size; the
smart error at 128 pixels, which is about what a placeholder is looked at in.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from ....corpora.images import pixel_sha256
from ....shared import api
from ....shared.errors import BudgetError
from ...judging.metrics import measure
from ..measure import DEFAULTS, CodecSpec
from ..provenance import now
from ..running.pool import shared_cores
from ..running.warming import timed
from ..store import FILE, ROWS_FILE, Row, RowLog, keep_file, latest, read_rows, row_key
from .rivals import RIVALS, Candidate, rivals_here, within

Image = npt.NDArray[np.uint8]

SIZES = (32, 64, 100, 150, 237, 500)
"""Bytes: 237 is what one packet of LoRa carries."""
QUICK = ("tiles", "wavelet")
"""Ours that are measured on every picture."""
SLOW = {"contour": 8, "pifs": 4}
"""Ours that take seconds, and on how many pictures of a group they are measured."""
SMART, _SMART_SIDE, _REPEATS = "smart_128", 128, 3
METRICS = ("psnr_rgb", "ms_ssim", SMART)


class CorpusImage(Protocol):
    """What is needed of an image."""

    name: str

    def load(self) -> Image:
        """Return (H, W) or (H, W, C) uint8."""


class Task(NamedTuple):
    """One picture under one codec, all sizes that are missing."""

    image: str
    pixels: Image
    codec: str
    sizes: tuple[int, ...]
    started: str
    jobs: int


def ours() -> list[str]:
    """Names of our codecs, the quick ones first."""
    return [*QUICK, *SLOW]


def codecs_here() -> list[str]:
    """Names of all that can be measured on this machine."""
    return [*ours(), *rivals_here()]


def _config(codec: str) -> dict[str, Any]:
    return {} if codec in RIVALS else {**DEFAULTS, "compact": True}


def _version(codec: str) -> str:
    return RIVALS[codec].version() if codec in RIVALS else CodecSpec(codec, DEFAULTS).version


def identity(image: str, pixels: Image, codec: str, size: int) -> Row:
    """Return what tells a row from others, see `store.row_key`."""
    return {
        "image": image,
        "image_sha256": pixel_sha256(pixels),
        "codec": codec,
        "codec_version": _version(codec),
        "config": _config(codec),
        "target_bpp": 8 * size / (pixels.shape[0] * pixels.shape[1]),
    }


class _Ours:
    """A format of ours, without checksum: nobody else has one."""

    def __init__(self, codec: str, image: Image) -> None:
        self._codec, self._image = codec, image

    def best(self, limit: int) -> Candidate:
        data = api.encode(self._image, codec=self._codec, budget=limit, compact=True, **DEFAULTS)
        side = -(-max(self._image.shape[:2]) // int(api.info(data)["reduction"]))
        return Candidate(data, len(data), self.decode(data), None, side)

    def decode(self, data: bytes) -> Image:
        return api.decode(data).reshape(self._image.shape)


def judged(reference: Image, shown: Image) -> dict[str, float | None]:
    """Measure what is shown at full size, and the smart error at 128 pixels."""
    found = measure(reference, shown, ("psnr_rgb", "ms_ssim"))
    small = [within(x, _SMART_SIDE, PILImage.Resampling.BOX) for x in (reference, shown)]
    return found | {SMART: measure(*small, ("smart",))["smart"]}


def measure_task(task: Task) -> Iterator[Row]:
    """Yield one row per size; see ``schema/row.schema.json``.

    Three members are ours: ``counted_bytes``, what is held against the budget (of ``avif-bare``
    less the container), ``side``, the longer side of what was coded, and ``smart_128``.
    """
    coder: Any = None
    seen: dict[bytes, dict[str, float | None]] = {}
    height, width = task.pixels.shape[:2]
    for size in task.sizes:
        head = {
            **identity(task.image, task.pixels, task.codec, size),
            "width": width,
            "height": height,
            "channels": task.pixels.shape[2] if task.pixels.ndim == 3 else 1,
            "target_bytes": size,
            "started": task.started,
            "jobs": task.jobs,
            "bits": {},
            "smallest_bytes": None,
        }
        try:
            if coder is None:
                made = RIVALS[task.codec].opened if task.codec in RIVALS else None
                coder = made(task.pixels) if made else _Ours(task.codec, task.pixels)
            found, encode_s = timed(lambda coder=coder, size=size: coder.best(size))
            if found is None:
                message = f"no file of {task.codec} has {size} bytes or fewer"
                raise BudgetError(message)
            decode = [timed(lambda c=coder, f=found: c.decode(f.data))[1] for _ in range(_REPEATS)]
            if found.data not in seen:
                seen[found.data] = judged(task.pixels, found.pixels)
            body = {
                "status": "ok",
                "file_bytes": len(found.data),
                "counted_bytes": found.counted,
                "side": found.side,
                "bpp": 8 * len(found.data) / (height * width),
                "setting": found.setting,
                **seen[found.data],
                "encode_s": encode_s,
                "decode_s": statistics.median(decode),
                "bitstream_sha256": hashlib.sha256(found.data).hexdigest(),
                "pixels_sha256": pixel_sha256(found.pixels),
                "error": None,
                "message": None,
                FILE: found.data,
            }
        except Exception as error:  # one codec on one image; the others go on
            empty = ("file_bytes", "counted_bytes", "side", "bpp", "setting", *METRICS)
            empty += ("encode_s", "decode_s", "bitstream_sha256", "pixels_sha256")
            body = dict.fromkeys(empty)
            body |= {
                "status": "unreachable" if isinstance(error, BudgetError) else "error",
                "smallest_bytes": getattr(error, "smallest", None),
                "error": type(error).__name__,
                "message": str(error),
            }
        yield head | body


def _work(task: Task) -> list[Row]:
    return list(measure_task(task))


def _plan(
    groups: dict[str, list[CorpusImage]], codecs: Sequence[str], sizes: Sequence[int]
) -> Iterator[tuple[CorpusImage, str]]:
    """Pairs to measure, the slow ones first: a pool should not wait for one of them at the end."""
    for codec in sorted(codecs, key=lambda name: (name not in SLOW, codecs.index(name))):
        for images in groups.values():
            for image in images[: SLOW.get(codec)]:
                yield image, codec


def run_tiny(
    groups: dict[str, list[Any]],
    folder: Path,
    *,
    codecs: Sequence[str] | None = None,
    sizes: Sequence[int] = SIZES,
    jobs: int = 1,
    fresh: bool = False,
    progress: Callable[[float], None] | None = None,
) -> list[Row]:
    """Measure every picture with every codec at every size; go on where an earlier run stopped.

    Parameters
    ----------
    groups : dict of str to list of CorpusImage
        As `at_target.groups_of` makes them.
    folder : Path
        Rows are appended to its ``rows.jsonl``, files kept in ``files``.
    codecs : sequence of str, optional
        All that are here by default.
    sizes : sequence of int
        Bytes.
    jobs : int
        Processes.
    fresh : bool
        Forget earlier rows.
    progress : callable, optional
        Called with the part that is done.

    Returns
    -------
    list of dict
        Rows of this request, by codec, picture and size.
    """
    codecs, started = list(codecs or codecs_here()), now()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ROWS_FILE
    if fresh:
        path.unlink(missing_ok=True)
    have = latest(read_rows(path)) if path.exists() else {}
    have = {key: row for key, row in have.items() if row["status"] != "error"}
    loaded = {id(image): image.load() for images in groups.values() for image in images}
    wanted: list[str] = []
    tasks: list[Task] = []
    for image, codec in _plan(groups, codecs, sizes):
        pixels = loaded[id(image)]
        keys = {size: row_key(identity(image.name, pixels, codec, size)) for size in sizes}
        wanted += keys.values()
        if missing := tuple(size for size, key in keys.items() if key not in have):
            tasks.append(Task(image.name, pixels, codec, missing, started, jobs))
    with RowLog(path) as log:

        def record(rows: list[Row]) -> None:
            for row in rows:
                keep_file(folder, row)
                log.append(row)
                have[row_key(row)] = row
            if progress is not None:
                progress(sum(key in have for key in wanted) / max(1, len(wanted)))

        if jobs == 1:
            for task in tasks:
                record(_work(task))
        elif tasks:
            context = multiprocessing.get_context("spawn")
            with shared_cores(jobs), ProcessPoolExecutor(jobs, mp_context=context) as pool:
                for done in as_completed([pool.submit(_work, task) for task in tasks]):
                    record(done.result())
    order = {name: at for at, name in enumerate(codecs)}
    found = [have[key] for key in wanted]
    return sorted(found, key=lambda row: order[row["codec"]])
