"""The limiter decorator: permits, several limits together, a limit for each key, a cap."""
