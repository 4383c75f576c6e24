"""Search encoder: base, windows, and layers with outlines; guided by a network if there is one."""

from __future__ import annotations

from .search import (
    analyze,
    ask,
    first_step,
    near,
    otherwise,
    propose,
    reweighted,
    strict,
    write_packets,
)
from .state import Analysis

__all__ = [
    "Analysis",
    "analyze",
    "ask",
    "first_step",
    "near",
    "otherwise",
    "propose",
    "reweighted",
    "strict",
    "write_packets",
]
