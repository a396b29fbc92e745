"""One hook right, one misspelt."""

import beautyspot as bs
from beautyspot_whole import DictStorage


class Spelt(DictStorage):
    """The one that is registered."""

    name = "spelt"
    schemes = ()


@bs.hookimpl
def beautyspot_register_storage():
    """The storage `spelt`."""
    return [Spelt]


@bs.hookimpl
def beautyspot_register_limitter():
    """Never called."""
    raise AssertionError
