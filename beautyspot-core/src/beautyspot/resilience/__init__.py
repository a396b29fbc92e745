"""A backend that fails or hangs: guards, circuit breakers, paged listings, reports."""
