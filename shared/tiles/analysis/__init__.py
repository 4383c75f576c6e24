"""Search encoder for tiles: levels and quadtree by Lagrangian cost."""
