"""Integers to pixels: dequantize, inverse wavelet, colour."""

from __future__ import annotations

from .reconstruction import synthesize, synthesize_many

__all__ = ["synthesize", "synthesize_many"]
