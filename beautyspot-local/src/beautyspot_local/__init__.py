"""Local backends: results as files on disk, and the GCRA rate limiter."""
