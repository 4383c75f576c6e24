"""Many pictures at once: kernels for a GPU, and decoding on all cores."""
