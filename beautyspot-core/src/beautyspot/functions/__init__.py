"""Which function it is, of what kind, and what its code is."""
