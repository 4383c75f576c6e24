"""One row of a comparison: encode to a budget, decode the real bytes, measure.

Distortion is measured on pixels decoded from the file, bits per pixel are the size of the
file, headers included. There is no other way in here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...corpora.images import pixel_sha256
from ...shared import api, registry
from ...shared.budget import DEFAULT_RANK, RANKS
from ...shared.errors import BudgetError, FractourError, UnknownCodecError
from ...shared.network.weights import weights_path
from ...shared.picture.invisible import without_invisible
from ..judging.metrics import METRICS, measure
from .anchors import ANCHORS, AnchorSearch, decode_anchor, get_anchor
from .running.warming import timed
from .store import FILE, Row

Image = npt.NDArray[np.uint8]

DEFAULTS: dict[str, Any] = {"encoder": "search", "rank": DEFAULT_RANK, "effort": 5}

WARM_SIDE = 128
"""Side in pixels of the picture that a codec is warmed up on."""

WARM_BUDGETS = (4096, 256)
"""Bytes: one that leaves everything in and one at which much is cut, as rows are."""


@cache
def _weights(codec: str) -> str:
    """Name the weights of a codec's network by their hash; empty if there are none."""
    path = weights_path(codec)
    if path is None or not path.exists():
        return ""
    return f", weights {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


@dataclass(frozen=True)
class CodecSpec:
    """A codec with its configuration, the thing that a comparison compares.

    Parameters
    ----------
    codec : str
        Name of an anchor or of an installed target format.
    config : dict
        For target formats ``encoder``, ``rank`` and ``effort``; empty for anchors.
    """

    codec: str
    config: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> CodecSpec:
        """Read ``NAME`` or ``NAME:effort=7:rank=gain``; what is not given gets its default.

        Raises
        ------
        UnknownCodecError
            If there is neither an anchor nor a codec of that name.
        FractourError
            If an option does not exist or has no such value.
        """
        name, *options = text.strip().split(":")
        if name in ANCHORS:
            get_anchor(name)
            if options:
                message = f"anchor {name!r} takes no options; its settings are fixed"
                raise FractourError(message)
            return cls(name)
        if name not in registry.codec_names():
            known = ", ".join([*registry.codec_names(), *ANCHORS])
            message = f"no codec or anchor {name!r}; there are {known}"
            raise UnknownCodecError(message)
        config = dict(DEFAULTS)
        for option in options:
            key, equals, value = option.partition("=")
            if not equals or key not in DEFAULTS:
                message = f"{option!r} in {text!r}: options are {', '.join(DEFAULTS)}, as key=value"
                raise FractourError(message)
            config[key] = value
        return cls(name, cls._checked(name, config))

    @staticmethod
    def _checked(name: str, config: dict[str, Any]) -> dict[str, Any]:
        encoders = registry.get_codec(name).encoders
        if config["encoder"] not in encoders:
            message = f"codec {name!r} has no encoder {config['encoder']!r}; it has {encoders}"
            raise FractourError(message)
        if config["rank"] not in RANKS:
            message = f"no rank {config['rank']!r}; there are {', '.join(RANKS)}"
            raise FractourError(message)
        if str(config["effort"]) not in set("123456789"):
            message = f"effort must be 1 to 9, not {config['effort']!r}"
            raise FractourError(message)
        return {**config, "effort": int(config["effort"])}

    @property
    def label(self) -> str:
        """Return the text that `parse` reads, without options that have their default."""
        config = self.config.items()
        options = [f"{key}={value}" for key, value in config if value != DEFAULTS.get(key)]
        return ":".join([self.codec, *options])

    @property
    def version(self) -> str:
        """Version of what makes the bytes; part of a row's key."""
        if self.codec in ANCHORS:
            return get_anchor(self.codec).version()
        from ... import __version__

        text = f"fractour {__version__}, format {registry.get_codec(self.codec).version}"
        # Trained further, a network is another encoder: its old rows must not be taken for new.
        searched = (DEFAULTS | self.config)["encoder"] == "search"
        return text if searched else text + _weights(self.codec)

    def identity(self, image: str, image_sha256: str, bpp: float) -> Row:
        """Return what tells a row from others, see `store.row_key`."""
        return {
            "image": image,
            "image_sha256": image_sha256,
            "codec": self.codec,
            "codec_version": self.version,
            "config": self.config,
            "target_bpp": bpp,
        }

    @property
    def settings(self) -> str:
        """Return the settings in words."""
        if self.codec in ANCHORS:
            return ANCHORS[self.codec].settings
        return ", ".join(f"{key} {value}" for key, value in self.config.items())


