"""The names of blobs, as `Placement` gives them: whose they are, and of which key."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_NAME: Final = re.compile(
    r"(?:\A|/)(([0-9a-fA-F]{8,})/(?:[0-9a-f]{2}|clock)/([0-9a-f]{32})-[0-9a-f]{8}\.[^/]+)\Z"
)


class BlobName(NamedTuple):
    """The name of a blob."""

    store_id: str
    key: str  # the `cache_key`
    name: str  # from the store's ID on: the same whatever folder or bucket it is in


def blob_name(location: str) -> BlobName | None:
    """The name in a location; None where it is none of ours."""
    found = _NAME.search(location.replace("\\", "/"))
    return None if found is None else BlobName(found[2], found[3], found[1])
