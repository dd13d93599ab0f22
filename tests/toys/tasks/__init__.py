"""Tasks of the toy domain, one answer kind each."""
