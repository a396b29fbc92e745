"""What the tests of the types of HTTP share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.web import WebSite


@pytest.fixture(scope="module")
def site() -> Iterator[WebSite]:
    """A web site on this machine."""
    with WebSite() as site:
        yield site
