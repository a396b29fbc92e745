"""A storage with an abstract method left open."""

import beautyspot as bs


class HalfStorage(bs.BlobStorageBase):
    """Saves, and can't load."""

    name = "half"

    def save(self, key, data, *, content_type=None):
        return key


@bs.hookimpl
def beautyspot_register_storage():
    """A class that can't be made."""
    return HalfStorage
