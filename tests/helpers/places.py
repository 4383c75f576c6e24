"""Where the repository and its golden files lie."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Root of the repository, which is the package."""
GOLDEN = ROOT / "tests" / "golden"
