"""Find plug-ins, select a backend for each extension point, and make it."""
