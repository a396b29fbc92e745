"""The contract of each extension point of beautyspot, as tests for the authors of plug-ins.

Subclass the class of an extension point, give one factory method, and get the whole suite::

    from beautyspot_testing.storage import StorageContract

    class TestFooStorage(StorageContract):
        def make(self, tmp_path):
            return FooStorage(tmp_path)

What the tests of an application need is in `beautyspot.testing`.
"""

from __future__ import annotations

import pkgutil

import pytest

__all__: list[str] = []

# Only after this does a failing test of an installed package show what it compared.
_MODULES = [f"{__name__}.{one.name}" for one in pkgutil.iter_modules(__path__)]
pytest.register_assert_rewrite(*_MODULES)
