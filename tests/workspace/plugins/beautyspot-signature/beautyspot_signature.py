"""A hook with an argument that no hook has."""

import beautyspot as bs


@bs.hookimpl
def beautyspot_register_storage(config):
    """Never called."""
    raise AssertionError
