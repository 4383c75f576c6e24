"""Syntax of tiles: quadtree, means and levels, integers to bytes and back."""
