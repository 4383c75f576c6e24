"""Integers to pixels: tiles, the attractor in one pass, deblocking, colour."""

from __future__ import annotations

from .reconstruction import synthesize

__all__ = ["synthesize"]
