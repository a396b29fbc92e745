"""One module a question; its `tables(settings)` yields the answers."""
