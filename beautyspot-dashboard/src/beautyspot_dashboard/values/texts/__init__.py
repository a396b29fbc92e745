"""Text and code, part by part."""
