"""Simulated device reports: nothing in them happened to anybody."""
