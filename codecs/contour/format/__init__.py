"""Fields, quantizers and syntax of layers: integers to bytes and back."""

from __future__ import annotations

from .stream import Symbols, kind_shares, read

__all__ = ["Symbols", "kind_shares", "read"]
