"""Simulated exports; none is of a person or a real device."""
