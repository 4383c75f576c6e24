"""Harmonic tiles: quadtrees of integer DCT tiles, a service for codecs.

`encoder.choose` turns components into a Lagrangian-optimal `TileSet`; `stream.Coder` writes and
reads one; `synthesis.render` and `deblock.smooth` make samples of it. Nothing here knows a codec.
"""
