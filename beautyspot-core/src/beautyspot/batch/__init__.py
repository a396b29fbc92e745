"""Many calls at once: `spot.map`, and functions of a list whose items are cached one by one."""
