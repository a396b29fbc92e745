"""The one place of the version number that all members share; hatchling reads it to build."""

__version__ = "3.0.0"
