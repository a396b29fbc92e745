"""The one place of the version number that all members share (hatchling reads it when it builds)."""

__version__ = "3.0.0"
