"""Entropy coding: the adaptive binary range coder; `priors` trains its initial states."""

from __future__ import annotations

from .coder import (
    COST,
    COUNT_LIMIT,
    DECODING,
    ENDED,
    GRACE,
    PROBABILITY_BITS,
    READ_AHEAD,
    SHIFTS,
    SQUASH,
    STOPS,
    STRETCH,
    Tables,
    check_ended,
    code_bit,
    code_mixed,
    finish_encoder,
    start_decoder,
    start_encoder,
    start_model,
)

__all__ = [
    "COST", "COUNT_LIMIT", "DECODING", "ENDED", "GRACE", "PROBABILITY_BITS", "READ_AHEAD",
    "SHIFTS", "SQUASH", "STOPS", "STRETCH", "Tables", "check_ended", "code_bit", "code_mixed",
    "finish_encoder", "start_decoder", "start_encoder", "start_model",
]  # fmt: skip
