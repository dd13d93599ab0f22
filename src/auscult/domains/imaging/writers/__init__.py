"""Answers as files of the kind and in the geometry that the image came in."""
