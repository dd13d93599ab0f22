"""Models of biosignals, one file each."""
