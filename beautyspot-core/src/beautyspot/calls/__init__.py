"""One call of a marked function on its way: kinds of functions, flow, turn, streams, lifetime."""
