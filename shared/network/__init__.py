"""Encoder networks: their contract, asking them, refinement (torch; `weights` needs none)."""
