"""Pictures: what may come in, files, colour, and drawing on them."""
