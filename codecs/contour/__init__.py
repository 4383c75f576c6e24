"""Contour-harmonic layers: format, integer drawing and pursuit; not yet registered as a codec."""
