"""The backends in memory, where tests look for them; see `beautyspot.memory`."""

from __future__ import annotations

from beautyspot.memory import MemoryMetadataStore, MemoryStorage

__all__ = ["MemoryMetadataStore", "MemoryStorage"]
