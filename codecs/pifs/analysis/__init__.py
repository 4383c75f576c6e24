"""Search encoder: tiles, then maps where they pay; and the quick one that a network leads."""

from __future__ import annotations

from .search import analyze, propose, write_packets
from .state import Analysis

__all__ = ["Analysis", "analyze", "propose", "write_packets"]
