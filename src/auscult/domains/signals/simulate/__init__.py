"""Simulated device records for examples, golden files, demonstrations and tests; never a patient."""
