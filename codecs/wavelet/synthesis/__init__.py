"""Integers to pixels: dequantize, inverse wavelet, colour."""

from __future__ import annotations

from .reconstruction import synthesize

__all__ = ["synthesize"]
