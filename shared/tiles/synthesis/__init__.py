"""Tiles to samples: integers, any array module."""