@dataclass(frozen=True)
class Task:
    """All budgets of one image under one codec; they share the anchors' search.

    Parameters
    ----------
    image, image_sha256 : str
    pixels : (H, W) or (H, W, C) uint8
    spec : CodecSpec
    bpps : sequence of float
        Bits per pixel of the whole file; the limit is ``floor(bpp * H * W / 8)`` bytes.
    metrics : sequence of str
    repeats : int
        Decodings, of whose wall times the median is kept.
    started : str, optional
        When the run was started or continued; rows of one start were timed side by side.
    jobs : int
        Processes that measure at once, this one included.
    """

    image: str
    image_sha256: str
    pixels: Image
    spec: CodecSpec
    bpps: Sequence[float]
    metrics: Sequence[str] = tuple(METRICS)
    repeats: int = 3
    started: str | None = None
    jobs: int = 1

    def limit(self, bpp: float) -> int:
        """Return the budget in bytes."""
        return int(bpp * self.pixels.shape[0] * self.pixels.shape[1] / 8)

    def head(self, bpp: float) -> Row:
        """Return the part of a row that is known before encoding."""
        height, width = self.pixels.shape[:2]
        return {
            **self.spec.identity(self.image, self.image_sha256, bpp),
            "width": width,
            "height": height,
            "channels": self.pixels.shape[2] if self.pixels.ndim == 3 else 1,
            "target_bytes": self.limit(bpp),
            "started": self.started,
            "jobs": self.jobs,
        }


class Coder(Protocol):
    """What a task needs of a codec, be it an anchor or a target format."""

    def encode(self, limit: int) -> tuple[bytes, float, float | None]:
        """Return bytes, seconds, and the setting where there is one; or raise BudgetError."""

    def decode(self, data: bytes) -> Image:
        """Return pixels."""

    def spent(self, data: bytes) -> dict[str, dict[str, float]]:
        """Return ``bits`` by kind of decision, and by ``kinds`` of element."""


class _AnchorCoder:
    def __init__(self, name: str, image: Image) -> None:
        self._name = name
        self._channels = image.shape[2] if image.ndim == 3 else 1
        self._shape = image.shape
        # The target formats get no invisible colours either.
        self._search = AnchorSearch(name, without_invisible(image))

    def encode(self, limit: int) -> tuple[bytes, float, float | None]:
        found = self._search.best(limit)
        if found is None:
            smallest = self._search.smallest()
            message = f"the smallest {self._search.anchor.label} file has {smallest} bytes"
            raise BudgetError(message, smallest)
        return found.data, found.seconds, found.setting

    def decode(self, data: bytes) -> Image:
        return decode_anchor(self._name, data, channels=self._channels).reshape(self._shape)

    def spent(self, data: bytes) -> dict[str, dict[str, float]]:
        return {"bits": {}, "kinds": {}}


class _FractourCoder:
    def __init__(self, spec: CodecSpec, image: Image) -> None:
        self._spec = spec
        self._image = image

    def encode(self, limit: int) -> tuple[bytes, float, float | None]:
        data, seconds = timed(
            lambda: api.encode(
                self._image, codec=self._spec.codec, budget=limit, **(DEFAULTS | self._spec.config)
            )
        )
        return data, seconds, None

    def decode(self, data: bytes) -> Image:
        return api.decode(data).reshape(self._image.shape)

    def spent(self, data: bytes) -> dict[str, dict[str, float]]:
        facts = api.info(data)
        return {name: dict(facts[name]) for name in ("bits", "kinds")}


