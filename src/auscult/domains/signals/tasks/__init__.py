"""Tasks on biosignals: each turns records into items and items' outputs into answers."""
