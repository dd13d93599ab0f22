"""Readers of text: tables, JSON lines, plain files, annotated corpora."""
