"""Pictures that explain a file: panels, and real curves as SVG."""

from __future__ import annotations

from .raster import panels
from .vector import svg

__all__ = ["panels", "svg"]
