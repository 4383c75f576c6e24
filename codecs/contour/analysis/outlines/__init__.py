"""Layers with a mask: strokes, rings and cut windows, found in the residual and fitted."""
