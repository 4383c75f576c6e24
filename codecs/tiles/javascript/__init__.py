"""The decoder of tiles in JavaScript: one module without dependencies, ``decoder.js``.

Its parts are written by hand, from ``FORMAT.md``; the tables of the format are taken from where
Python has them. Both are joined by ``python -m fractour.codecs.tiles.javascript``, after every
change of a part or a table, and a test says when that was forgotten.
"""

from __future__ import annotations

from importlib.resources import files

from ....shared.entropy import Tables
from ....shared.tiles.format import palette_coding, turns
from ....shared.tiles.format.stream import STEPS_PER_OCTAVE, component_steps
from ....shared.tiles.synthesis import wiener
from ....shared.tiles.synthesis.dct import COSINES
from .. import TilesCodec
from ..format import initial_tables
from .packing import numbers, packed, packed_filters, packed_turns

NAME = "decoder.js"
PARTS = (
    "frame",
    "coder",
    "tables",
    "palette",
    "turns",
    "partition",
    "levels",
    "synthesis",
    "filter",
    "picture",
)
"""In the order of decoding; each uses what stands above it, and the constants."""
_HEAD = """\
// Decoder of fractour's tiles format (.frc files of codec 3), one module without dependencies:
//   decode(bytes) gives {width, height, channels, data}; paint(canvas, bytes) draws.
// Same pixels as every other decoder, to the bit. MIT licence.
// Written by `python -m fractour.codecs.tiles.javascript` from parts/*.js: change those.
"""
_NEUTRAL = 3
"""Index of the chroma offset 0."""


def constants() -> str:
    """Declarations of the version and the tables of the format."""
    tables = initial_tables()
    text, counts, usual = packed(tables)
    mantissas = [int(component_steps(k, _NEUTRAL, 1)[0]) for k in range(STEPS_PER_OCTAVE)]
    lines = {
        "VERSION": TilesCodec.version,
        "MANTISSAS": numbers(mantissas),
        "COSINES": numbers(COSINES),
        "CONTEXTS": len(tables.probability),
        "WEIGHTS": len(tables.weights),
        "COUNTS": numbers(counts),
        "USUAL": usual,
        "STATES": text,
        **_palettes(),
        "TURN_TABLES": packed_turns(turns.tables()),
        "POSTFILTERS": wiener.SETS,
        "FILTERS": packed_filters(wiener.table()),
    }
    return "".join(f"const {name} = {value};\n" for name, value in lines.items())


def _palettes() -> dict[str, object]:
    tables = Tables.load(palette_coding.TABLES)
    text, counts, usual = packed(tables)
    return {
        "PALETTE_CONTEXTS": len(tables.probability),
        "PALETTE_WEIGHTS": len(tables.weights),
        "PALETTE_COUNTS": numbers(counts),
        "PALETTE_USUAL": usual,
        "PALETTE_STATES": text,
    }


def joined() -> str:
    """Join the decoder from its parts and the tables of the format."""
    folder = files(__package__).joinpath("parts")
    parts = [folder.joinpath(f"{name}.js").read_text("utf-8") for name in PARTS]
    return "\n".join([_HEAD, constants(), *parts])


def decoder() -> str:
    """Text of the decoder, an ES module."""
    return files(__package__).joinpath(NAME).read_text("utf-8")


__all__ = ["NAME", "PARTS", "constants", "decoder", "joined"]
