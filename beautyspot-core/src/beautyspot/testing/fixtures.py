"""Fixtures for the tests of an application. In the `conftest.py` at the top of the tests::

    pytest_plugins = ["beautyspot.testing.fixtures"]

They are not registered for every run of pytest in the environment: that would import beautyspot,
take time, and hide it from coverage, also in projects that only happen to have it installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beautyspot.testing import spots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot import Spot

__all__ = ["memory_spot"]


@pytest.fixture
def memory_spot() -> Iterator[Spot]:
    """A fresh `beautyspot.testing.memory_spot` for the test, shut down at its end."""
    with spots.memory_spot() as spot:
        yield spot
