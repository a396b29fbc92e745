"""Settings: from arguments, the environment and files to one checked table."""