def open_coder(spec: CodecSpec, image: Image) -> Coder:
    """Return what encodes one image to any number of budgets, and decodes."""
    if spec.codec in ANCHORS:
        return _AnchorCoder(spec.codec, image)
    return _FractourCoder(spec, image)


_warm: set[str] = set()


def warm_up(spec: CodecSpec, image: Image) -> None:
    """Run a codec on a part of a picture, so that no row times a compiler, import or loading.

    Once per process, configuration (every encoder has weights and kernels of its own) and number
    of channels (kernels are compiled for each).

    Parameters
    ----------
    spec : CodecSpec
    image : (H, W) or (H, W, C) uint8
        Its middle is encoded, `WARM_SIDE` square at most.
    """
    channels = image.shape[2] if image.ndim == 3 else 1
    key = json.dumps([spec.codec, spec.config, channels], sort_keys=True)
    if key in _warm:
        return
    _warm.add(key)
    top, left = (max(0, side - WARM_SIDE) // 2 for side in image.shape[:2])
    part = np.ascontiguousarray(image[top : top + WARM_SIDE, left : left + WARM_SIDE])
    for limit in WARM_BUDGETS:
        with contextlib.suppress(Exception):  # the real rows will name the error
            coder = open_coder(spec, part)
            coder.decode(coder.encode(limit)[0])


_EMPTY: Row = {
    "file_bytes": None,
    "bpp": None,
    "setting": None,
    "bits": {},
    "kinds": {},
    "encode_s": None,
    "decode_s": None,
    "bitstream_sha256": None,
    "pixels_sha256": None,
    "smallest_bytes": None,
    "error": None,
    "message": None,
}


def _measured(task: Task, coder: Coder, limit: int) -> Row:
    data, encode_s, setting = coder.encode(limit)
    seconds = []
    for _ in range(max(1, task.repeats)):
        decoded, lasted = timed(lambda: coder.decode(data))
        seconds.append(lasted)
    pixels = task.pixels.shape[0] * task.pixels.shape[1]
    return {
        **_EMPTY,
        "status": "ok",
        "file_bytes": len(data),
        "bpp": 8 * len(data) / pixels,
        "setting": setting,
        **measure(task.pixels, decoded, task.metrics),
        **coder.spent(data),
        "encode_s": encode_s,
        "decode_s": statistics.median(seconds),
        "bitstream_sha256": hashlib.sha256(data).hexdigest(),
        "pixels_sha256": pixel_sha256(decoded),
        FILE: data,
    }


def _failed(task: Task, error: Exception) -> Row:
    unreachable = isinstance(error, BudgetError)
    return {
        **_EMPTY,
        "status": "unreachable" if unreachable else "error",
        **dict.fromkeys(task.metrics),
        "smallest_bytes": getattr(error, "smallest", None),
        "error": type(error).__name__,
        "message": str(error),
    }


def measure_task(task: Task) -> Iterator[Row]:
    """Yield one row per budget; a failure is a row too, and never stops the comparison.

    Yields
    ------
    dict
        See ``schema/row.schema.json``. ``status`` is ok, unreachable (no file of this codec is
        that small) or error (class and message are kept). Of an ok one `store.keep_file` takes
        the encoded file.
    """
    warm_up(task.spec, task.pixels)
    coder: Coder | None = None
    for bpp in task.bpps:
        head = task.head(bpp)
        try:
            if coder is None:
                coder = open_coder(task.spec, task.pixels)
            body = _measured(task, coder, head["target_bytes"])
        except Exception as error:  # one codec on one image; the others go on
            body = _failed(task, error)
        yield head | body
