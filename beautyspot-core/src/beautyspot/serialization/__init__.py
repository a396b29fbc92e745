"""Values to bytes and back: those of Python and its standard library."""
