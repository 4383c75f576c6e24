"""Header and packets of the contour format: integers to bytes and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared import tiles as tiles_package
from ....shared.codec import Geometry
from ....shared.errors import BitstreamError
from ....shared.tiles.format.packets import header_bytes, parse_header, whole_header
from ....shared.tiles.format.stream import (
    NO_PRICES,
    Coder,
    TileSet,
    capacity,
    component_steps,
)
from .base import CELL_LOGS, code_base, shape_of
from .contexts import KINDS, LAYER_KINDS, OUTLINE_KINDS
from .layout import BUCKET, BUCKETS, FIELDS
from .outlines import SOURCE, WAVES, Outlines
from .point_sets import arrange
from .rings import code_outlines
from .syntax import DAMAGED, MAP_LOG, code_layers

HEADER = 4
PURE, OUTLINED = 1, 2
"""Flags: no tiles follow the layers; outlines stand before the windows."""
_MOST_LAYERS = 65535
_MOST_NODES = 1 << 19
_MOST_FILLS = 4096


@dataclass(frozen=True)
class Ground:
    """Everything of a picture but its tiles, integers.

    Parameters
    ----------
    geometry : Geometry
    steps : (C,) int64
        Quantizer steps, 16 fractional bits.
    base_code : int
        Index into `base.CELL_LOGS`.
    base : (C, rows, columns) int32
    layers : (n, FIELDS) int32
        Windows, in coding order.
    outlines : Outlines
    """

    geometry: Geometry
    steps: npt.NDArray[np.int64]
    base_code: int
    base: npt.NDArray[np.int32]
    layers: npt.NDArray[np.int32]
    outlines: Outlines = field(default_factory=Outlines.none)

    @classmethod
    def empty(cls, geometry: Geometry, steps: npt.NDArray[np.int64]) -> Ground:
        """Make one without base and layers."""
        base = np.zeros((geometry.channels, 0, 0), np.int32)
        return cls(geometry, steps, 0, base, np.zeros((0, FIELDS), np.int32))

    def facts(self) -> dict[str, float]:
        """Count layers, in all and by kind, and the pixels of the picture for each of them."""
        rings = self.outlines.rings
        repeats = int((rings[:, SOURCE] >= 0).sum())
        count = len(self.layers) + len(rings)
        out: dict[str, float] = {
            "layers": count,
            "windows": len(self.layers),
            "contours": len(rings) - repeats,
            "repeats": repeats,
            "nodes": len(self.outlines.nodes),
            "fills": len(self.outlines.fills),
            "harmonics in contours": int(self.outlines.fills[:, WAVES].sum()),
        }
        if count:
            out["pixels per layer"] = round(self.geometry.pixels / count, 1)
        return out


@dataclass(frozen=True)
class Symbols:
    """Everything that the decoder knows.

    Parameters
    ----------
    ground : Ground
    tiles : TileSet or None
    known : (n,) bool
        Leaves whose levels arrived.
    postfilter : int
        0 for none, else one more than the set of Wiener filters.
    bits : dict
        Bits of the payload by kind.
    ring_bits : (r,) float64
        Bits of each ring but its place.
    """

    ground: Ground
    tiles: TileSet | None
    known: npt.NDArray[np.bool_]
    postfilter: int
    bits: dict[str, float] = field(default_factory=dict)
    ring_bits: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def kind_shares(symbols: Symbols) -> dict[str, float]:
    """Bits by what they describe: windows, outlines, tiles, and the base with the header.

    Windows and outlines share some decisions, which count as outlines' where there is no window.
    """
    bits = dict(symbols.bits)
    base = bits.pop("base", 0.0) + bits.pop("parameters", 0.0)
    layers = sum(bits.pop(kind, 0.0) for kind in LAYER_KINDS)
    outlines = sum(bits.pop(kind, 0.0) for kind in OUTLINE_KINDS)
    tiles = sum(bits.values())
    if not len(symbols.ground.layers):
        layers, outlines = 0.0, outlines + layers
    return {"windows": layers, "outlines": outlines, "tiles": tiles, "base": base}


@cache
def initial_tables() -> entropy.Tables:
    """Trained initial states, part of the format: those of the tiles, then ``tables.npz``."""
    texture = entropy.Tables.load(files(tiles_package).joinpath("tables.npz"))
    own = entropy.Tables.load(files(__package__.rpartition(".")[0]).joinpath("tables.npz"))
    known, mixed = len(texture.probability), len(texture.weights)
    return entropy.Tables(
        np.concatenate([texture.probability, own.probability[known:]]),
        np.concatenate([texture.confidence, own.confidence[known:]]),
        np.concatenate([texture.weights, own.weights[mixed:]]),
    )


def most_layers(geometry: Geometry) -> int:
    """Layers that a file may hold."""
    return min(geometry.pixels // 4 + 64, _MOST_LAYERS)


def most_area(geometry: Geometry) -> int:
    """Pixels that the footprints of all layers may cover together."""
    return 256 * geometry.pixels + (1 << 22)


def most_nodes(geometry: Geometry) -> int:
    """Nodes of outlines that a file may hold."""
    return min(geometry.pixels // 4 + 256, _MOST_NODES)


def most_work(geometry: Geometry) -> int:
    """Sixteenths of a pixel that all outlines together may be long."""
    return 16 * 16 * geometry.pixels + (1 << 20)


def code_outlined(
    coder: Coder, ground: Ground
) -> tuple[Outlines, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Write outlines, or read them into the room that there is.

    Returns
    -------
    outlines : Outlines
        Those that are whole.
    marks : (r,) int64
        Shifts after each ring.
    prices : (r,) float64
        Bits of each ring but its place.

    Raises
    ------
    BitstreamError
    """
    geometry, given = ground.geometry, ground.outlines
    counts = np.array([len(given.fills), len(given.rings), len(given.nodes)])
    marks, prices = np.zeros(len(given.rings), np.int64), np.zeros(len(given.rings))
    failed = code_outlines(
        coder.state,
        geometry.height,
        geometry.width,
        geometry.channels,
        ground.steps,
        counts,
        given.fills,
        given.rings,
        given.nodes,
        most_work(geometry),
        _map_of(geometry),
        np.zeros((64, 6), np.int64),
        np.zeros((len(given.rings), 2), np.int64),
        np.zeros((len(given.rings), 2), np.int64),
        prices,
        marks,
    )
    if failed == DAMAGED:
        message = "the contour data has more outlines than its size allows; the file is damaged"
        raise BitstreamError(message)
    fills, rings, nodes = counts.tolist()
    whole = Outlines(
        given.fills[:fills].copy(), given.rings[:rings].copy(), given.nodes[:nodes].copy()
    )
    return whole, marks[:rings], prices[:rings]


