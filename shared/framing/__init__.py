"""Headers of the two frames that a file may begin with."""
