"""Judging: metrics, perceptual networks, and the bench of orderings."""
