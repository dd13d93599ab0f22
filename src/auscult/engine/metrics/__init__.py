"""Metrics with their definitions, one calling convention for a value and its bootstrap, and the intervals."""
