"""Claims the name that its twin claims."""

import beautyspot as bs
from beautyspot_whole import DictStorage


class Twin(DictStorage):
    """One of two."""

    name = "twin"
    schemes = ("twin",)


@bs.hookimpl
def beautyspot_register_storage():
    """The storage `twin`."""
    return Twin
