"""The budget-and-quantization framework; it knows no codec."""
