"""Layers, base and tiles to pixels: integers, any array module, GPU kernels."""

from __future__ import annotations

from .reconstruction import synthesize, synthesize_many

__all__ = ["synthesize", "synthesize_many"]
