"""Measuring, comparing and the command line."""
