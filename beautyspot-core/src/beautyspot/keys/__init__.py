"""From a call's arguments to canonical text, and from that to the digest that names the call."""
