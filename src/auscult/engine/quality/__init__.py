"""What can be said about records without knowing their domain: duplicates, missing values, balance, leaks."""
