"""What is predicted from a molecule."""
