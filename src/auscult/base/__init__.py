"""What every layer shares: errors, contracts, recipe, units, arrays and files. No torch."""
