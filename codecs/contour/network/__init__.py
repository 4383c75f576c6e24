"""Encoder network: its model, float twin, teacher, and how it is asked (torch)."""

from __future__ import annotations

from .model import ContourNetwork

__all__ = ["ContourNetwork"]
