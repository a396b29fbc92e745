"""Threads, event loops, forks and deadlines: what needs no knowledge of a cache."""
