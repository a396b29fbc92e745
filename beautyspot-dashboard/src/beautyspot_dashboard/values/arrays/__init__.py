"""Arrays: their shape and type, and a picture of them."""
