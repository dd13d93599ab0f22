"""From a structure as text to the numbers that a model sees."""
