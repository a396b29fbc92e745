"""What the tests of the types of HTTP share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from servers.web import WebSite


@pytest.fixture(scope="module")
def site() -> Iterator[WebSite]:
    """A web site on this machine."""
    with WebSite() as site:
        yield site


@pytest.fixture
def closing() -> Iterator[Callable[[Any], Any]]:
    """Gives back what it is given, and closes it after the test."""
    with ExitStack() as stack:
        yield stack.enter_context
