"""From raw signals to what a model sees; numpy and scipy only, the same code trains and serves."""
