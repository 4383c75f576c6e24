"""Entropy coding: the adaptive binary range coder; `priors` trains its initial states."""

from __future__ import annotations

from .coder import (
    BITS,
    CONTEXT,
    COST,
    DECODING,
    ENDED,
    GRACE,
    PROBABILITY_BITS,
    READ_AHEAD,
    SHIFTS,
    SQUASH,
    STOPS,
    STRETCH,
    State,
    adapted,
    bits_of,
    check_ended,
    code_bit,
    cost,
    decide,
    decide_flat,
    extended,
    finish,
    learned,
    reader,
    spent,
    writer,
)
from .tables import COUNT_LIMIT, NO_TABLES, IntArray, Tables, starts

__all__ = [
    "BITS", "CONTEXT", "COST", "COUNT_LIMIT", "DECODING", "ENDED", "GRACE", "NO_TABLES",
    "PROBABILITY_BITS", "READ_AHEAD", "SHIFTS", "SQUASH", "STOPS", "STRETCH", "IntArray", "State",
    "Tables", "adapted", "bits_of", "check_ended", "code_bit", "cost", "decide", "decide_flat",
    "extended", "finish", "learned", "reader", "spent", "starts", "writer",
]  # fmt: skip
