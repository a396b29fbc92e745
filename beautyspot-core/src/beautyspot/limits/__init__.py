"""The limiter decorator: permits, combined limits, a limit for each key, a cap."""