def _map_of(geometry: Geometry) -> npt.NDArray[np.int32]:
    side = 1 << MAP_LOG
    return np.zeros((-(-geometry.height // side), -(-geometry.width // side)), np.int32)


def code_windows(coder: Coder, ground: Ground, first: int, buckets: int) -> npt.NDArray[np.int64]:
    """Write or read windows in place.

    Returns
    -------
    (n,) int64
        Shifts after each complete one.

    Raises
    ------
    BitstreamError
    """
    geometry = ground.geometry
    marks = np.zeros(len(ground.layers), np.int64)
    count = code_layers(
        coder.state,
        geometry.height,
        geometry.width,
        geometry.channels,
        first,
        buckets,
        ground.layers,
        len(ground.layers),
        most_area(geometry),
        _map_of(geometry),
        _map_of(geometry),
        np.zeros((64, 6), np.int64),
        marks,
    )
    if count == DAMAGED:
        message = "the contour data has more layers than its size allows; the file is damaged"
        raise BitstreamError(message)
    return marks[:count]


@dataclass
class Written:
    """What writing gives; see `shared.tiles.analysis.encoder.Written` for the fields not listed.

    Parameters
    ----------
    outlined : (r,) float64
        Bits of each ring but its place.
    first : int
        Coder shifts after the base.
    marks : (k,) int64
        Coder shifts after each ring, each window, and the levels of each leaf.
    """

    coder: Coder
    prices: npt.NDArray[np.float32]
    spent: npt.NDArray[np.float64]
    outlined: npt.NDArray[np.float64]
    first: int
    marks: npt.NDArray[np.int64]


def write(
    tables: entropy.Tables,
    ground: Ground,
    tiles: TileSet | None,
    *,
    priced: bool = False,
    counted: bool = False,
) -> Written:
    """Write base, outlines, windows and tiles with empty maps.

    Windows come in the order of `point_sets.arrange`, rings in that of `point_sets.path_keys`.
    """
    geometry, outlines = ground.geometry, ground.outlines
    room = capacity(geometry) + FIELDS * len(ground.layers) + 16 * len(outlines.nodes)
    coder = Coder(tables, capacity=room, counted=counted, kinds=KINDS, priced=priced)
    code_base(coder.state, ground.base)
    first = int(coder.state[entropy.SHIFTS])
    marks, outlined = [], np.zeros(0)
    if len(outlines.fills):
        _, after, outlined = code_outlined(coder, ground)
        marks.append(after)
    marks.append(code_windows(coder, ground, *bucket_range(ground.layers)))
    if tiles is None:
        return Written(coder, NO_PRICES, np.zeros(0), outlined, first, np.concatenate(marks))
    rows = coder.partition(tiles)
    prices = np.zeros(tiles.levels.shape if priced else (0, 0), np.float32)
    _, spent, after = coder.details(tiles, tiles.order(), prices)
    marks += [rows[-1:], after[:-1]]
    return Written(coder, prices, spent, outlined, first, np.concatenate(marks))


def bucket_range(layers: npt.NDArray[np.int32]) -> tuple[int, int]:
    """First bucket, and number of buckets from the first to the last."""
    if not len(layers):
        return 0, 0
    first = int(layers[:, BUCKET].min())
    return first, int(layers[:, BUCKET].max()) + 1 - first


def head(step: int, chroma: int, postfilter: int, ground: Ground, *, pure: bool) -> bytes:
    """Four bytes of parameters in front of the stream."""
    out = bytearray(header_bytes(step, chroma, postfilter))
    out[1] |= ((PURE if pure else 0) | (OUTLINED if len(ground.outlines.fills) else 0)) << 6
    first, buckets = bucket_range(ground.layers)
    return bytes(out) + bytes([ground.base_code << 6 | first, buckets])


def read(geometry: Geometry, packets: Sequence[bytes], *, complete: bool, pure: bool) -> Symbols:
    """Parse packets, see `shared.codec.Codec.read`."""
    data = whole_header(b"".join(packets), HEADER, "contour", complete=complete)
    step, chroma, postfilter, flags = parse_header(data, "contour", PURE | OUTLINED)
    bare = bool(flags & PURE)
    if complete and pure and not bare:
        message = "the contour data has tiles, which its profile excludes; the file is damaged"
        raise BitstreamError(message)
    base_code, first, buckets = data[2] >> 6, data[2] & 63, data[3]
    if first + buckets > BUCKETS:
        message = f"the contour data has layers of contrast {first + buckets}, beyond {BUCKETS}"
        raise BitstreamError(message)
    coder = Coder(initial_tables(), data=data[HEADER:], complete=complete, kinds=KINDS)
    steps = component_steps(step, chroma, geometry.channels)
    base = np.zeros((geometry.channels, *shape_of(geometry.height, geometry.width, base_code)))
    layers = np.zeros((most_layers(geometry) if buckets else 0, FIELDS), np.int32)
    outlines, ring_bits = Outlines.none(), np.zeros(0)
    if flags & OUTLINED:
        outlines = Outlines.room(_MOST_FILLS, most_layers(geometry), most_nodes(geometry))
    ground = Ground(geometry, steps, base_code, base.astype(np.int32), layers, outlines)
    code_base(coder.state, ground.base)
    if flags & OUTLINED:
        outlines, _, ring_bits = code_outlined(coder, ground)
    count = len(code_windows(coder, ground, first, buckets))
    ground = replace(ground, layers=layers[:count].copy(), outlines=outlines)
    tiles, known = None, np.zeros(0, np.bool_)
    if not bare:
        tiles = TileSet.blank(geometry, steps)
        coder.partition(tiles)
        order = tiles.order()
        done, _, _ = coder.details(tiles, order)
        known = np.zeros(len(tiles.leaves), np.bool_)
        known[order[:done]] = True
    entropy.check_ended(coder.state)
    shares = {**coder.shares(), "parameters": 8.0 * HEADER}
    return Symbols(ground, tiles, known, postfilter, shares, ring_bits)


__all__ = ["CELL_LOGS", "Ground", "Symbols", "arrange", "head", "initial_tables", "read", "write"]
