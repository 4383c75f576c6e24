"""Kernels in CUDA C: many pictures at once on a GPU."""
