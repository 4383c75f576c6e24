"""Outlines of a picture: regions, their borders, nodes, and which of them pay."""
