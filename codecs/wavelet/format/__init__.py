"""Fields, quantizer and syntax of subbands: integers to packets and back."""

from __future__ import annotations

from .stream import STEPS, Symbols, read

__all__ = ["STEPS", "Symbols", "read"]
