"""Values to bytes and back: those of Python, its standard library, the program and plug-ins."""
