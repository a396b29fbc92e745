"""The metadata store in a SQLite file on this machine."""
