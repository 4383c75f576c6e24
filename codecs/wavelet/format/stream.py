"""Fields, quantizer and syntax of the wavelet format: integers to packets and back.

Payload: two bytes of parameters (step, first bit plane), then one range-coded
stream, see ``FORMAT.md``. Packets are slices of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ....shared import entropy
from ....shared.codec import Geometry
from ....shared.errors import BitstreamError
from .coding import block_maxima, code_planes
from .contexts import CONTEXTS, KINDS, WEIGHT_INPUTS, WEIGHTS
from .layout import HH, HL, LH, Layout, make_layout

STEPS = 1024
STEPS_PER_OCTAVE = 64
# 2**14 * 2**(i / 64), rounded; step index 0 is a quarter of a code value, as Q16.
_MANTISSA = (
    *(16384, 16562, 16743, 16925, 17109, 17296, 17484, 17674),
    *(17867, 18061, 18258, 18457, 18658, 18861, 19066, 19274),
    *(19484, 19696, 19911, 20127, 20347, 20568, 20792, 21019),
    *(21247, 21479, 21713, 21949, 22188, 22430, 22674, 22921),
    *(23170, 23423, 23678, 23936, 24196, 24460, 24726, 24995),
    *(25268, 25543, 25821, 26102, 26386, 26674, 26964, 27258),
    *(27554, 27855, 28158, 28464, 28774, 29088, 29405, 29725),
    *(30048, 30376, 30706, 31041, 31379, 31720, 32066, 32415),
)
# 4096 / L2 norm of the 1-D synthesis function of the low and the high band, by level 1, 2, ...
# Beyond the table each level divides by 1.1496044 (4709 / 4096).
_LOW_GAIN = (3594, 3053, 2628, 2279, 1981, 1723, 1499, 1304, 1134, 986, 858, 746)
_HIGH_GAIN = (4616, 4165, 3494, 2989, 2587, 2248, 1954, 1700, 1479, 1286, 1119, 973)
# Relative step of Y, Cb, Cr (and A): sqrt(3 / squared error in RGB), times 4096.
_COMPONENT_GAIN = (4096, 3931, 4509, 4096)
MAX_PLANE = 23
FRACTION_BITS = 6
_LEAST_PACKET = 400

IntArray = npt.NDArray[np.int32]
SignArray = npt.NDArray[np.int8]
_EMPTY_INT32 = np.zeros((0, 0), np.int32)
_EMPTY_INT8 = np.zeros((0, 0), np.int8)
_EMPTY_FLOAT32 = np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Symbols:
    """Everything that the decoder knows, integers.

    Parameters
    ----------
    geometry : Geometry
    step : int
        Index of the quantizer step.
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


