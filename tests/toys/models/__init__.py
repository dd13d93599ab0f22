"""Models of the toy domain, one for each driver and way of learning."""
