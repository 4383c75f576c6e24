"""Layers, base and tiles to pixels: integers, any array module, GPU kernels."""

from __future__ import annotations

from .reconstruction import synthesize

__all__ = ["synthesize"]
