"""Many calls at once: `spot.map` and `spot.count`."""
