"""Text → numbers: the same code in training and serving, numpy only."""
