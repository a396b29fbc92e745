"""Built for an older plug-in API."""

import beautyspot as bs

beautyspot_api = 0


@bs.hookimpl
def beautyspot_register_storage():
    """Never called."""
    raise AssertionError
