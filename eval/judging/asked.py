"""Which measures a comparison takes if none are named."""

from __future__ import annotations

from . import ssimulacra2
from .metrics import METRICS


def usual() -> list[str]:
    """Names of what a comparison measures: `METRICS`, and SSIMULACRA2 where it is installed."""
    return [*METRICS, *(["ssimulacra2"] if ssimulacra2.installed() else [])]
