"""The decoder of tiles in JavaScript: one module without dependencies, ``decoder.js``.

Its parts are written by hand, from ``FORMAT.md``; the tables of the format are taken from where
Python has them. Both are joined by ``python -m fractour.codecs.tiles.javascript``, after every
change of a part or a table, and a test says when that was forgotten.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from ....shared import entropy
from ....shared.tiles.format.stream import STEPS_PER_OCTAVE, component_steps
from ....shared.tiles.synthesis.dct import COSINES
from .. import TilesCodec
from ..format import initial_tables

NAME = "decoder.js"
PARTS = ("frame", "coder", "partition", "levels", "synthesis", "picture")
"""In the order of decoding; each uses what stands above it, and the constants."""
_HEAD = """\
// Decoder of fractour's tiles format (.frc files of codec 3), one module without dependencies:
//   decode(bytes) gives {width, height, channels, data}; paint(canvas, bytes) draws.
// Same pixels as every other decoder, to the bit. MIT licence.
// Written by `python -m fractour.codecs.tiles.javascript` from parts/*.js: change those.
"""
_NEUTRAL = 3
"""Index of the chroma offset 0."""
_OTHER = 15
"""Half-byte of a context that has the usual state."""


def _list(values: Sequence[int]) -> str:
    return f"[{', '.join(map(str, values))}]"


def packed(tables: entropy.Tables) -> tuple[bytes, list[int], int]:
    """Pack initial states; ``unpackTables`` of ``coder.js`` is the inverse.

    Parameters
    ----------
    tables : Tables

    Returns
    -------
    data : bytes
        Half a byte a context (low half first): an index into `counts`, or 15 for a count of 0 and
        the probability `usual`; then the other probabilities, 16 bits, and the weights, 32 bits,
        least significant byte first.
    counts : list of int
        The confidence counts that occur.
    usual : int
        The probability that most contexts have that were never seen in training.

    Raises
    ------
    ValueError
        If more than 15 different counts occur.
    """
    states = list(zip(tables.confidence.tolist(), tables.probability.tolist(), strict=True))
    unseen = Counter(probability for count, probability in states if count == 0)
    usual = unseen.most_common(1)[0][0] if unseen else 0
    counts = sorted({count for count, probability in states if (count, probability) != (0, usual)})
    if len(counts) > _OTHER:
        message = f"{len(counts)} different counts do not fit into half a byte beside one more"
        raise ValueError(message)
    kinds = [_OTHER if state == (0, usual) else counts.index(state[0]) for state in states]
    kinds += [0] * (len(kinds) % 2)
    halves = np.array(kinds, np.uint8)
    seen = [probability for kind, (_, probability) in zip(kinds, states) if kind != _OTHER]
    parts = (
        halves[::2] | halves[1::2] << 4,
        np.array(seen, "<u2"),
        tables.weights.astype("<i4"),
    )
    return b"".join(part.tobytes() for part in parts), counts, usual


def constants() -> str:
    """Declarations of the version and the tables of the format."""
    tables = initial_tables()
    data, counts, usual = packed(tables)
    mantissas = [int(component_steps(k, _NEUTRAL, 1)[0]) for k in range(STEPS_PER_OCTAVE)]
    lines = {
        "VERSION": TilesCodec.version,
        "MANTISSAS": _list(mantissas),
        "COSINES": _list(COSINES),
        "CONTEXTS": len(tables.probability),
        "WEIGHTS": len(tables.weights),
        "COUNTS": _list(counts),
        "UNTRAINED": usual,
        "TABLES": f'"{base64.b64encode(data).decode("ascii")}"',
    }
    return "".join(f"const {name} = {value};\n" for name, value in lines.items())


def joined() -> str:
    """Join the decoder from its parts and the tables of the format."""
    folder = files(__package__).joinpath("parts")
    parts = [folder.joinpath(f"{name}.js").read_text("utf-8") for name in PARTS]
    return "\n".join([_HEAD, constants(), *parts])


def decoder() -> str:
    """Text of the decoder, an ES module."""
    return files(__package__).joinpath(NAME).read_text("utf-8")


__all__ = ["NAME", "PARTS", "constants", "decoder", "joined", "packed"]
