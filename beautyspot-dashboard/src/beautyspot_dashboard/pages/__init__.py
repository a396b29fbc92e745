"""The pages: a module for each view, with its `routes`."""