def band_steps(layout: Layout, step: int, components: int) -> npt.NDArray[np.int64]:
    """Quantizer steps of the unscaled transform.

    Returns
    -------
    (components, n_bands) int64
        Code values, 16 fractional bits, at least 1.
    """
    out = np.empty((components, len(layout.bands)), np.int64)
    base = _MANTISSA[step % STEPS_PER_OCTAVE] << (step // STEPS_PER_OCTAVE)
    for comp in range(components):
        # A lone component, or alpha, is treated like luma.
        own = base * (_COMPONENT_GAIN[comp] if components >= 3 else 4096) >> 12
        for i, band in enumerate(layout.bands):
            low = high = 4096
            if band.level:
                low, high = _gain(_LOW_GAIN, band.level), _gain(_HIGH_GAIN, band.level)
            vertical = high if band.orient in (LH, HH) else low
            horizontal = high if band.orient in (HL, HH) else low
            out[comp, i] = max(own * vertical * horizontal >> 24, 1)
    return out


@cache
def initial_tables() -> entropy.Tables:
    """Trained initial states, part of the format (``tables.npz``)."""
    return entropy.Tables.load(files(__package__.rpartition(".")[0]).joinpath("tables.npz"))


def default_tables() -> entropy.Tables:
    """Untrained states: where training starts."""
    return entropy.Tables.untrained(CONTEXTS, WEIGHTS, WEIGHT_INPUTS)


@dataclass
class Written:
    """What one pass of the writer gives.

    Parameters
    ----------
    payload : bytes
    ends : (n,) int64
        Bytes that a reader needs for each coded subband and all before it.
    bits : dict
        Bits by kind.
    learned : tuple, optional
        Of a coder that counted, see `shared.entropy.learned`.
    prices : (C, size) float32
        Bits that each coefficient's significance and sign cost, zeros where it has none.
    """

    payload: bytes
    ends: npt.NDArray[np.int64]
    bits: dict[str, float]
    learned: tuple[npt.NDArray[np.int64], entropy.IntArray] | None
    prices: npt.NDArray[np.float32]


def write_coefficients(
    layout: Layout,
    magnitude: npt.NDArray[np.int32],
    sign: npt.NDArray[np.int8],
    *,
    with_prices: bool = False,
    tables: entropy.Tables | None = None,
    counted: bool = False,
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
        States to start from; the trained ones by default.
    counted : bool
        Whether the coder counts decisions by context (for training).
    """
    components = len(magnitude)
    first = max(int(magnitude.max(initial=0)).bit_length() - 1, 0)
    tops = np.zeros((components, layout.nodes), np.int32)
    block_maxima(layout.table, magnitude, tops)
    prices = np.zeros(magnitude.shape, np.float32) if with_prices else _EMPTY_FLOAT32
    marks = np.zeros((first + 1) * len(layout.bands), np.int64)
    capacity = 4 * magnitude.size + 4096
    state = entropy.writer(tables or initial_tables(), capacity, counted=counted)
    code_planes(
        state,
        layout.table,
        first,
        (magnitude, sign, tops),
        _blank(components, layout),
        prices,
        marks,
    )
    payload = entropy.finish(state)
    ends = np.minimum(marks + entropy.READ_AHEAD, len(payload))
    found = entropy.learned(state) if counted else None
    return Written(payload, ends, entropy.spent(state, KINDS), found, prices)


def _blank(components: int, layout: Layout) -> tuple[IntArray, SignArray, npt.NDArray[np.uint8]]:
    """What a decoder knows before the first decision."""
    return (
        np.zeros((components, layout.size), np.int32),
        np.zeros((components, layout.size), np.int8),
        np.zeros((components, layout.nodes), np.uint8),
    )


def header_bytes(step: int, first_plane: int) -> bytes:
    """Two bytes of parameters in front of the stream."""
    return (step << 5 | first_plane).to_bytes(2, "big")


def split_packets(head: bytes, written: Written) -> list[bytes]:
    """Cut head and stream into packets, at ends of subbands, no packet tiny.

    Each packet costs a byte or two of container, so they grow with the file.
    """
    total = len(written.payload)
    least = max(_LEAST_PACKET, total // 16)
    cuts = [0]
    for at in written.ends.tolist():
        if at - cuts[-1] >= least and total - at >= least // 2:
            cuts.append(at)
    if total < 3 * _LEAST_PACKET:
        cuts = [0]  # a table of packets would cost more than it gives
    cuts.append(total)
    parts = [written.payload[a:b] for a, b in itertools.pairwise(cuts)]
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
    parameters = int.from_bytes(data[:2], "big")
    step, first = parameters >> 5, parameters & 31
    if first > MAX_PLANE or step >= STEPS:
        message = (
            f"the wavelet data declares step {step} and {first + 1} bit planes; "
            f"there are {STEPS} steps and at most {MAX_PLANE + 1} planes"
        )
        raise BitstreamError(message)
    layout = make_layout(geometry.height, geometry.width)
    seen = _blank(geometry.channels, layout)
    state = entropy.reader(initial_tables(), data[2:], complete=complete)
    coded = code_planes(
        state,
        layout.table,
        first,
        (_EMPTY_INT32, _EMPTY_INT8, _EMPTY_INT32),
        seen,
        _EMPTY_FLOAT32,
        np.zeros((first + 1) * len(layout.bands), np.int64),
    )
    entropy.check_ended(state)
    done, rest = divmod(coded, len(layout.bands))
    last_plane = np.full(len(layout.bands), first - done + 1, np.int64)
    last_plane[:rest] -= 1
    magnitude, sign, _ = seen
    shares = entropy.spent(state, KINDS)
    shares["parameters"] = 16.0
    return Symbols(geometry, step, magnitude, sign, last_plane, shares)
