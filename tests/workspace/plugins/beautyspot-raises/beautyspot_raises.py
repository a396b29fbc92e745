"""Raises when it is imported."""

raise RuntimeError("the moon is full")
