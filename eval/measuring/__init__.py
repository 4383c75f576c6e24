"""Measuring: encode, decode, measure, keep the rows."""
