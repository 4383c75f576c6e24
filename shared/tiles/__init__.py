"""Harmonic tiles: quadtrees of integer DCT tiles, a service for codecs.

`analysis.encoder.choose` turns components into a Lagrangian-optimal `TileSet`;
`format.stream.Coder` writes and reads one; `synthesis.reconstruction.render` and
`synthesis.deblocking.smooth` make samples of it. Nothing here knows a codec.
"""
