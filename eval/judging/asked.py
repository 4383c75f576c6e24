"""Which measures a comparison takes, and whether what it asks for is there."""

from __future__ import annotations

from . import perceptual_network, ssimulacra2
from .metrics import JUDGES, METRICS


def usual() -> list[str]:
    """Names of what a comparison measures: `METRICS`, and SSIMULACRA2 where it is installed."""
    return [*METRICS, *(["ssimulacra2"] if ssimulacra2.installed() else [])]


def require(name: str) -> None:
    """Raise now, not after hours, if a judge cannot be loaded.

    Raises
    ------
    BackendUnavailableError
        If a package is missing or does not load.
    """
    if name == "ssimulacra2":
        ssimulacra2.require()
    elif name in JUDGES:
        perceptual_network.loaded(JUDGES[name].label)
