"""Tasks of recommendation."""
