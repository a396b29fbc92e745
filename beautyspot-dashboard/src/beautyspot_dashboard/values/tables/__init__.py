"""Frames, records and files of rows, as tables in pages."""
