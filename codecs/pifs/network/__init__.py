"""Encoder network of tiles and maps, and its teacher (torch)."""

from __future__ import annotations

from .model import PifsNetwork, ask

__all__ = ["PifsNetwork", "ask"]
