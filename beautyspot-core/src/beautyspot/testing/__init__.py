"""What tests need: the contract of each extension point, and Spots that leave nothing behind.

A plug-in author subclasses the class of an extension point, gives one factory method, and gets the
whole suite::

    from beautyspot.testing.storage import StorageContract

    class TestFooStorage(StorageContract):
        def make(self, tmp_path):
            return FooStorage(tmp_path)

An application's tests take `memory_spot`, or the fixture of that name in
`beautyspot.testing.fixtures`.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from beautyspot.testing.spots import memory_spot

__all__ = ["memory_spot"]

_SUITES: Final = (
    "keygen",
    "limiter",
    "limiter_model",
    "limiter_settle",
    "limiter_steps",
    "metadata",
    "metadata_counts",
    "metadata_invalidations",
    "metadata_leases",
    "metadata_listing",
    "processes",
    "serializer",
    "storage",
    "types",
)
"""The modules that hold asserts."""

# An application may use the memory backends without pytest. Where it is there, a failing contract
# test of an installed package shows what it compared only after this.
if importlib.util.find_spec("pytest") is not None:  # pragma: no branch - pytest runs this
    import pytest

    pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in _SUITES))
