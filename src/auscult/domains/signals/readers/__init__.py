"""Readers of device exports: each finds its format by content and yields record batches in home units."""
