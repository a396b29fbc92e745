"""Look at what a store holds, and remove parts of it, without the code that stored it."""
