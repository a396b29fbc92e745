"""A storage in a dict, and nothing wrong with it."""

import beautyspot as bs

beautyspot_api = 1


class DictStorage(bs.BlobStorageBase):
    """Keeps blobs in a dict."""

    name = "dict"
    schemes = ("dict",)

    def __init__(self, label: str = "", size: int = 0) -> None:
        self.blobs = {}
        self.label = label
        self.size = size

    @classmethod
    def options_from_url(cls, url):
        return {"label": url.partition("://")[2]}

    def save(self, key, data, *, content_type=None):
        self.blobs[key] = bytes(data)
        return key

    def load(self, location):
        return self.blobs[location]


@bs.hookimpl
def beautyspot_register_storage():
    """The storage `dict`."""
    return DictStorage
