"""Values that have parts, as a tree that opens."""
