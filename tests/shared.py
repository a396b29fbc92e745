"""A Spot whose store others can write to as well."""

from __future__ import annotations

from typing import Any

from beautyspot import Spot
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.testing import memory_spot


class SharedStore(MemoryMetadataStore):
    private = False


class SharedStorage(MemoryStorage):
    private = False


def of_others(**options: Any) -> Spot:
    """One that neither raises for its own failures nor keeps anything at its end."""
    return memory_spot(**{"metadata": SharedStore(), "strict": False, **options})
