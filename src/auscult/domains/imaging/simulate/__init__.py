"""Simulated images and the files that devices would write."""
