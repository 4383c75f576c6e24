"""What waits for a GPU, in one command: ``python -m fractour.eval.gpu``."""
