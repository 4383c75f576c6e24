"""Fields, quantizer and syntax of the wavelet format: integers to packets and back.

Payload: two bytes of parameters (step; first bit plane | chroma step), then one range-coded
stream, see ``FORMAT.md``. Packets are slices of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ...shared import entropy
from ...shared.codec import Geometry
from ...shared.errors import BitstreamError
from .coding import CONTEXTS, KINDS, WEIGHT_INPUTS, WEIGHTS, block_maxima, code_planes
from .layout import HH, HL, LH, LL, Layout, make_layout

STEPS = 256
STEPS_PER_OCTAVE = 16
# 2**14 * 2**(i / 16), rounded; step index 0 is a quarter of a code value, as Q16.
_MANTISSA = (
    *(16384, 17109, 17867, 18658, 19484, 20347, 21247, 22188),
    *(23170, 24196, 25268, 26386, 27554, 28774, 30048, 31379),
)
# 4096 / L2 norm of the 1-D synthesis function of the low and the high band, by level 1, 2, ...
# Beyond the table each level divides by 1.1496044 (4709 / 4096).
_LOW_GAIN = (3594, 3053, 2628, 2279, 1981, 1723, 1499, 1304, 1134, 986, 858, 746)
_HIGH_GAIN = (4616, 4165, 3494, 2989, 2587, 2248, 1954, 1700, 1479, 1286, 1119, 973)
# Relative step of Y, Cb, Cr (and A): sqrt(3 / squared error in RGB), times 4096.
_COMPONENT_GAIN = (4096, 3931, 4509, 4096)
CHROMA_OFFSETS = (-8, -4, 0, 4, 8, 12, 16, 24)
MAX_PLANE = 23
FRACTION_BITS = 6

_EMPTY_INT32 = np.zeros((0, 0), np.int32)
_EMPTY_INT8 = np.zeros((0, 0), np.int8)
_EMPTY_FLOAT32 = np.zeros((0, 0), np.float32)
_NO_TALLY = np.zeros((0, 2), np.int64)
# Bits by the upper 12 bits of a 16-bit probability; for prices and statistics only.
COST = np.maximum(-np.log2(np.minimum((np.arange(4097) + 0.5) / 4096.0, 1.0)), 0.0)


@dataclass(frozen=True)
class Symbols:
    """Everything that the decoder knows, integers.

    Parameters
    ----------
    geometry : Geometry
    step, chroma : int
        Indices of the step and of the relative chroma step.
    magnitude : (C, size) int32
        Magnitudes as far as they are known, in the layout's flattened order.
    sign : (C, size) int8
        -1, 0 or 1.
    last_plane : (n_bands,) int64
        Lowest bit plane that is known of each subband.
    bits : dict
        Bits of the payload by kind.
    """

    geometry: Geometry
    step: int
    chroma: int
    magnitude: npt.NDArray[np.int32]
    sign: npt.NDArray[np.int8]
    last_plane: npt.NDArray[np.int64]
    bits: dict[str, float]

    @property
    def layout(self) -> Layout:
        """Where the coefficients lie."""
        return make_layout(self.geometry.height, self.geometry.width)


def _gain(table: tuple[int, ...], level: int) -> int:
    value = table[min(level, len(table)) - 1]
    for _ in range(level - len(table)):
        value = (value * 4096 + 2354) // 4709
    return max(value, 1)


def band_steps(layout: Layout, step: int, chroma: int, components: int) -> npt.NDArray[np.int64]:
    """Quantizer steps of the unscaled transform.

    Returns
    -------
    (components, n_bands) int64
        Code values, 16 fractional bits, at least 1.
    """
    out = np.empty((components, len(layout.bands)), np.int64)
    for comp in range(components):
        # A lone component, or alpha, is treated like luma.
        role = comp if components >= 3 else 0
        index = step + (CHROMA_OFFSETS[chroma] if role in (1, 2) else 0)
        index = min(max(index, 0), STEPS + 32)
        base = _MANTISSA[index % STEPS_PER_OCTAVE] << (index // STEPS_PER_OCTAVE)
        base = base * _COMPONENT_GAIN[role] >> 12
        for i, band in enumerate(layout.bands):
            level = max(band.level, 1)
            low, high = _gain(_LOW_GAIN, level), _gain(_HIGH_GAIN, level)
            vertical = high if band.orient in (LH, HH) else low
            horizontal = high if band.orient in (HL, HH) else low
            if band.level == 0:
                vertical = horizontal = 4096
            out[comp, i] = max(base * vertical * horizontal >> 24, 1)
    return out


@cache
def initial_tables() -> entropy.Tables:
    """Trained initial states, part of the format (``tables.npz``)."""
    return entropy.Tables.load(files(__package__).joinpath("tables.npz"))


def default_tables() -> entropy.Tables:
    """Untrained states: where training starts."""
    weights = np.zeros(WEIGHTS, np.int32)
    for start, end, inputs in WEIGHT_INPUTS:
        weights[start:end] = int(65536 * 0.6 / inputs)
    return entropy.Tables(
        np.full(CONTEXTS, 16384, np.int32), np.zeros(CONTEXTS, np.int32), weights
    )


@dataclass
class Written:
    """What one pass of the writer gives.

    Parameters
    ----------
    payload : bytes
    marks : (n, 2) int64
        Bytes that a reader needs for all up to here, and the plane; one row a subband.
    bits : dict
        Bits by kind.
    prices : (C, size) float32
        Bits that each coefficient's significance and sign cost, zeros where it has none.
    """

    payload: bytes
    marks: npt.NDArray[np.int64]
    bits: dict[str, float]
    prices: npt.NDArray[np.float32]


def write_coefficients(
    layout: Layout,
    magnitude: npt.NDArray[np.int32],
    sign: npt.NDArray[np.int8],
    *,
    with_prices: bool = False,
    tables: entropy.Tables | None = None,
    tally: npt.NDArray[np.int64] = _NO_TALLY,
) -> Written:
    """Code quantized coefficients.

    Parameters
    ----------
    layout : Layout
    magnitude : (C, size) int32
    sign : (C, size) int8
    with_prices : bool
        Whether to fill `Written.prices`.
    tables : Tables, optional
        Initial states, adapted in place (for training); the trained ones by default.
    tally : (CONTEXTS, 2) int64, optional
        Counts decisions by context (for training).
    """
    components = len(magnitude)
    first = max(int(magnitude.max(initial=0)).bit_length() - 1, 0)
    tops = np.zeros((components, layout.nodes), np.int32)
    block_maxima(layout.table, magnitude, tops)
    prices = np.zeros(magnitude.shape, np.float32) if with_prices else _EMPTY_FLOAT32
    bits = np.zeros(len(KINDS))
    marks = np.zeros(((first + 1) * len(layout.bands) + 1, 2), np.int64)
    rc, buf = entropy.start_encoder(4 * magnitude.size + 4096)
    states = (
        initial_tables().fresh()
        if tables is None
        else (tables.probability, tables.confidence, tables.weights)
    )
    code_planes(
        rc,
        buf,
        layout.table,
        first,
        magnitude,
        sign,
        tops,
        np.zeros_like(magnitude),
        np.zeros_like(sign),
        np.zeros((components, layout.nodes), np.uint8),
        prices,
        bits,
        marks,
        *states,
        tally,
        COST,
    )
    payload = entropy.finish_encoder(rc, buf)
    marks = marks[: int(marks[-1, 0])].copy()
    marks[:, 0] = np.minimum(marks[:, 0] + 4, len(payload))
    return Written(payload, marks, dict(zip(KINDS, bits.tolist(), strict=True)), prices)


def header_bytes(step: int, first_plane: int, chroma: int) -> bytes:
    """Two bytes of parameters in front of the stream."""
    return bytes([step, first_plane << 3 | chroma])


def split_packets(head: bytes, written: Written) -> list[bytes]:
    """Cut head and stream into packets, at ends of subbands, no packet tiny.

    Each packet costs a byte or two of container, so they grow with the file.
    """
    total = len(written.payload)
    least = max(160, total // 20)
    cuts = [0]
    for at in written.marks[:, 0].tolist():
        if at - cuts[-1] >= least and total - at >= least // 2:
            cuts.append(at)
    if total < 3 * 160 * 5 // 2:
        # At a kilobyte a table of packets would cost more than it gives.
        cuts = [0]
    cuts.append(total)
    parts = [written.payload[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
    parts[0] = head + parts[0]
    return parts


def read(geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> Symbols:
    """Parse packets, see `shared.codec.Codec.read`."""
    data = b"".join(packets)
    if len(data) < 2:
        if complete:
            message = "the wavelet data is shorter than its two bytes of parameters"
            raise BitstreamError(message)
        data = data.ljust(2, b"\0") if not data else data + b"\0"
    step, first, chroma = data[0], data[1] >> 3, data[1] & 7
    if first > MAX_PLANE:
        message = f"the wavelet data declares {first + 1} bit planes; at most {MAX_PLANE + 1} exist"
        raise BitstreamError(message)
    layout = make_layout(geometry.height, geometry.width)
    components = geometry.channels
    magnitude = np.zeros((components, layout.size), np.int32)
    sign = np.zeros((components, layout.size), np.int8)
    bits = np.zeros(len(KINDS))
    marks = np.zeros(((first + 1) * len(layout.bands) + 1, 2), np.int64)
    rc, buf = entropy.start_decoder(data[2:], complete=complete)
    code_planes(
        rc,
        buf,
        layout.table,
        first,
        _EMPTY_INT32,
        _EMPTY_INT8,
        _EMPTY_INT32,
        magnitude,
        sign,
        np.zeros((components, layout.nodes), np.uint8),
        _EMPTY_FLOAT32,
        bits,
        marks,
        *initial_tables().fresh(),
        _NO_TALLY,
        COST,
    )
    entropy.check_ended(rc)
    done, rest = divmod(int(marks[-1, 0]), len(layout.bands))
    last_plane = np.full(len(layout.bands), first - done + 1, np.int64)
    last_plane[:rest] -= 1
    shares = dict(zip(KINDS, bits.tolist(), strict=True))
    shares["parameters"] = 16.0
    return Symbols(geometry, step, chroma, magnitude, sign, last_plane, shares)


def kinds() -> tuple[str, ...]:
    """Kinds of elements that `Symbols.bits` tells apart."""
    return (*KINDS, "parameters")


__all__ = [
    "STEPS",
    "Symbols",
    "Written",
    "band_steps",
    "default_tables",
    "header_bytes",
    "initial_tables",
    "read",
    "split_packets",
    "write_coefficients",
]
