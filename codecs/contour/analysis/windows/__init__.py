"""Plain windows: where they may lie, what they gain, how they climb."""
