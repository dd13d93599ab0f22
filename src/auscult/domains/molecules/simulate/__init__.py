"""Simulated libraries and assays; no compound was measured by anybody."""
