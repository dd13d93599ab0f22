"""Models of recommendation, one file each."""
