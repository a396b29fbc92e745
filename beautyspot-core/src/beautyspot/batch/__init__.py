"""Many calls at once: `spot.map`."""
