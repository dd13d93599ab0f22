"""Numeric code that trains and serves alike."""
