"""Look up, save, retry, save in the background, prune and collect results."""
