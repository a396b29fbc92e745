"""The names of blobs, as `Placement` gives them: of which store they are."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

STORE_ID: Final = r"[0-9a-fA-F]{8,}"

_NAME: Final = re.compile(
    rf"(?:\A|/)(({STORE_ID})/(?:clock/)?[0-9a-f]{{32}}-[0-9a-f]{{8}}\.[^/]+)\Z"
)


class BlobName(NamedTuple):
    """The name of a blob."""

    store_id: str
    name: str  # from the store's ID on: the same whatever folder or bucket it is in


def blob_name(location: str) -> BlobName | None:
    """The name in a location; None where it is none of ours."""
    found = _NAME.search(location.replace("\\", "/"))
    return None if found is None else BlobName(found[2], found[1])
