"""Fields and syntax of tiles with maps: integers to bytes and back."""

from __future__ import annotations

from .stream import Symbols, read

__all__ = ["Symbols", "read"]
