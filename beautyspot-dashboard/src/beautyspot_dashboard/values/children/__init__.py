"""What runs in a process of its own, since hostile input may make it loop, grow or crash."""
