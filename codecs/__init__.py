"""Target formats, one folder each."""
