"""Where things are: the seam that makes a machine a value."""
