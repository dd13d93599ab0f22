"""What the same code does in training and serving; numpy only."""
