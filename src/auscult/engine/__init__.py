"""What every domain shares, and what knows none of them."""
