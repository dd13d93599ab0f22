"""Parts of models that two domains use."""
